/** A refusal, in the shape of RFC 9457; `message` is a sentence for people. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** What is wrong with a field, by its name. */
    readonly fields: Record<string, string> = {},
    readonly requestId: string | null = null,
  ) {
    super(detail);
  }
}

export interface CallOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: object | null;
  signal?: AbortSignal | undefined;
  /** How long an answer may take. A page never waits for ever: after that it says so, and offers to try again. */
  withinMs?: number;
}

/** Calls a path of the broker that this page came from. @throws Problem for whatever is not an answer */
export async function call<T>(path: string, { method = 'GET', body, signal, withinMs = 20_000 }: CallOptions = {}): Promise<T> {
  const patience = AbortSignal.timeout(withinMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        Accept: 'application/json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        // Without it the broker refuses writes: another site's page cannot send it.
        ...(method !== 'GET' && { 'X-Causeway-Page': '1' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw patience.aborted
      ? new Problem(0, 'timeout', 'The broker has not answered for a while. It may be busy or restarting: try again.')
      : new Problem(0, 'unreachable', 'The broker cannot be reached. Check your connection, then try again.');
  }
  const answer: unknown = text === '' ? undefined : parsed(text);
  if (!response.ok) throw problemIn(response, answer);
  return answer as T; // what the broker answers is described by its OpenAPI document, and tested against it there
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemIn(response: Response, answer: unknown): Problem {
  const { code, detail, errors } = isRecord(answer) ? answer : {};
  const fields: Record<string, string> = {};
  for (const fault of Array.isArray(errors) ? errors : []) {
    if (isRecord(fault) && typeof fault.pointer === 'string' && typeof fault.detail === 'string')
      fields[fault.pointer.slice(1)] ??= fault.detail;
  }
  const sentence =
    typeof detail === 'string'
      ? detail
      : response.status >= 500
        ? 'Something went wrong on the broker’s side. Try again in a moment.'
        : `The broker rejected this request (${response.status}).`;
  return new Problem(response.status, typeof code === 'string' ? code : 'unknown', sentence, fields, response.headers.get('x-request-id'));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `?a=1&b=2` of what is set. */
export function query(parameters: Record<string, string | number | boolean | null | undefined>): string {
  const set = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return set.length === 0 ? '' : `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString()}`;
}
