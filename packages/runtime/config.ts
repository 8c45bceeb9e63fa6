import path from 'node:path';
import ipaddr from 'ipaddr.js';

/** Every setting of a process, checked. Made by {@link loadConfig}; only a `main.ts` sees it. */
export interface Config extends StandaloneConfig {
  databaseUrl: string;
  /** 32 bytes. */
  encryptionKey: Buffer;
}

/** What `npm start` reads: the database and the key may be missing, because it makes both. */
export interface StandaloneConfig {
  host: string;
  port: number;
  /** An origin, without a trailing slash. */
  publicUrl: string;
  /** An absolute path. */
  dataDir: string;
  databaseUrl?: string;
  redisUrl?: string;
  encryptionKey?: Buffer;
  /** 32 bytes each: what was encrypted with one of these is read too. */
  previousEncryptionKeys: Buffer[];
  bootstrapApiKey?: string;
  bootstrapAdminEmail?: string;
  bootstrapAdminPassword?: string;
  /** In CIDR notation, always with a prefix length. */
  webhookAllowedCidrs: string[];
  smtpUrl?: string;
  mailFrom: string;
  logLevel: LogLevel;
  /** Requests a second for each directory; 0: no limit. */
  scimRateLimit: number;
  /** Requests a second for each API key; 0: no limit. */
  apiRateLimit: number;
  operatorApiKey?: string;
  signUp: 'open' | 'closed';
  /** In CIDR notation, always with a prefix length. */
  trustedProxies: string[];
  metricsToken?: string;
  retention: { eventsDays: number; attemptsDays: number; requestsDays: number };
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Reads the settings of a part that runs on its own (`npm run broker`, `npm run worker`).
 *
 * `unset` replaces what a variable is taken for while it is not set. An empty variable is not set, because an
 * empty one is what `${NAME:-}` in a compose file makes.
 *
 * @throws ConfigError that names every bad variable at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv, unset: Unset = {}): Config {
  const settings = check(env, unset, Object.values(variables), [variables.DATABASE_URL, variables.ENCRYPTION_KEY]);
  return {
    ...standaloneSettings(settings),
    databaseUrl: settings.must(variables.DATABASE_URL),
    encryptionKey: settings.must(variables.ENCRYPTION_KEY),
  };
}

/** A developer's own machine, where webhooks go to a receiver beside the broker, and somebody can sign in to the console at once. */
export const standaloneUnset: Unset = { WEBHOOK_ALLOWED_CIDRS: '127.0.0.0/8,::1/128', BOOTSTRAP_ADMIN_EMAIL: 'admin@localhost' };

/**
 * Reads the settings of `npm start`: as {@link loadConfig} does, with the database and the key left out where unset.
 *
 * @throws ConfigError that names every bad variable at once.
 */
export function loadStandaloneConfig(env: NodeJS.ProcessEnv, unset: Unset = standaloneUnset): StandaloneConfig {
  return standaloneSettings(check(env, unset, Object.values(variables), []));
}

/**
 * Reads what `npm run migrate` needs. It asks for neither keys nor ports, so that a deployment's job need not be
 * given them.
 *
 * @throws ConfigError that names every bad variable at once.
 */
export function loadDatabaseConfig(env: NodeJS.ProcessEnv): Pick<Config, 'databaseUrl' | 'redisUrl' | 'logLevel'> {
  const read = [variables.DATABASE_URL, variables.REDIS_URL, variables.LOG_LEVEL];
  const settings = check(env, {}, read, [variables.DATABASE_URL]);
  return {
    databaseUrl: settings.must(variables.DATABASE_URL),
    redisUrl: settings.may(variables.REDIS_URL),
    logLevel: settings.must(variables.LOG_LEVEL),
  };
}

/** Variables that cannot be used. The message has a line for each: its name, what it holds, what it should hold. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly { variable: string; sentence: string }[]) {
    super(problems.map(({ sentence }) => sentence).join('\n'));
    this.name = 'ConfigError';
  }
}

interface Variable<T> {
  name: string;
  meaning: string;
  /** What it should hold: the end of "… should hold". */
  should: string;
  /** What it is taken for while it is not set; absent: there is no value then. */
  unset?: string;
  /** `whole`: its value is never shown; `password`: it is a URL that may have a password in it. */
  secret?: 'whole' | 'password';
  /** What to do where it is required and not set. */
  otherwise?: string;
  /** A variable without which this one would do nothing. */
  needs?: string;
  /** Its value, or undefined where the text is not what it should be. Space around the text is gone already. */
  parse(text: string): T | undefined;
}

const variable = <T>(description: Variable<T>): Variable<T> => description;

/** Every variable that is read. A new one is an entry here and a line in {@link standaloneSettings}. */
export const variables = {
  HOST: variable({
    name: 'HOST',
    meaning: 'the address that the broker listens on',
    should: 'an address or a host name of this machine, such as 127.0.0.1, ::1 or 0.0.0.0',
    unset: '127.0.0.1',
    parse: (text) => (ipaddr.isValid(text) || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) ? text : undefined),
  }),
  PORT: variable({
    name: 'PORT',
    meaning: 'the port that the broker listens on',
    should: 'a whole number from 0 to 65535 (0: one that is free)',
    unset: '8080',
    parse: wholeNumber(0, 65_535),
  }),
  PUBLIC_URL: variable({
    name: 'PUBLIC_URL',
    meaning: 'the origin that identity providers and browsers see, http://HOST:PORT while unset; base URLs are built from it',
    should: 'an origin without a path, such as https://scim.example.com',
    parse: (text) => {
      const url = parseUrl(text, 'http:', 'https:');
      return url && url.href === `${url.origin}/` ? url.origin : undefined;
    },
  }),
  DATA_DIR: variable({
    name: 'DATA_DIR',
    meaning: 'where the embedded database and generated keys live',
    should: 'the path of a folder',
    unset: '.causeway/',
    parse: (text) => path.resolve(text),
  }),
  DATABASE_URL: variable({
    name: 'DATABASE_URL',
    meaning: 'PostgreSQL 14 or newer',
    should: 'a URL such as postgres://user:password@host:5432/database (special characters of the password %-encoded)',
    secret: 'password',
    otherwise: '"npm start" brings a PostgreSQL of its own',
    parse: (text) => {
      // Without a host, a Unix socket is meant (postgres://user@/database?host=/run/postgresql), which URL refuses.
      const withHost = text.replace('@/', '@localhost/');
      // A fragment is what is left of a password with a # in it.
      return parseUrl(withHost, 'postgres:', 'postgresql:')?.hash === '' ? text : undefined;
    },
  }),
  REDIS_URL: variable({
    name: 'REDIS_URL',
    meaning: 'Redis 6.2 or newer (or Valkey) for BullMQ, which keeps its jobs in PostgreSQL while this is unset',
    should: 'a URL such as redis://:password@host:6379 or rediss://…',
    secret: 'password',
    parse: (text) => (parseUrl(text, 'redis:', 'rediss:')?.hostname ? text : undefined),
  }),
  ENCRYPTION_KEY: variable({
    name: 'ENCRYPTION_KEY',
    meaning: 'encrypts what must be read back: webhook secrets, client secrets of others',
    should: '32 bytes in base64 (44 characters that end in "=")',
    secret: 'whole',
    otherwise: '"openssl rand -base64 32" prints one, and "npm start" makes one by itself',
    parse: encryptionKey,
  }),
  ENCRYPTION_KEY_PREVIOUS: variable({
    name: 'ENCRYPTION_KEY_PREVIOUS',
    meaning: 'keys that ENCRYPTION_KEY has taken the place of: good for reading, until "npm run reencrypt" has ended',
    should: 'comma-separated keys of 32 bytes in base64 (44 characters that end in "=")',
    secret: 'whole',
    unset: '',
    parse: (text) => {
      const keys = partsOf(text).map(encryptionKey);
      return keys.every((key) => key !== undefined) ? keys : undefined;
    },
  }),
  BOOTSTRAP_API_KEY: variable({
    name: 'BOOTSTRAP_API_KEY',
    meaning: 'on a database with no environment yet: make the environment "default" with this key',
    should: '"cwk_" and at least 32 of A-Z a-z 0-9 _ -',
    secret: 'whole',
    parse: (text) => (/^cwk_[A-Za-z0-9_-]{32,}$/.test(text) ? text : undefined),
  }),
  BOOTSTRAP_ADMIN_EMAIL: variable({
    name: 'BOOTSTRAP_ADMIN_EMAIL',
    meaning: 'on a database with no environment yet: the first console user',
    should: 'an e-mail address',
    parse: (text) => (mailAddress.test(text) ? text : undefined),
  }),
  BOOTSTRAP_ADMIN_PASSWORD: variable({
    name: 'BOOTSTRAP_ADMIN_PASSWORD',
    meaning: "the first console user's password",
    should: 'at least 8 characters',
    secret: 'whole',
    needs: 'BOOTSTRAP_ADMIN_EMAIL',
    parse: (text) => (text.length >= 8 ? text : undefined),
  }),
  WEBHOOK_ALLOWED_CIDRS: variable({
    name: 'WEBHOOK_ALLOWED_CIDRS',
    meaning: 'ranges that webhooks may reach though they are not public',
    should: 'comma-separated ranges such as 10.0.0.0/8,fd00::/8',
    unset: '',
    parse: cidrs,
  }),
  SMTP_URL: variable({
    name: 'SMTP_URL',
    meaning: 'where notifications go; mail is written to the log only while this is unset',
    should: 'a URL such as smtp://user:password@host:587 or smtps://…',
    secret: 'password',
    parse: (text) => (parseUrl(text, 'smtp:', 'smtps:')?.hostname ? text : undefined),
  }),
  MAIL_FROM: variable({
    name: 'MAIL_FROM',
    meaning: 'the sender of notifications',
    should: 'an e-mail address, alone or as in Causeway <causeway@example.com>',
    unset: 'Causeway <causeway@localhost>',
    parse: (text) => (mailAddress.test(text.replace(/^[^<>\r\n]*<(.*)>$/, '$1')) ? text : undefined),
  }),
  LOG_LEVEL: variable({
    name: 'LOG_LEVEL',
    meaning: 'how much is logged',
    should: `one of ${logLevels.join(', ')}`,
    unset: 'info',
    parse: oneOf(logLevels),
  }),
  SCIM_RATE_LIMIT: variable({
    name: 'SCIM_RATE_LIMIT',
    meaning: 'SCIM requests a second for each directory, bursts of four times that; 0: no limit',
    should: 'a whole number from 0 to 1000000',
    unset: '200',
    parse: wholeNumber(0, 1_000_000),
  }),
  API_RATE_LIMIT: variable({
    name: 'API_RATE_LIMIT',
    meaning: 'requests a second for each API key, bursts of four times that; 0: no limit',
    should: 'a whole number from 0 to 1000000',
    unset: '200',
    parse: wholeNumber(0, 1_000_000),
  }),
  OPERATOR_API_KEY: variable({
    name: 'OPERATOR_API_KEY',
    meaning: 'lets its bearer make environments; nobody can by API while this is unset',
    should: 'at least 16 visible ASCII characters, no spaces',
    secret: 'whole',
    parse: bearer,
  }),
  SIGN_UP: variable({
    name: 'SIGN_UP',
    meaning: 'whether strangers may sign up at the console',
    should: 'open or closed',
    unset: 'closed',
    parse: oneOf(['open', 'closed']),
  }),
  TRUSTED_PROXIES: variable({
    name: 'TRUSTED_PROXIES',
    meaning: 'addresses or ranges whose X-Forwarded-* is believed',
    should: 'comma-separated addresses or ranges such as 10.0.0.7,192.168.0.0/16',
    unset: '',
    parse: cidrs,
  }),
  METRICS_TOKEN: variable({
    name: 'METRICS_TOKEN',
    meaning: 'the bearer token that /metrics asks for; loopback alone may read it while this is unset',
    should: 'at least 16 visible ASCII characters, no spaces',
    secret: 'whole',
    parse: bearer,
  }),
  RETENTION_EVENTS_DAYS: variable({
    name: 'RETENTION_EVENTS_DAYS',
    meaning: 'how long events are kept',
    should: 'a whole number of days from 1 to 36500',
    unset: '365',
    parse: wholeNumber(1, 36_500),
  }),
  RETENTION_ATTEMPTS_DAYS: variable({
    name: 'RETENTION_ATTEMPTS_DAYS',
    meaning: 'how long delivery attempts are kept',
    should: 'a whole number of days from 1 to 36500',
    unset: '90',
    parse: wholeNumber(1, 36_500),
  }),
  RETENTION_REQUESTS_DAYS: variable({
    name: 'RETENTION_REQUESTS_DAYS',
    meaning: 'how long provisioning requests are kept',
    should: 'a whole number of days from 1 to 36500',
    unset: '90',
    parse: wholeNumber(1, 36_500),
  }),
};

/** What variables are taken for while they are not set, where that differs from their entry in the table. */
export type Unset = Partial<Record<keyof typeof variables, string>>;

function standaloneSettings({ must, may }: Settings): StandaloneConfig {
  const host = must(variables.HOST);
  const port = must(variables.PORT);
  return {
    host,
    port,
    publicUrl: may(variables.PUBLIC_URL) ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    dataDir: must(variables.DATA_DIR),
    databaseUrl: may(variables.DATABASE_URL),
    redisUrl: may(variables.REDIS_URL),
    encryptionKey: may(variables.ENCRYPTION_KEY),
    previousEncryptionKeys: must(variables.ENCRYPTION_KEY_PREVIOUS),
    bootstrapApiKey: may(variables.BOOTSTRAP_API_KEY),
    bootstrapAdminEmail: may(variables.BOOTSTRAP_ADMIN_EMAIL),
    bootstrapAdminPassword: may(variables.BOOTSTRAP_ADMIN_PASSWORD),
    webhookAllowedCidrs: must(variables.WEBHOOK_ALLOWED_CIDRS),
    smtpUrl: may(variables.SMTP_URL),
    mailFrom: must(variables.MAIL_FROM),
    logLevel: must(variables.LOG_LEVEL),
    scimRateLimit: must(variables.SCIM_RATE_LIMIT),
    apiRateLimit: must(variables.API_RATE_LIMIT),
    operatorApiKey: may(variables.OPERATOR_API_KEY),
    signUp: must(variables.SIGN_UP),
    trustedProxies: must(variables.TRUSTED_PROXIES),
    metricsToken: may(variables.METRICS_TOKEN),
    retention: {
      eventsDays: must(variables.RETENTION_EVENTS_DAYS),
      attemptsDays: must(variables.RETENTION_ATTEMPTS_DAYS),
      requestsDays: must(variables.RETENTION_REQUESTS_DAYS),
    },
  };
}

interface Settings {
  /** The value of a variable that has one by now: it is required, or has something that it is taken for. */
  must: <T>(variable: Variable<T>) => T;
  may: <T>(variable: Variable<T>) => T | undefined;
}

function check(env: NodeJS.ProcessEnv, unset: Unset, read: readonly Variable<unknown>[], required: readonly Variable<unknown>[]): Settings {
  const unsetByName: Record<string, string | undefined> = unset;
  const held = ({ name }: Variable<unknown>) => env[name]?.trim() || undefined;
  const textOf = (entry: Variable<unknown>) => held(entry) ?? unsetByName[entry.name] ?? entry.unset;

  const sentenceOn = (entry: Variable<unknown>): string | undefined => {
    const text = textOf(entry);
    if (text === undefined) {
      if (!required.includes(entry)) return undefined;
      return `${entry.name} is not set, and should hold ${entry.should}. ${entry.otherwise ? `(${entry.otherwise}.)` : ''}`.trim();
    }
    if (entry.parse(text) === undefined) return `${entry.name} holds ${shown(entry, text)}, and should hold ${entry.should}.`;
    if (entry.needs && held(entry) && !env[entry.needs]?.trim())
      return `${entry.name} is set, but ${entry.needs}, without which it does nothing, is not.`;
    return undefined;
  };

  const problems = read.flatMap((entry) => {
    const sentence = sentenceOn(entry);
    return sentence ? [{ variable: entry.name, sentence }] : [];
  });
  if (problems.length > 0) throw new ConfigError(problems);

  const may = <T>(entry: Variable<T>): T | undefined => {
    const text = textOf(entry);
    return text === undefined ? undefined : entry.parse(text);
  };
  const must = <T>(entry: Variable<T>): T => {
    const value = may(entry);
    if (value === undefined) throw new Error(`${entry.name} has neither a value nor anything that it is taken for`);
    return value;
  };
  return { may, must };
}

/** What a variable holds, fit for a terminal and for a log. */
function shown(entry: Variable<unknown>, text: string): string {
  const hidden = `a secret of ${text.length} characters`;
  switch (entry.secret) {
    case undefined:
      return JSON.stringify(text);
    case 'whole':
      return hidden;
    case 'password': {
      // Up to the last "@": a password with an unescaped "@" or "/" in it is a likely reason to be here.
      const url = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^:@]*)(:.*)?@)?([^@]*)$/is.exec(text);
      if (!url) return hidden;
      const [, scheme = '', user, password, rest = ''] = url;
      if (user === undefined && !/^(\[[0-9a-f:.]+\]|[a-z0-9.-]*)(:\d+)?([/?]|$)/i.test(rest)) return hidden;
      const login = user === undefined ? '' : `${user}${password ? ':***' : ''}@`;
      return JSON.stringify(scheme + login + rest.replace(/([?&][^=&]*password=)[^&]*/gi, '$1***'));
    }
  }
}

const mailAddress = /^[^\s@<>]+@[^\s@<>]+$/;

function wholeNumber(least: number, most: number): (text: string) => number | undefined {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    return number >= least && number <= most ? number : undefined;
  };
}

function oneOf<const T extends string>(words: readonly T[]): (text: string) => T | undefined {
  return (text) => words.find((word) => word === text);
}

function bearer(text: string): string | undefined {
  return /^[\x21-\x7e]{16,}$/.test(text) ? text : undefined;
}

function parseUrl(text: string, ...schemes: string[]): URL | undefined {
  if (/\s/.test(text)) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && schemes.includes(url.protocol) ? url : undefined;
}

function encryptionKey(text: string): Buffer | undefined {
  // Buffer.from skips what is not base64, so a mistyped key would become another one: compare the way back.
  const key = Buffer.from(text, 'base64');
  return key.length === 32 && key.toString('base64') === text.padEnd(44, '=') ? key : undefined;
}

function partsOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function cidrs(text: string): string[] | undefined {
  const ranges = partsOf(text).map(cidr);
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

/** A range, or an address as the range of itself. */
function cidr(text: string): string | undefined {
  const [address = '', prefix, ...more] = text.split('/');
  // ipaddr.js also takes 010.0.0.1 (octal), 0x7f.1 and 127.1, which nobody means to write in a list of exceptions.
  const bits = ipaddr.IPv4.isValidFourPartDecimal(address) ? 32 : ipaddr.IPv6.isValid(address) && !address.includes('%') ? 128 : undefined;
  if (bits === undefined || more.length > 0) return undefined;
  if (prefix === undefined) return `${address}/${bits}`;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? text : undefined;
}
