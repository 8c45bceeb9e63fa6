import { type Static, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';
import type { Response } from 'express';
import type { DirectoryPool } from '#directory';
import type { BearerTokens, Keyring } from '#credential';
import { type Prefix, parsePublicId } from '#identifier';
import { type ProblemCode, notFound } from './errors';
import type { FeedWatch } from '../api/feed-watch';
import { bodyReader, queryReader } from './validation';

/** What handlers work with. */
export interface ApiParts {
  pool: DirectoryPool;
  keyring: Keyring;
  tokens: BearerTokens;
  feed: FeedWatch;
  /** Without a trailing slash. */
  publicUrl: string;
  webhookAllowedCidrs: string[];
}

/** A request that has proved who makes it, still unread otherwise. */
export interface Incoming {
  /** The caller's environment; the nil UUID for the operator, who has none. */
  environmentId: string;
  /** The API key's id; the nil UUID for the operator. */
  keyId: string;
  requestId: string;
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
  lastEventId: string | undefined;
  /** Aborted when the caller goes away. */
  signal: AbortSignal;
  /** Says that the time from now on is spent waiting, not working. */
  waits: () => void;
}

/** The same, read into the types that the route declares. Ids in `params` are UUIDs. */
export interface Call<P, Q, B> extends Pick<Incoming, 'environmentId' | 'keyId' | 'requestId' | 'lastEventId' | 'signal' | 'waits'> {
  params: P;
  names: Record<string, string>;
  query: Q;
  body: B;
}

/** JSON that is made already: the exact bytes of an event must not change on their way out. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** An answer that goes on: the handler writes it, and it ends when the caller leaves or the broker stops. */
export class Streamed {
  constructor(readonly write: (res: Response) => Promise<void>) {}
}

/** An answer with another status than the usual one, which the route declares in `otherAnswers`. */
export class OtherAnswer {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {}
}

export type Answered = { status: number; json?: string } | { status: number; stream: Streamed };

export interface RouteSpec<P extends Record<string, Prefix>, Q extends TProperties, B extends TSchema, A extends TSchema> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/v1/organizations/{id}`. */
  path: string;
  /** The name that client libraries give it. */
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  /** Whose key opens it. */
  caller?: 'environment' | 'operator';
  /** Each parameter of the path and the prefix of its id. What is no such id is not found. */
  params?: P;
  /** Parameters of the path that are names, not ids: each and its schema. */
  names?: TProperties;
  query?: Q;
  body?: B;
  /** A body that may be left out altogether, being all optional. */
  bodyOptional?: boolean;
  answer: { status: number; description: string; schema?: A; contentType?: string };
  /** By status, what else may come of it that is no refusal. */
  otherAnswers?: Record<number, { description: string; schema: TSchema }>;
  /** What it may refuse with, besides what every route does. */
  problems?: Partial<Record<ProblemCode, string>>;
  handle: (
    call: Call<{ [K in keyof P]: string }, Static<TObject<Q>>, Static<B>>,
    parts: ApiParts,
  ) => Promise<Static<A> | JsonText | OtherAnswer | Streamed | void>;
}

/** One declaration with everything about a route: express' route, the checks and the OpenAPI operation come from it. */
export interface Route extends Omit<
  RouteSpec<Record<string, Prefix>, TProperties, TSchema, TSchema>,
  'handle' | 'caller' | 'params' | 'names' | 'query' | 'problems'
> {
  caller: 'environment' | 'operator';
  params: Record<string, Prefix>;
  names: TProperties;
  query: TProperties;
  problems: Partial<Record<ProblemCode, string>>;
  /** Reads the request by the declaration and answers it; throws a Problem where either fails. */
  run: (incoming: Incoming, parts: ApiParts) => Promise<Answered>;
}

export function route<
  P extends Record<string, Prefix> = Record<never, Prefix>,
  Q extends TProperties = Record<never, TSchema>,
  B extends TSchema = TSchema,
  A extends TSchema = TSchema,
>(spec: RouteSpec<P, Q, B, A>): Route {
  const { handle, params, names, query, ...declared } = spec;
  const readParams = paramsReader(params);
  const readNames = queryReader(Type.Object(names ?? {}));
  const readQuery = queryReader(Type.Object(query ?? ({} as Q)));
  const readBody = spec.body && bodyReader(spec.body);

  return {
    ...declared,
    caller: spec.caller ?? 'environment',
    params: params ?? {},
    names: names ?? {},
    query: query ?? {},
    problems: spec.problems ?? {},
    run: async (incoming, parts) => {
      const result = await handle(
        {
          ...incoming,
          params: readParams(incoming.params),
          names: Object.fromEntries(Object.entries(readNames(incoming.params)).map(([name, value]) => [name, String(value)])),
          query: readQuery(incoming.query),
          body: readBody?.(incoming.body === undefined ? {} : incoming.body),
        },
        parts,
      );
      const { status } = spec.answer;
      if (result instanceof Streamed) return { status, stream: result };
      if (result instanceof JsonText) return { status, json: result.text };
      if (result instanceof OtherAnswer) return { status: result.status, json: JSON.stringify(result.body) };
      return result === undefined ? { status } : { status, json: JSON.stringify(result) };
    },
  };
}

function paramsReader<P extends Record<string, Prefix>>(
  prefixes: P | undefined,
): (params: Record<string, unknown>) => { [K in keyof P]: string } {
  return (params) => {
    const ids: Record<string, string> = {};
    for (const [name, prefix] of Object.entries<Prefix>(prefixes ?? {})) {
      const text = String(params[name]);
      const id = parsePublicId(prefix, text);
      if (id === undefined) throw notFound(text);
      ids[name] = id;
    }
    // Every key of `prefixes` has just been given its id.
    return ids as { [K in keyof P]: string };
  };
}
