import { type Static, type TObject, Type } from '@sinclair/typebox';
import type { Response } from 'express';
import { hasApiKey } from '#accounts';
import { bounds } from '#bounds';
import {
  type Cursor,
  type EventQuery,
  type FeedEnds,
  decodeCursor,
  encodeCursor,
  endsBefore,
  DatabaseSetBack,
  eventTypes,
  findEvent,
  isSameEpoch,
  isEventType,
  readEvents,
  readFeedHead,
  rewoundSince,
  safePosition,
} from '#directory';
import { parsePublicId, timeOf } from '#identifier';
import { Problem, invalidCursor, invalidParameter, notFound } from '../frame/errors';
import { Event } from '../frame/event-shapes';
import { FeedPage } from './feed-page';
import { type Incoming, JsonText, Streamed } from '../frame/route';
import { type ApiCallers, type ApiParts, type ApiRoute, route } from './route';
import { Limit, closed, publicIdOf } from '../frame/shapes';
import { idParameter } from '../frame/validation';

const tag = 'Events';

/** What narrows down which events are read. */
export const filters = {
  types: Type.Optional(Type.String({ description: 'Event types, separated by commas', examples: ['user.created,user.deactivated'] })),
  organization_id: Type.Optional(publicIdOf('org', 'an organization')),
  directory_id: Type.Optional(publicIdOf('dir', 'a directory')),
};

const after = Type.Optional(
  Type.String({
    maxLength: 200,
    description: 'A cursor, or the id of an event: what comes after it is answered. Without it, from the oldest kept event on',
  }),
);

export const cursorProblems = {
  not_found: 'There is no such event',
  invalid_cursor: 'Not a cursor of this environment',
  feed_rewound: 'The database was set back after this place was given; `cursor` is where to go on from',
  cursor_expired: 'What comes after the cursor is no longer kept; `cursor` is the oldest place that is',
} as const;

export const waitingProblems = {
  too_many_streams: `A key has ${bounds.waitingOfKey} streams and polls with \`wait\` open at most, an environment ${bounds.waitingOfEnvironment}`,
} as const;

/** The parameters of a page of the log. */
export const pageParameters = {
  limit: Limit,
  ...filters,
  wait: Type.Number({ minimum: 0, maximum: 30, default: 0, description: 'Seconds to wait while there is nothing' }),
};

export const EventsPage = closed({
  data: Type.Array(Event),
  next_cursor: Type.String({ description: 'Always there, also on an empty page' }),
  has_more: Type.Boolean({ description: 'Whether the log goes on already' }),
});

export const eventRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/events',
    operationId: 'listEvents',
    tag,
    summary: 'Read the log',
    description:
      'Events in the order of `position`: 1, 2, 3 … with no gap and no repeat. Send `next_cursor` as `after` to go on; it works for as long as ' +
      'what comes after it is kept. With `wait` the answer is held back until something comes.',
    query: { after, ...pageParameters },
    answer: { status: 200, description: 'A page of events', schema: EventsPage },
    problems: { ...cursorProblems, ...waitingProblems },
    handle: async (call, parts) => eventsPage(call, parts, await placeIn(call.environmentId, call.query.after, parts)),
  }),
  route({
    method: 'get',
    path: '/v1/events/stream',
    operationId: 'streamEvents',
    tag,
    summary: 'Follow the log',
    description:
      'Server-sent events: `data` is the event, `event` its type, `id` a cursor. A client that is cut off goes on where it was by sending the last id ' +
      'as `Last-Event-ID`, which browsers do by themselves. Where the database was set back the stream ends, and the last id is refused.',
    query: { after, ...filters },
    answer: { status: 200, description: 'A stream that does not end', contentType: 'text/event-stream', schema: Type.String() },
    problems: { ...cursorProblems, ...waitingProblems },
    handle: async (call, parts) => {
      const { environmentId, query } = call;
      takePlace(call, parts);
      const place = await placeIn(environmentId, call.lastEventId ?? query.after, parts);
      const filter = filterOf(environmentId, query);
      // The first page is read before the stream begins: a refusal is still an answer of its own.
      const first = await readOrWait(call, parts, place, { ...filter, limit: streamedAtOnce }, { ms: 0 });
      return new Streamed((res) => stream(res, call, parts, { ...filter, limit: streamedAtOnce }, first));
    },
  }),
];

type PageCall = Waiting & { query: Filters & { limit: number; wait: number } };

/** The page of the log after a place. @throws Problem */
export async function eventsPage(call: PageCall, parts: ApiParts, place: Cursor): Promise<JsonText> {
  const { environmentId, query } = call;
  if (query.wait > 0) takePlace(call, parts);
  const read = await readOrWait(call, parts, place, { ...filterOf(environmentId, query), limit: query.limit }, { ms: query.wait * 1000 });
  return new JsonText(read.polled);
}

/** Takes a place among those who wait, until the request is over. @throws Problem */
function takePlace({ environmentId, keyId, signal }: Waiting, { waiting }: ApiParts): void {
  const ofKey = { whose: keyId, atMost: bounds.waitingOfKey };
  const full = waiting.take([ofKey, { whose: environmentId, atMost: bounds.waitingOfEnvironment }], signal);
  if (!full) return;
  const who = full === ofKey ? 'this key has' : 'your environment has';
  throw new Problem('too_many_streams', `${who} ${full.atMost} streams and long polls open: end one, or poll without \`wait\``, {
    headers: { 'Retry-After': '5' },
  });
}

type Filters = Static<TObject<typeof filters>>;
type Filter = Pick<EventQuery, 'environmentId' | 'types' | 'organizationId' | 'directoryId'>;
type Waiting = Pick<ApiCallers['environment'], 'environmentId' | 'keyId'> & Pick<Incoming, 'signal' | 'waits'>;

// 20 stretches of 5,000 positions: where a filter matches almost nothing, an answer still comes in a fraction of a second,
// with a cursor to go on from.
const stretchesAtMost = 20;

/**
 * Reads on from a place; where there is nothing, waits until there is, for `ms` at most, or until the environment's beat. `knownHead`: the
 * log was read to its end already, and that was there.
 */
async function readOrWait(
  call: Waiting,
  { pool, feed, pages }: ApiParts,
  place: Cursor,
  query: Omit<EventQuery, 'after'>,
  { ms, knownHead = Infinity }: { ms: number | 'until the beat'; knownHead?: number },
): Promise<FeedPage> {
  const { environmentId } = place;
  const beating = ms === 'until the beat';
  // Also of those who go by the beat: a log that grows all the time, and by nothing that they look for, may let none of them hear it.
  const until = performance.now() + (beating ? beatMs : ms);
  let position = place.position;

  return feed.watching(environmentId, async () => {
    const hasGrownBeyond = (head: number): Promise<boolean> =>
      feed.beyond(environmentId, head, beating ? undefined : until - performance.now(), call.signal);

    let isOver = position >= knownHead && !(await hasGrownBeyond(knownHead));
    for (let stretches = 1; ; stretches++) {
      const asked = { ...query, after: position };
      const read = await pages.ask(JSON.stringify(asked), async () => {
        // What had been seen when the read began: it may be under way for others already, and more be seen meanwhile.
        const seen = pool.memory.seenOf(environmentId);
        const found = await readEvents(pool, asked);
        if (endsBefore(found, seen)) throw new DatabaseSetBack();
        pool.memory.noteEvents(environmentId, found.epoch, found.events);
        return new FeedPage(environmentId, found);
      });
      const { page } = read;
      await refuseWhatIsNotKept(pool, place, position, page);
      if (page.events.length > 0) return read;

      position = page.scannedTo;
      if (position < page.head) {
        if (stretches === stretchesAtMost) return read;
        continue;
      }
      if (isOver || performance.now() >= until || feed.stopped || call.signal.aborted) return read;
      call.waits();
      isOver = !(await hasGrownBeyond(page.head));
      stretches = 0;
    }
  });
}

const streamedAtOnce = 100;
const beatMs = 15_000;
const nothingNew = Buffer.from(': nothing new\n\n');

async function stream(res: Response, call: Waiting, parts: ApiParts, query: Omit<EventQuery, 'after'>, first: FeedPage): Promise<void> {
  const { environmentId, keyId } = call;
  call.waits();
  res.statusCode = 200;
  res.setHeader('Content-Type', 'text/event-stream');
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Accel-Buffering', 'no'); // nginx would hold small writes back
  res.flushHeaders();

  // Watched to its end, so that all who follow an environment have the same beat.
  await parts.feed.watching(environmentId, async () => {
    for (let read = first; ;) {
      await write(res, read.streamed.length > 0 ? read.streamed : nothingNew, call.signal);

      if (call.signal.aborted || parts.feed.stopped) return;
      const place = { environmentId, epoch: read.page.epoch, position: read.page.scannedTo };
      const next = await readOrWait(call, parts, place, query, { ms: 'until the beat', knownHead: read.page.head }).catch(
        (error: unknown) => {
          if (error instanceof Problem) return undefined; // the answer to whoever comes back with the last id
          throw error;
        },
      );
      if (!next || call.signal.aborted) return;
      read = next;
      // The key may have been revoked meanwhile: a stream is not to outlive it by one event.
      if (!(await parts.liveKeys.ask(keyId, () => hasApiKey(parts.pool, { environmentId, keyId })))) return;
    }
  });
  res.end();
}

async function write(res: Response, text: Buffer, signal: AbortSignal): Promise<void> {
  if (signal.aborted || res.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      res.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    res.once('drain', done);
    signal.addEventListener('abort', done);
  });
}

/**
 * The position that a cursor or an event's id names, as long as what comes after it is kept, beside the ends of the log that it was held
 * against: it is a place in that epoch, and no later one. @throws Problem
 */
export async function positionOf(
  environmentId: string,
  named: string,
  parameter: string,
  parts: ApiParts,
): Promise<{ position: number; ends: FeedEnds }> {
  const place = await placeIn(environmentId, named, parts, parameter);
  const ends = await readFeedHead(parts.pool, environmentId);
  await refuseWhatIsNotKept(parts.pool, place, place.position, ends);
  return { position: place.position, ends };
}

/** The place in the log that a cursor or an event's id names; before the oldest kept event where none is named. @throws Problem */
export async function placeIn(environmentId: string, named: string | undefined, { pool }: ApiParts, parameter = 'after'): Promise<Cursor> {
  if (named !== undefined && !named.startsWith('evt_')) {
    const cursor = decodeCursor(named, environmentId);
    if (!cursor) throw invalidCursor(parameter);
    return cursor;
  }

  const { head, oldest, epoch } = await readFeedHead(pool, environmentId);
  const start = { environmentId, epoch, position: oldest - 1 };
  if (named === undefined) return start;

  const eventId = parsePublicId('evt', named);
  const event = eventId && (await findEvent(pool, environmentId, eventId));
  if (event) return { environmentId, epoch, position: event.position };
  if (eventId && oldest > 1) {
    // An event that is no longer kept can still be told by its id, which begins with its time: it is older than the oldest kept.
    const [oldestKept] = (await readEvents(pool, { environmentId, after: oldest - 1, limit: 1 })).events;
    if (oldest > head || (oldestKept && eventId < oldestKept.id)) throw expired(start);
  }
  // One of a log that is no more was made before that was given up.
  const position = eventId === undefined ? undefined : await rewoundSince(pool, { environmentId, time: timeOf(eventId) });
  if (position !== undefined) throw rewound({ ...start, position }, oldest);
  throw notFound(named);
}

async function refuseWhatIsNotKept(
  pool: ApiParts['pool'],
  place: Cursor,
  position: number,
  { head, oldest, epoch }: FeedEnds,
): Promise<void> {
  if (!isSameEpoch(place.epoch, epoch)) throw rewound({ ...place, epoch, position: await safePosition(pool, place) }, oldest);
  // Nobody has said so yet, but there is no other way to have seen what is not there.
  if (position > head) throw rewound({ ...place, position: head }, oldest);
  if (position < oldest - 1) throw expired({ ...place, position: oldest - 1 });
}

function rewound(safe: Cursor, oldest: number): Problem {
  return new Problem(
    'feed_rewound',
    'the database was set back after this place was given: go on from `cursor`, and expect positions that you have seen',
    { members: { cursor: encodeCursor({ ...safe, position: Math.max(safe.position, oldest - 1) }) } },
  );
}

function expired(oldestKept: Cursor): Problem {
  return new Problem(
    'cursor_expired',
    'events right after this cursor are no longer kept: list users and groups anew, or go on from `cursor`',
    {
      members: { cursor: encodeCursor(oldestKept) },
    },
  );
}

function filterOf(environmentId: string, query: Filters): Filter {
  return {
    environmentId,
    types: query.types === undefined ? undefined : typesIn(query.types),
    organizationId: query.organization_id === undefined ? undefined : idParameter('organization_id', 'org', query.organization_id),
    directoryId: query.directory_id === undefined ? undefined : idParameter('directory_id', 'dir', query.directory_id),
  };
}

function typesIn(text: string): string[] {
  const types = text
    .split(',')
    .map((type) => type.trim())
    .filter((type) => type !== '');
  const unknown = types.find((type) => !isEventType(type));
  if (unknown !== undefined)
    throw invalidParameter('types', `${JSON.stringify(unknown)} is not an event type; there are ${eventTypes.join(', ')}`);
  if (types.length === 0) throw invalidParameter('types', 'must name at least one event type');
  return types;
}
