/** What an identity provider sends. */
export interface ScimRequest {
  method: string;
  /** Below the base URL, such as `/Users?filter=…`. */
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON; a string or bytes are sent as they are. */
  body?: unknown;
}

export interface ScimAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The text as JSON; undefined where there is none. */
  body: unknown;
}

export interface IdentityProvider {
  send: (request: ScimRequest) => Promise<ScimAnswer>;
  get: (path: string) => Promise<ScimAnswer>;
  post: (path: string, body: unknown) => Promise<ScimAnswer>;
  put: (path: string, body: unknown) => Promise<ScimAnswer>;
  patch: (path: string, body: unknown) => Promise<ScimAnswer>;
  delete: (path: string) => Promise<ScimAnswer>;
}

/** An identity provider that speaks SCIM to a base URL, with a bearer token where it has one. */
export function identityProvider({ baseUrl, token }: { baseUrl: string; token?: string }): IdentityProvider {
  const send = async ({ method, path, headers, body }: ScimRequest): Promise<ScimAnswer> => {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    // By name whatever its case: what the caller gives replaces what would be sent.
    const sent = new Headers({ accept: 'application/scim+json' });
    if (token !== undefined) sent.set('authorization', `Bearer ${token}`);
    if (body !== undefined) sent.set('content-type', 'application/scim+json');
    for (const [name, value] of Object.entries(headers ?? {})) sent.set(name, value);
    const response = await fetch(baseUrl + path, {
      method,
      redirect: 'manual',
      headers: sent,
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    send,
    get: (path) => send({ method: 'GET', path }),
    post: (path, body) => send({ method: 'POST', path, body }),
    put: (path, body) => send({ method: 'PUT', path, body }),
    patch: (path, body) => send({ method: 'PATCH', path, body }),
    delete: (path) => send({ method: 'DELETE', path }),
  };
}
