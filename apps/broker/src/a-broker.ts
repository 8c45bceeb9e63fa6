import { randomBytes } from 'node:crypto';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { createEnvironment } from '#accounts';
import { type Config, createLog, createPool, type LogLevel } from '#runtime';
import { FeedNotices, Sequencer } from '#delivery';
import { type IdentityProvider, createTestDatabase, identityProvider, type TestDatabase } from '#testing';
import { aClosedDocument, aClosedSchema } from './frame/a-closed-document';
import { routes } from './api/routes';
import { routes as consoleRoutes } from './console/door';
import { routes as setupRoutes } from './setup/routes';
import { type Broker, startBroker } from './broker';

/** What an HTTP call came to. `body` is parsed where it is JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  body: any;
  text: string;
}

export interface CallOptions {
  key?: string | null;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface TestBroker extends Broker {
  db: TestDatabase;
  config: Config;
  environmentId: string;
  apiKey: string;
  /** What it has logged, as an error unless it was told to log more, line by line. */
  logged: string[];
  /**
   * Calls the broker over HTTP with its first environment's key. An answer of the API that the OpenAPI document does not describe,
   * to the last field, fails the test, and so does one to our own pages that is not of the schema from which they take its type.
   */
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
  /** Another environment's key. */
  stranger: () => Promise<string>;
  /** A directory of a new organization, and its identity provider. */
  aDirectory: (options?: { key?: string; provider?: string }) => Promise<TestDirectory>;
  /** Gives events their positions from now on, as the worker does. */
  sequence: () => void;
}

export interface TestDirectory {
  id: string;
  organizationId: string;
  idp: IdentityProvider;
  token: string;
}

const atTheEnd: (() => Promise<void>)[] = [];

afterAll(async () => {
  await Promise.all(atTheEnd.splice(0).map((stop) => stop()));
});

/** A broker on a database of its own, over real HTTP; stopped after the file's last test. */
export async function aBroker(settings: Partial<Config> = {}, logLevel: LogLevel = 'error'): Promise<TestBroker> {
  const db = settings.databaseUrl === undefined ? await createTestDatabase() : undefined;
  const config = aConfig({ ...(db && { databaseUrl: db.url }), ...settings });
  const logged: string[] = [];
  const log = createLog(logLevel, 'test', { write: (line: string) => void logged.push(line) });
  const broker = await startBroker({ config, log });
  atTheEnd.push(() => broker.stop(1_000));
  const call = caller(broker.url, broker.bootstrap?.apiKey ?? config.bootstrapApiKey ?? '');
  return {
    ...broker,
    db: db ?? (await createTestDatabase()),
    config,
    environmentId: broker.bootstrap?.environmentId ?? '',
    apiKey: broker.bootstrap?.apiKey ?? config.bootstrapApiKey ?? '',
    logged,
    call,
    stranger: async () => {
      if (!db) throw new Error('only on a database of its own');
      return (await createEnvironment(db.pool, { name: 'somebody else' })).apiKey;
    },
    aDirectory: async ({ key, provider = 'entra' } = {}) => {
      const as = key === undefined ? {} : { key };
      const organization = await call('POST', '/v1/organizations', { ...as, body: { name: 'Acme' } });
      const directory = await call('POST', '/v1/directories', { ...as, body: { organization_id: organization.body.id, provider } });
      const { token } = (await call('POST', `/v1/directories/${directory.body.id}/bearer_token`, as)).body;
      const idp = identityProvider({ baseUrl: `${broker.url}/scim/v2/${directory.body.id}`, token });
      return { id: directory.body.id, organizationId: organization.body.id, idp, token };
    },
    sequence: () => {
      if (!db) throw new Error('only on a database of its own');
      // A pool of its own: the database's may be ended before this is. What fails then does not matter any more.
      const onError = (): void => {};
      const pool = createPool(db.url, { max: 2, applicationName: 'test sequencer', onError });
      const notices = new FeedNotices(pool, onError);
      const sequencer = new Sequencer({ pool, onBatch: ({ environmentIds }) => notices.tell(environmentIds), onError });
      sequencer.start();
      atTheEnd.push(async () => {
        await sequencer.stop();
        await notices.stop();
        await pool.end();
      });
    },
  };
}

export function aConfig(settings: Partial<Config> & { databaseUrl?: string }): Config {
  return {
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'http://causeway.test',
    dataDir: '/nonexistent',
    databaseUrl: '',
    encryptionKey: randomBytes(32),
    previousEncryptionKeys: [],
    webhookAllowedCidrs: ['127.0.0.0/8'],
    mailFrom: 'Causeway <causeway@localhost>',
    logLevel: 'fatal',
    scimRateLimit: 0,
    apiRateLimit: 0,
    signUp: 'closed',
    trustedProxies: [],
    retention: { eventsDays: 365, attemptsDays: 90, requestsDays: 90 },
    ...settings,
  };
}

/** Calls under one key. `key: null` sends none. */
export function caller(url: string, apiKey: string) {
  return async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const key = options.key === undefined ? apiKey : options.key;
    const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key !== null && { Authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...options.headers,
      },
      ...(body !== undefined && { body }),
      ...(options.signal && { signal: options.signal }),
      redirect: 'manual',
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const answer: Answer = { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
    expectDescribed(method, path, answer);
    expectOfItsSchema(method, path, answer);
    return answer;
  };
}

const pageRoutes = [...consoleRoutes, ...setupRoutes];
const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ ...aClosedDocument(routes), $id: 'openapi' });
const validators = new Map<string, ValidateFunction>();

/** Holds an answer of the API against what the OpenAPI document says of it. */
function expectDescribed(method: string, path: string, answer: Answer): void {
  const [pathname = ''] = path.split('?');
  const route = routes.find((one) => one.method === method.toLowerCase() && pattern(one.path).test(pathname));
  if (!route) return;
  const contentType = (answer.headers.get('content-type') ?? '').split(';')[0];
  if (answer.status === route.answer.status && !route.answer.schema) {
    expect({ path, text: answer.text }).toEqual({ path, text: '' });
    return;
  }
  const steps = ['paths', route.path, route.method, 'responses', String(answer.status), 'content', contentType ?? '', 'schema'];
  const pointer = `openapi#/${steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
  let validate = validators.get(pointer);
  if (!validate) {
    try {
      validate = ajv.compile({ $ref: pointer });
    } catch {
      throw new Error(`the OpenAPI document does not describe ${answer.status} ${contentType} of ${method} ${route.path}: ${answer.text}`);
    }
    validators.set(pointer, validate);
  }
  const value: unknown = contentType === 'text/event-stream' ? answer.text : answer.body;
  if (!validate(value)) throw new Error(`${method} ${path} answers not as described: ${ajv.errorsText(validate.errors)} in ${answer.text}`);
}

/** Holds an answer to one of our pages against the schema that its route declares. */
function expectOfItsSchema(method: string, path: string, { status, body, text }: Answer): void {
  const [pathname = ''] = path.split('?');
  const route = pageRoutes.find((one) => one.method === method.toLowerCase() && pattern(one.path).test(pathname));
  if (!route || status !== route.answer.status || !route.answer.schema) return;
  const name = `${route.method} ${route.path}`;
  const validate = validators.get(name) ?? ajv.compile(aClosedSchema(route.answer.schema));
  validators.set(name, validate);
  if (!validate(body))
    throw new Error(`${method} ${path} is not answered as its route declares: ${ajv.errorsText(validate.errors)} in ${text}`);
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}
