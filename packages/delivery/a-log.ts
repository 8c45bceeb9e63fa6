// For the tests of this package: an environment whose directories can be written to, and a worker without a queue.
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { Keyring } from '#credential';
import {
  type DirectoryPool,
  type Directory,
  createDirectory,
  createOrganization,
  type EventType,
  getDirectory,
  inDirectory,
  readDirectoryPages,
} from '#directory';
import { newId } from '#identifier';
import { AddressRule } from './endpoint/addresses';
import type { Notice } from './record/breaker';
import { type AttemptReport, type Bell, Drain, type DrainOptions } from './lanes/drain';
import { createEndpoint, type NewEndpoint } from './endpoint/endpoints';
import type { Endpoint } from './endpoint/endpoint';
import { Poster } from './attempt/post';
import { prepared } from '#postgres';
import { Senders } from './attempt/sender';
import { SharedPages } from './lanes/shared-pages';
import { Sequencer } from './lanes/sequencer';
import { sweep } from './lanes/sweep';

export const keyring = new Keyring(randomBytes(32));
export const loopback = ['127.0.0.0/8', '::1/128'];

export interface TestLog {
  environmentId: string;
  /** A directory of an organization of its own, unless one is given. */
  directory: (organizationId?: string) => Promise<Directory>;
  /** Commits events in one transaction, as a writer of the directory does. */
  write: (directory: Directory, count?: number, type?: EventType) => Promise<void>;
  /** Draws sequences, writes, and thinks better of it. */
  writeAndRollBack: (directory: Directory) => Promise<void>;
  endpoint: (url: string, more?: Partial<NewEndpoint>) => Promise<Endpoint & { secret: string }>;
}

const insertEvents = prepared(
  'test_insert_events',
  `
  with drafts as (
    select * from unnest($1::uuid[], $2::bigint[]) as d (id, sequence)
  ), logged as (
    insert into events (id, environment_id, organization_id, directory_id, sequence, type, occurred_at, data)
    select id, $3, $4, $5, sequence, $6, $7, json_build_object('n', sequence) from drafts
  )
  insert into event_outbox (environment_id, organization_id, directory_id, sequence, event_id, type, created_at)
  select $3, $4, $5, sequence, id, $6, clock_timestamp() from drafts order by sequence`,
);

export async function aLog(pool: DirectoryPool): Promise<TestLog> {
  const environmentId = newId();
  await pool.query('insert into environments (id, name) values ($1, $2)', [environmentId, 'test']);
  await pool.query('insert into feed_heads (environment_id) values ($1)', [environmentId]);

  const append = (directory: Directory, count: number, type: EventType, thinkBetter: boolean): Promise<void> =>
    inDirectory(pool, directory, null, async (tx) => {
      await tx.locked();
      const first = tx.drawSequences(count);
      const sequences = Array.from({ length: count }, (_, i) => first + i);
      await insertEvents.run(tx.client, [
        sequences.map(newId),
        sequences,
        environmentId,
        directory.organizationId,
        directory.id,
        type,
        tx.now,
      ]);
      if (thinkBetter) throw new ThoughtBetter();
    });

  return {
    environmentId,
    directory: async (organizationId) => {
      const organization = organizationId ?? (await createOrganization(pool, { environmentId, name: 'Acme' })).id;
      const made = await createDirectory(pool, { environmentId, organizationId: organization, provider: 'generic' });
      const directory = made && (await getDirectory(pool, { environmentId, directoryId: made.id }));
      if (!directory) throw new Error('no directory was made');
      return directory;
    },
    write: (directory, count = 1, type = 'user.updated') => append(directory, count, type, false),
    writeAndRollBack: (directory) =>
      append(directory, 1, 'user.updated', true).catch((error: unknown) => {
        if (!(error instanceof ThoughtBetter)) throw error;
      }),
    endpoint: async (url, more = {}) => {
      const { endpoint, secret } = await createEndpoint(pool, keyring, { environmentId, url, allowedCidrs: loopback, ...more });
      return { ...endpoint, secret };
    },
  };
}

class ThoughtBetter extends Error {}

export interface TestWorker {
  drain: Drain;
  attempts: AttemptReport[];
  notices: Notice[];
  errors: unknown[];
  stop: (graceMs?: number) => Promise<void>;
}

/** A worker whose doorbell is a function call; `loses` says which bells are not heard. */
export function aWorker(
  pool: Pool,
  {
    loses = () => false,
    sweepEveryMs = 50,
    poster,
    ...more
  }: {
    loses?: (bell: Bell) => boolean;
    /** 0: it does not sweep. */
    sweepEveryMs?: number;
    poster?: Poster;
  } & Partial<Pick<DrainOptions, 'slots'>> = {},
): TestWorker {
  const attempts: AttemptReport[] = [];
  const notices: Notice[] = [];
  const errors: unknown[] = [];
  const ring = (bells: Bell[]): void => {
    for (const bell of bells) if (!loses(bell)) void drain.answer(bell);
  };
  const used = poster ?? new Poster({ addresses: new AddressRule(loopback) });
  const drain: Drain = new Drain({
    pool,
    senders: new Senders(pool, keyring, { atMost: 1_000 }),
    pages: new SharedPages((stretches) => readDirectoryPages(pool, stretches), { atMost: 128, forMs: 1_000 }),
    ring,
    poster: used,
    onAttempt: (report) => attempts.push(report),
    onNotice: (notice) => notices.push(notice),
    onError: (error) => errors.push(error),
    ...more,
  });
  const sequencer = new Sequencer({ pool, onBatch: (batch) => ring(batch.bells), onError: (error) => errors.push(error) });
  sequencer.start();
  let sweeping = Promise.resolve();
  const timer =
    sweepEveryMs === 0
      ? undefined
      : setInterval(() => {
          sweeping = sweeping.then(async () => ring(await sweep(pool))).catch((error: unknown) => void errors.push(error));
        }, sweepEveryMs);
  return {
    drain,
    attempts,
    notices,
    errors,
    stop: async (graceMs = 5_000) => {
      clearInterval(timer);
      await Promise.all([sweeping, sequencer.stop(), drain.stop(graceMs)]);
      await used.close();
    },
  };
}

/** What a webhook told, as far as order is concerned. */
export interface Told {
  id: string;
  type: string;
  directory_id: string;
  position: number;
  sequence: number;
}

export function told(received: readonly { body: string }[]): Told[] {
  return received.map(({ body }) => {
    const { id, type, directory_id, position, sequence } = JSON.parse(body) as Told;
    return { id, type, directory_id, position, sequence };
  });
}
