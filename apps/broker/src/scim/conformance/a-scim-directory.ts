import { identityProvider } from '#testing';
import { aBroker, type TestBroker } from '../../a-broker';

/** What the identity provider got. `body` is parsed where there is one. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  body: any;
}

export interface ScimUnderTest {
  id: string;
  token: string;
  /** Where the broker really listens. */
  url: string;
  /** The base URL as the broker tells it: what Location and meta.location begin with. */
  baseUrl: string;
  send: (request: { method: string; path: string; headers?: Record<string, string>; body?: unknown }) => Promise<Reply>;
  get: (path: string, headers?: Record<string, string>) => Promise<Reply>;
  post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Reply>;
  put: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Reply>;
  /** Operations make a PATCH body; anything else is sent as it is. */
  patch: (path: string, operations: unknown, headers?: Record<string, string>) => Promise<Reply>;
  delete: (path: string, headers?: Record<string, string>) => Promise<Reply>;
  /** GET with the parameters encoded. */
  query: (path: string, parameters: Record<string, string | number>) => Promise<Reply>;
  /** The userNames, or displayNames of groups, that a filter selects, in the order of the answer. */
  matching: (filter: string, endpoint?: '/Users' | '/Groups') => Promise<string[]>;
  /** Makes a user; answers its representation. */
  aUser: (attributes?: Record<string, unknown>) => Promise<Reply['body']>;
  /** Makes a group; answers its representation. */
  aGroup: (attributes?: Record<string, unknown>) => Promise<Reply['body']>;
  /** The types of the directory's events so far, but for `directory.activated`. */
  events: () => Promise<string[]>;
}

export const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const listUrn = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const errorUrn = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const searchUrn = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
export const bulkUrn = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

/** An id of the right form that nobody has. */
export const nobody = 'usr_00000000000000000000000000000000';
export const noGroup = 'grp_00000000000000000000000000000000';

let started: Promise<TestBroker> | undefined;

/** The broker of this test file: started when it is first asked for, stopped after the file's last test. */
export function theBroker(): Promise<TestBroker> {
  return (started ??= aBroker());
}

/** An empty directory on this file's broker, and an identity provider that speaks to it over HTTP. */
export async function aScimDirectory(): Promise<ScimUnderTest> {
  const broker = await theBroker();
  const { id, token } = await broker.aDirectory({ provider: 'generic' });
  const url = `${broker.url}/scim/v2/${id}`;
  const idp = identityProvider({ baseUrl: url, token });
  let made = 0;

  const scim: ScimUnderTest = {
    id,
    token,
    url,
    baseUrl: `${broker.config.publicUrl}/scim/v2/${id}`,
    send: (request) => idp.send(request),
    get: (path, headers) => idp.send({ method: 'GET', path, ...(headers && { headers }) }),
    post: (path, body, headers) => idp.send({ method: 'POST', path, body, ...(headers && { headers }) }),
    put: (path, body, headers) => idp.send({ method: 'PUT', path, body, ...(headers && { headers }) }),
    patch: (path, operations, headers) => {
      const body: unknown = Array.isArray(operations) ? { schemas: [patchUrn], Operations: operations } : operations;
      return idp.send({ method: 'PATCH', path, body, ...(headers && { headers }) });
    },
    delete: (path, headers) => idp.send({ method: 'DELETE', path, ...(headers && { headers }) }),
    query: (path, parameters) => {
      const text = Object.entries(parameters)
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        .join('&');
      return idp.send({ method: 'GET', path: `${path}?${text}` });
    },
    matching: async (filter, endpoint = '/Users') => {
      const reply = await scim.query(endpoint, { filter, count: 1000 });
      if (reply.status !== 200) throw new Error(`${filter}: ${reply.text}`);
      const names: string[] = reply.body.Resources.map(
        (resource: Record<string, string>) => resource[endpoint === '/Users' ? 'userName' : 'displayName'],
      );
      expect({ filter, total: reply.body.totalResults }).toEqual({ filter, total: names.length });
      return names;
    },
    aUser: async (attributes = {}) => {
      made += 1;
      const reply = await scim.post('/Users', { schemas: [userUrn], userName: `user-${made}@acme.com`, ...attributes });
      if (reply.status !== 201) throw new Error(`POST /Users: ${reply.text}`);
      return reply.body;
    },
    aGroup: async (attributes = {}) => {
      made += 1;
      const reply = await scim.post('/Groups', { schemas: [groupUrn], displayName: `Group ${made}`, ...attributes });
      if (reply.status !== 201) throw new Error(`POST /Groups: ${reply.text}`);
      return reply.body;
    },
    events: async () => {
      const { rows } = await broker.db.pool.query<{ type: string }>(
        `select type from events where directory_id = $1 and type <> 'directory.activated' order by sequence`,
        [uuidOf(id)],
      );
      return rows.map(({ type }) => type);
    },
  };
  return scim;
}

/** The id inside of a public one. */
export function uuidOf(publicId: string): string {
  return publicId.replace(/^[a-z]+_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What an error must look like, whatever it says: these members and no others. */
export function anError(status: number, scimType?: string): object {
  return {
    status,
    contentType: 'application/scim+json',
    body: { schemas: [errorUrn], status: String(status), ...(scimType !== undefined && { scimType }), detail: expect.stringMatching(/\S/) },
  };
}

/** What `anError` is compared with. */
export function seen(reply: Reply): object {
  return { status: reply.status, contentType: reply.headers.get('content-type'), body: reply.body };
}
