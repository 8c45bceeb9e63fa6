import { type Static, Type } from '@sinclair/typebox';
import {
  commitConsumer,
  type Consumer as ConsumerRecord,
  deleteConsumer,
  getConsumer,
  listConsumers,
  positionBefore,
  seekConsumer,
} from '#delivery';
import { encodeCursor, type FeedEnds, type FeedEpoch, findEpoch, readFeedHead } from '#directory';
import { invalidCursor, invalidField, notFound } from '../frame/errors';
import { cursorProblems, EventsPage, eventsPage, pageParameters, placeIn, positionOf, waitingProblems } from './events';
import { type ApiParts, type ApiRoute, route } from './route';
import { closed, open, Page, paging, Time } from '../frame/shapes';

const tag = 'Consumers';

const names = {
  name: Type.String({
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
    description: 'a name of your own: letters, digits, `.`, `_` and `-`, 100 at most',
    examples: ['billing'],
  }),
};

const Consumer = open(
  'Consumer',
  {
    name: Type.String(),
    cursor: Type.String({ description: 'Its place in the log: what comes after it is read next' }),
    position: Type.Integer({ description: 'Of the last event that is done with; 0 before the first' }),
    behind: Type.Integer({ description: 'How many events of the log come after it' }),
    created_at: Time,
    updated_at: Time,
  },
  {
    description: 'A place in the log that is kept here, under a name.',
    example: {
      name: 'billing',
      cursor: 'AQGcFvY…',
      position: 90210,
      behind: 3,
      created_at: '2026-01-31T09:00:00.000Z',
      updated_at: '2026-01-31T09:00:00.000Z',
    },
  },
);

const changeProblems = { ...cursorProblems, too_many_consumers: 'The environment keeps 100 already' };

export const consumerRoutes: ApiRoute[] = [
  route({
    method: 'get',
    path: '/v1/consumers',
    operationId: 'listConsumers',
    tag,
    summary: 'List consumers',
    query: paging,
    answer: { status: 200, description: 'A page of consumers, by their names', schema: Page(Consumer) },
    problems: { invalid_cursor: 'Not a cursor of this list' },
    handle: async ({ environmentId, query: { limit, cursor } }, parts) => {
      const { pool } = parts;
      const after = cursor === undefined ? undefined : nameIn(cursor);
      const [found, ends] = await Promise.all([
        listConsumers(pool, { environmentId, limit: limit + 1, after }),
        readFeedHead(pool, environmentId),
      ]);
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      return {
        data: await Promise.all(shown.map((one) => consumerJson(environmentId, one, ends, parts))),
        next_cursor: last === undefined ? null : Buffer.from(last.name).toString('base64url'),
      };
    },
  }),
  route({
    method: 'get',
    path: '/v1/consumers/{name}',
    operationId: 'getConsumer',
    tag,
    summary: 'Get a consumer',
    names,
    answer: { status: 200, description: 'The consumer', schema: Consumer },
    problems: { not_found: 'There is no such consumer' },
    handle: async ({ environmentId, names: { name = '' } }, parts) => {
      const { pool } = parts;
      const [found, ends] = await Promise.all([getConsumer(pool, { environmentId, name }), readFeedHead(pool, environmentId)]);
      if (!found) throw notFound(name);
      return consumerJson(environmentId, found, ends, parts);
    },
  }),
  route({
    method: 'get',
    path: '/v1/consumers/{name}/events',
    operationId: 'listConsumerEvents',
    tag,
    summary: 'Read on from where a consumer is',
    description:
      'Like `/v1/events`, from the place that was committed last; from the oldest kept event where none was. Reading commits nothing: what was not committed ' +
      'is read again. When you are done with a page, commit its `next_cursor`. Let one process at a time read in a name.',
    names,
    query: pageParameters,
    answer: { status: 200, description: 'A page of events', schema: EventsPage },
    problems: {
      feed_rewound: 'The database was set back after the last commit: seek to `cursor`',
      cursor_expired: 'What comes next is no longer kept: seek to `cursor`, the oldest place that is',
      ...waitingProblems,
    },
    handle: async (call, parts) => {
      const {
        environmentId,
        names: { name = '' },
      } = call;
      const consumer = await getConsumer(parts.pool, { environmentId, name });
      if (!consumer) return eventsPage(call, parts, await placeIn(environmentId, undefined, parts));
      const { epoch } = await readFeedHead(parts.pool, environmentId);
      return eventsPage(call, parts, {
        environmentId,
        position: consumer.position,
        epoch: await epochOf(environmentId, consumer, epoch, parts),
      });
    },
  }),
  route({
    method: 'post',
    path: '/v1/consumers/{name}/commit',
    operationId: 'commitConsumer',
    tag,
    summary: 'Be done with what was read',
    description:
      'The first commit makes the consumer. It never goes back: an older cursor changes nothing, and the answer says where it is.',
    names,
    body: closed(
      {
        cursor: Type.String({
          minLength: 1,
          maxLength: 200,
          description: '`next_cursor` of the page, or the id of the last event that is done with',
        }),
      },
      { examples: [{ cursor: 'AQGcFvY…' }] },
    ),
    answer: { status: 200, description: 'The consumer', schema: Consumer },
    problems: changeProblems,
    handle: async ({ environmentId, names: { name = '' }, body }, parts) => {
      const { position, ends } = await positionOf(environmentId, body.cursor, 'cursor', parts);
      const move = { environmentId, name, epoch: ends.epoch.number, position };
      return consumerJson(environmentId, await commitConsumer(parts.pool, move), ends, parts);
    },
  }),
  route({
    method: 'post',
    path: '/v1/consumers/{name}/seek',
    operationId: 'seekConsumer',
    tag,
    summary: 'Put a consumer elsewhere',
    description: 'Back, to read again, or forth. It makes the consumer where there is none.',
    names,
    body: closed(
      {
        to: Type.String({
          minLength: 1,
          maxLength: 200,
          description:
            '`beginning`: the oldest kept event; `now`: only what comes from now on; a time (RFC 3339): what occurred then or later; a cursor, or the id of an event: what comes after it',
        }),
      },
      { examples: [{ to: '2026-01-31T09:00:00Z' }] },
    ),
    answer: { status: 200, description: 'The consumer', schema: Consumer },
    problems: changeProblems,
    handle: async ({ environmentId, names: { name = '' }, body }, parts) => {
      const { position, ends } = await soughtPosition(environmentId, body.to, parts);
      const move = { environmentId, name, epoch: ends.epoch.number, position };
      return consumerJson(environmentId, await seekConsumer(parts.pool, move), ends, parts);
    },
  }),
  route({
    method: 'delete',
    path: '/v1/consumers/{name}',
    operationId: 'deleteConsumer',
    tag,
    summary: 'Forget a consumer',
    names,
    answer: { status: 204, description: 'Its place is forgotten' },
    problems: { not_found: 'There is no such consumer' },
    handle: async ({ environmentId, names: { name = '' } }, { pool }) => {
      if (!(await deleteConsumer(pool, { environmentId, name }))) throw notFound(name);
    },
  }),
];

async function soughtPosition(environmentId: string, to: string, parts: ApiParts): Promise<{ position: number; ends: FeedEnds }> {
  const ends = await readFeedHead(parts.pool, environmentId);
  if (to === 'now') return { position: ends.head, ends };
  if (to === 'beginning') return { position: ends.oldest - 1, ends };
  if (!/^\d{4}-/.test(to)) return positionOf(environmentId, to, 'to', parts);
  const time = new Date(to);
  if (Number.isNaN(time.getTime()) || !/T.*(Z|[+-]\d\d:\d\d)$/i.test(to))
    throw invalidField('/to', 'is not a time such as 2026-01-31T09:00:00Z');
  return { position: await positionBefore(parts.pool, environmentId, time), ends };
}

function nameIn(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString();
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(name)) throw invalidCursor('cursor');
  return name;
}

/** A consumer's place was committed in an epoch of this very history: it was set back with the rest. */
async function epochOf(
  environmentId: string,
  { epoch: number }: Pick<ConsumerRecord, 'epoch'>,
  current: FeedEpoch,
  { pool }: ApiParts,
): Promise<FeedEpoch> {
  return number === current.number ? current : findEpoch(pool, { environmentId, number });
}

async function consumerJson(
  environmentId: string,
  consumer: ConsumerRecord,
  ends: FeedEnds,
  parts: ApiParts,
): Promise<Static<typeof Consumer>> {
  const { name, position, createdAt, updatedAt } = consumer;
  return {
    name,
    cursor: encodeCursor({ environmentId, epoch: await epochOf(environmentId, consumer, ends.epoch, parts), position }),
    position,
    behind: Math.max(0, ends.head - position),
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
