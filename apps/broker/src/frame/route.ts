import { type Static, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';
import type { Request, Response } from 'express';
import type { Actor } from '#accounts';
import { type Prefix, parsePublicId } from '#identifier';
import { type Audience, type ProblemCode, notFound, notHere } from './errors';
import { bodyReader, queryReader } from './validation';

/** What every door knows of whoever calls, once they have proved it. Each door adds what its handlers need. */
export interface Caller {
  /** As the audit log names them; `undefined`: the handler finds it out, and says so by `isBy`. */
  actor: Actor | undefined;
  /** The environment that they act in; `undefined`: in none yet. */
  environmentId: string | undefined;
  /** Public ids of what they act within, the outermost first, where the routes' own parameters do not say it. */
  within?: readonly string[];
}

/** Who may call at a door: by the name that routes give it, how it is found out. Each throws a Problem for whoever is not it. */
export type CallersOf<Callers> = { readonly [K in keyof Callers]: (req: Request, res: Response) => Promise<Callers[K]> };

/** A request, still unread, and what a handler may do to its answer besides returning it. */
export interface Incoming {
  requestId: string;
  params: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
  lastEventId: string | undefined;
  address: string | undefined;
  userAgent: string | null;
  /** Aborted when the caller goes away. */
  signal: AbortSignal;
  /** Says that the time from now on is spent waiting, not working. */
  waits: () => void;
  /** Gives the browser a cookie: the line as Set-Cookie has it. */
  setCookie: (line: string) => void;
  /** Says in a word what was decided, where the log is to say more than that it was done. */
  decides: (word: string) => void;
  /** Tells the audit log who this was, and in which environments to note it, where only the handler finds that out. */
  isBy: (actor: Actor, environmentIds: readonly string[]) => void;
  /** Says that everything was so already: nothing is noted. */
  changesNothing: () => void;
}

/** The same, read into the types that the route declares, with what is known of the caller. Ids in `params` are UUIDs. */
export type Call<C, P, Q, B> = C &
  Omit<Incoming, 'params' | 'query' | 'body'> & { params: P; names: Record<string, string>; query: Q; body: B };

/** JSON that is made already: the exact bytes of an event must not change on their way out. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** An answer that is no JSON, such as a picture. */
export class Bytes {
  constructor(
    readonly type: string,
    readonly bytes: Buffer,
  ) {}
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

export type Answered = { status: number; json?: string } | { status: number; bytes: Bytes } | { status: number; stream: Streamed };

export interface RouteSpec<
  Callers,
  K extends keyof Callers,
  Parts,
  P extends Record<string, Prefix>,
  Q extends TProperties,
  B extends TSchema,
  A extends TSchema,
> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/v1/organizations/{id}`. */
  path: string;
  /** The name that client libraries give it, and the audit log. */
  operationId: string;
  /** Who may call, where it is not whom the door is made for. */
  caller?: K;
  /** As the audit log calls it, where that is not its `operationId`; null: it is not noted. What only gets never is. */
  act?: string | null;
  /** Each parameter of the path and the prefix of its id. What is no such id is not found. */
  params?: P;
  /** Parameters of the path that are names, not ids: each and its schema. */
  names?: TProperties;
  query?: Q;
  body?: B;
  /** A body that may be left out altogether, being all optional. */
  bodyOptional?: boolean;
  answer: { status: number; description?: string; schema?: A; contentType?: string };
  /** By status, what else may come of it that is no refusal. */
  otherAnswers?: Record<number, { description: string; schema: TSchema }>;
  /** What it may refuse with, besides what every route does. */
  problems?: Partial<Record<ProblemCode, string>>;
  handle: (
    call: Call<Callers[K], { [N in keyof P]: string }, Static<TObject<Q>>, Static<B>>,
    parts: Parts,
  ) => Promise<Static<A> | JsonText | Bytes | OtherAnswer | Streamed | void>;
}

/** One declaration with everything about a route: express' route, the checks, the audit note and the OpenAPI operation come from it. */
export type Route<Callers, Parts, About = object> = About & Declared<keyof Callers & string> & Entrance<Callers, Parts>;

/** What a route says of itself, whoever calls and whatever its handler works with. */
export interface Declared<K extends string = string> extends Omit<
  RouteSpec<Record<K, unknown>, K, unknown, Record<string, Prefix>, TProperties, TSchema, TSchema>,
  'handle' | 'caller' | 'act' | 'params' | 'names' | 'query' | 'problems'
> {
  caller: K;
  act: string | null;
  params: Record<string, Prefix>;
  names: TProperties;
  query: TProperties;
  problems: Partial<Record<ProblemCode, string>>;
}

interface Entrance<Callers, Parts> {
  /** Finds out who calls. @throws Problem for whoever may not */
  enter: (callers: CallersOf<Callers>, req: Request, res: Response) => Promise<Entered<Parts>>;
}

export interface Entered<Parts> {
  caller: Caller;
  /** Reads the request by the declaration and answers it; throws a Problem where either fails. */
  run: (incoming: Incoming, parts: Parts, audience: Audience) => Promise<Answered>;
}

/**
 * Makes a door's `route`, which declares one. `Callers`: who may call there, by name, and what handlers know of each; `usual`: which of
 * them where a route does not say. `About`: what else its routes must say of themselves.
 */
export function routesOf<Callers extends Record<string, Caller>, Usual extends keyof Callers & string, Parts, About = object>(
  usual: Usual,
) {
  return function route<
    K extends keyof Callers & string = Usual,
    P extends Record<string, Prefix> = Record<never, Prefix>,
    Q extends TProperties = Record<never, TSchema>,
    B extends TSchema = TSchema,
    A extends TSchema = TSchema,
  >(spec: RouteSpec<Callers, K, Parts, P, Q, B, A> & About): Route<Callers, Parts, About> {
    const readParams = paramsReader(spec.params);
    const readNames = queryReader(Type.Object(spec.names ?? {}));
    const readQuery = queryReader(Type.Object(spec.query ?? ({} as Q)));
    const readBody = spec.body && bodyReader(spec.body);
    // Where no caller is named, K is the usual one.
    const caller = spec.caller ?? (usual as unknown as K);

    return {
      ...spec,
      caller,
      act: spec.method === 'get' || spec.act === null ? null : (spec.act ?? spec.operationId),
      params: spec.params ?? {},
      names: spec.names ?? {},
      query: spec.query ?? {},
      problems: spec.problems ?? {},
      enter: async (callers, req, res) => {
        const entered = await callers[caller](req, res);
        return {
          caller: entered,
          run: async (incoming, parts, audience) => {
            const result = await spec.handle(
              {
                ...incoming,
                ...entered,
                params: readParams(incoming.params, audience),
                names: asTexts(readNames(namedIn(incoming.params, spec.names), audience)),
                query: readQuery(incoming.query, audience),
                body: readBody?.(incoming.body === undefined ? {} : incoming.body, audience),
              },
              parts,
            );
            return answeredBy(result, spec.answer.status);
          },
        };
      },
    };
  };
}

function answeredBy(result: unknown, status: number): Answered {
  if (result instanceof Streamed) return { status, stream: result };
  if (result instanceof Bytes) return { status, bytes: result };
  if (result instanceof JsonText) return { status, json: result.text };
  if (result instanceof OtherAnswer) return { status: result.status, json: JSON.stringify(result.body) };
  return result === undefined ? { status } : { status, json: JSON.stringify(result) };
}

/** Those of a path's parameters that are names. */
function namedIn(params: Record<string, unknown>, names: TProperties = {}): Record<string, unknown> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, params[name]]));
}

function asTexts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function paramsReader<P extends Record<string, Prefix>>(
  prefixes: P | undefined,
): (params: Record<string, unknown>, audience: Audience) => { [K in keyof P]: string } {
  return (params, audience) => {
    const ids: Record<string, string> = {};
    for (const [name, prefix] of Object.entries<Prefix>(prefixes ?? {})) {
      const text = String(params[name]);
      const id = parsePublicId(prefix, text);
      if (id === undefined) throw audience === 'pages' ? notHere() : notFound(text);
      ids[name] = id;
    }
    // Every key of `prefixes` has just been given its id.
    return ids as { [K in keyof P]: string };
  };
}
