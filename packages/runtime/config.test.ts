import { randomBytes } from 'node:crypto';
import { ConfigError, loadConfig, loadDatabaseConfig, loadStandaloneConfig, variables } from './config';

const key = randomBytes(32).toString('base64');
const needed = { DATABASE_URL: 'postgres://causeway:pw@db/causeway', ENCRYPTION_KEY: key };

/** What the settings are refused with; empty where they are not. */
function refusal(env: Record<string, string>): string {
  try {
    loadConfig({ ...needed, ...env });
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

test('what is not set is taken for what the contract says', () => {
  expect(loadConfig(needed)).toEqual({
    host: '127.0.0.1',
    port: 8080,
    publicUrl: 'http://127.0.0.1:8080',
    dataDir: `${process.cwd()}/.causeway`,
    databaseUrl: needed.DATABASE_URL,
    redisUrl: undefined,
    encryptionKey: Buffer.from(key, 'base64'),
    previousEncryptionKeys: [],
    bootstrapApiKey: undefined,
    bootstrapAdminEmail: undefined,
    bootstrapAdminPassword: undefined,
    webhookAllowedCidrs: [],
    smtpUrl: undefined,
    mailFrom: 'Causeway <causeway@localhost>',
    logLevel: 'info',
    scimRateLimit: 200,
    apiRateLimit: 200,
    operatorApiKey: undefined,
    signUp: 'closed',
    trustedProxies: [],
    metricsToken: undefined,
    retention: { eventsDays: 365, attemptsDays: 90, requestsDays: 90 },
  });
});

test('npm start needs nothing, lets webhooks reach loopback, and somebody into the console', () => {
  const config = loadStandaloneConfig({});
  expect(config).toMatchObject({ webhookAllowedCidrs: ['127.0.0.0/8', '::1/128'], bootstrapAdminEmail: 'admin@localhost' });
  expect(config.databaseUrl).toBeUndefined();
  expect(config.encryptionKey).toBeUndefined();
});

test('npm run migrate needs the database alone', () => {
  expect(loadDatabaseConfig({ DATABASE_URL: needed.DATABASE_URL, PORT: 'rubbish' })).toEqual({
    databaseUrl: needed.DATABASE_URL,
    redisUrl: undefined,
    logLevel: 'info',
  });
  expect(() => loadDatabaseConfig({})).toThrow(/^DATABASE_URL is not set/);
});

test('everything that is set is read', () => {
  const former = ['A', 'B'].map((letter) => Buffer.alloc(32, letter).toString('base64'));
  expect(
    loadConfig({
      ...needed,
      HOST: '::1',
      ENCRYPTION_KEY_PREVIOUS: `${former[0]}, ${former[1]}`,
      PORT: '9090',
      REDIS_URL: 'redis://:secret@cache:6379/2',
      BOOTSTRAP_API_KEY: `cwk_${'a'.repeat(32)}`,
      BOOTSTRAP_ADMIN_EMAIL: 'ada@example.com',
      BOOTSTRAP_ADMIN_PASSWORD: 'correct horse',
      WEBHOOK_ALLOWED_CIDRS: '10.0.0.0/8, fd00::/8,192.168.1.7',
      SMTP_URL: 'smtps://mail.example.com',
      MAIL_FROM: 'ops@example.com',
      LOG_LEVEL: 'debug',
      SCIM_RATE_LIMIT: '0',
      API_RATE_LIMIT: '50',
      OPERATOR_API_KEY: 'o'.repeat(16),
      SIGN_UP: 'open',
      TRUSTED_PROXIES: '10.0.0.7',
      METRICS_TOKEN: 'm'.repeat(16),
      RETENTION_EVENTS_DAYS: '30',
      RETENTION_ATTEMPTS_DAYS: '7',
      RETENTION_REQUESTS_DAYS: '1',
    }),
  ).toMatchObject({
    port: 9090,
    publicUrl: 'http://[::1]:9090',
    previousEncryptionKeys: former.map((text) => Buffer.from(text, 'base64')),
    webhookAllowedCidrs: ['10.0.0.0/8', 'fd00::/8', '192.168.1.7/32'],
    trustedProxies: ['10.0.0.7/32'],
    scimRateLimit: 0,
    apiRateLimit: 50,
    signUp: 'open',
    retention: { eventsDays: 30, attemptsDays: 7, requestsDays: 1 },
  });
});

test('an empty variable is one that is not set', () => {
  expect(loadConfig({ ...needed, PORT: '', REDIS_URL: ' ' })).toMatchObject({ port: 8080, redisUrl: undefined });
});

test('a trailing slash of PUBLIC_URL goes', () => {
  expect(loadConfig({ ...needed, PUBLIC_URL: 'https://scim.example.com/' }).publicUrl).toBe('https://scim.example.com');
});

test('a database behind a Unix socket is taken', () => {
  const url = 'postgres://causeway@/causeway?host=%2Frun%2Fpostgresql';
  expect(loadConfig({ ...needed, DATABASE_URL: url }).databaseUrl).toBe(url);
});

test('all that is wrong is said at once, by name, with what it holds and what it should hold', () => {
  expect(refusal({ PORT: '80800', LOG_LEVEL: 'loud' })).toBe(
    'PORT holds "80800", and should hold a whole number from 0 to 65535 (0: one that is free).\nLOG_LEVEL holds "loud", and should hold one of fatal, error, warn, info, debug, trace.',
  );
});

test('what is required and not set is said, with a way out', () => {
  expect(() => loadConfig({})).toThrow(
    'DATABASE_URL is not set, and should hold a URL such as postgres://user:password@host:5432/database (special characters of the password %-encoded). ("npm start" brings a PostgreSQL of its own.)\n' +
      'ENCRYPTION_KEY is not set, and should hold 32 bytes in base64 (44 characters that end in "="). ("openssl rand -base64 32" prints one, and "npm start" makes one by itself.)',
  );
});

test.each([
  ['HOST', 'not a host'],
  ['PORT', '-1'],
  ['PORT', '8080.5'],
  ['PORT', '0x50'],
  ['PUBLIC_URL', 'scim.example.com'],
  ['PUBLIC_URL', 'https://scim.example.com/broker'],
  ['PUBLIC_URL', 'https://user:pw@scim.example.com'],
  ['PUBLIC_URL', 'ftp://scim.example.com'],
  ['DATABASE_URL', 'mysql://db/causeway'],
  ['DATABASE_URL', 'postgres://user:pa#ss@db/causeway'],
  ['REDIS_URL', 'cache:6379'],
  ['ENCRYPTION_KEY', 'too short'],
  ['ENCRYPTION_KEY', `${key}x`],
  ['ENCRYPTION_KEY', 'a'.repeat(64)],
  ['ENCRYPTION_KEY_PREVIOUS', `${key},too short`],
  ['BOOTSTRAP_API_KEY', 'cwk_short'],
  ['BOOTSTRAP_ADMIN_EMAIL', 'ada'],
  ['WEBHOOK_ALLOWED_CIDRS', '10.0.0.0/33'],
  ['WEBHOOK_ALLOWED_CIDRS', '010.0.0.1'],
  ['WEBHOOK_ALLOWED_CIDRS', '10.0.0.0/8;127.0.0.1'],
  ['SMTP_URL', 'mail.example.com:587'],
  ['MAIL_FROM', 'Causeway'],
  ['LOG_LEVEL', 'INFO'],
  ['SCIM_RATE_LIMIT', '-1'],
  ['API_RATE_LIMIT', '-1'],
  ['OPERATOR_API_KEY', 'short'],
  ['SIGN_UP', 'yes'],
  ['TRUSTED_PROXIES', 'proxy.internal'],
  ['METRICS_TOKEN', 'has spaces in it so it is bad'],
  ['RETENTION_EVENTS_DAYS', '0'],
])('%s does not take %j', (name, text) => {
  expect(refusal({ [name]: text })).toMatch(new RegExp(`^${name} holds .*, and should hold .*\\.$`));
});

test('a password without the address that it belongs to is refused', () => {
  expect(refusal({ BOOTSTRAP_ADMIN_PASSWORD: 'correct horse' })).toBe(
    'BOOTSTRAP_ADMIN_PASSWORD is set, but BOOTSTRAP_ADMIN_EMAIL, without which it does nothing, is not.',
  );
});

test.each([
  ['ENCRYPTION_KEY', 'hunter2hunter2'],
  ['ENCRYPTION_KEY_PREVIOUS', 'hunter2,hunter2'],
  ['BOOTSTRAP_API_KEY', 'cwk_hunter2!'],
  ['OPERATOR_API_KEY', 'hunter2'],
  ['METRICS_TOKEN', 'hunter2'],
  ['DATABASE_URL', 'hunter2'],
  ['DATABASE_URL', 'mysql://user:hunter2@db/causeway'],
  ['DATABASE_URL', 'postgres://user:hunter2@x#y@db/causeway'],
  ['DATABASE_URL', 'postgres://user:hunter2'],
  ['DATABASE_URL', 'mysql://db/causeway?password=hunter2'],
  ['REDIS_URL', 'http://:hunter2@cache'],
  ['SMTP_URL', 'user:hunter2@mail'],
])('a refusal of %s %j does not repeat the secret', (name, text) => {
  const said = refusal({ [name]: text });
  expect(said).toMatch(new RegExp(`^${name} holds `));
  expect(said).not.toContain('hunter2');
});

test('every entry of the table stands under its own name', () => {
  expect(Object.entries(variables).filter(([key, { name }]) => key !== name)).toEqual([]);
});
