import { types } from 'node:util';
import pino from 'pino';
import type { LogLevel } from './config';

export type Logger = pino.Logger;

/**
 * Makes the log of a process: one JSON object a line on stdout, with `name` on each.
 *
 * Two nets keep secrets out. Fields that hold them by name are censored; and whatever looks like one of our secrets
 * is blanked in the finished line, wherever it came from (a message, an error's stack, a URL).
 */
export function createLog(level: LogLevel, name: string, destination?: pino.DestinationStream): Logger {
  const options: pino.LoggerOptions = {
    level,
    name,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError, error: describeError },
    redact: {
      paths: [...secretFields, ...secretFields.map((field) => `*.${field}`), ...secretFields.map((field) => `*.*.${field}`)],
      censor: '***',
    },
    hooks: { streamWrite: withoutSecrets },
  };
  return pino(options, destination ?? pino.destination(gathered));
}

// One write for many lines where there are many, a tenth of a second late at most; what is left is written as the process ends.
const gathered = { sync: false, minLength: 16_000, periodicFlush: 100 };

const secretFields = [
  'authorization',
  'Authorization',
  'cookie',
  '["set-cookie"]',
  'password',
  'secret',
  'token',
  'api_key',
  'apiKey',
  'client_secret',
  'clientSecret',
  'access_token',
  'refresh_token',
  'encryptionKey',
  'previousEncryptionKeys',
  'databaseUrl',
  'redisUrl',
  'smtpUrl',
];

/** Blanks what looks like a secret: ours, a bearer's or Basic's credentials, the password in a URL. */
export function withoutSecrets(text: string): string {
  return withoutOwnSecrets(text)
    .replace(/(Bearer|Basic) [A-Za-z0-9._~+/=-]{6,}/gi, '$1 ***')
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:@/"\\]*):[^\s/"\\]+@/gi, '$1:***@');
}

/**
 * Blanks the secrets that we give, and nothing that only people would write.
 *
 * Where a word begins cannot be told: JSON writes the end of a line as \n, and a URL a space as %20. So what is as long as a secret
 * of ours is blanked whatever stands before it, and the rest of one only where its kind is known and its prefix begins a word.
 */
export function withoutOwnSecrets(text: string): string {
  return text
    .replace(/(cw[a-z]_)[A-Za-z0-9._~+/-]{16,}/g, '$1***')
    .replace(/\b(cw[kmtscarlp]_)[A-Za-z0-9._~+/-]{6,}/g, '$1***')
    .replace(/(whsec_)[A-Za-z0-9+/=_-]{6,}/g, '$1***');
}

/**
 * An error as the log keeps it. Only these fields: an error of pg carries the row that offended and the query's
 * position, one of undici the whole request, and people's data does not belong in a log.
 */
function describeError(error: unknown): unknown {
  if (!types.isNativeError(error)) return error;
  const code = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
    ...('errors' in error && Array.isArray(error.errors) ? { errors: error.errors.map(describeError) } : {}),
  };
}
