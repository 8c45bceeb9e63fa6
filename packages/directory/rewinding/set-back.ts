import type { Pool, PoolClient } from 'pg';
import { inTransactionOn, prepared } from '#postgres';
import { epochColumns, epochOf, type EpochRow } from '../writing/epoch';
import { DatabaseSetBack, type LogMemory } from '../writing/log-memory';
import { beginEpoch, type BegunEpoch, lockRewinds } from './rewind';

export interface SetBackWatchOptions {
  /** Called before an epoch is begun: makes the partition that its events go to, where there is none. */
  prepare?: (client: PoolClient) => Promise<void>;
  /**
   * The database was set back, or its log rewound by hand: what else this process remembers may be of a log that is no more. `begun`: what was
   * done about it here; nothing where somebody else was quicker.
   */
  onNewEpoch?: (begun: BegunEpoch | undefined) => void;
  /** The database was set back, and a new epoch cannot be begun. Told once, and tried again with every connection. */
  onFailure?: (error: unknown) => void;
}

// By how much the clocks of two database servers may differ.
const clocksDifferMs = 60_000;

/**
 * Tells a database that was set back (a restore, a standby promoted with loss) from one that was not, by what this process remembers, and
 * begins a new epoch before anything is read or written in the old one. Each new connection is to be held against the memory before it is
 * used, and one now and then.
 */
export class SetBackWatch {
  readonly #memory: LogMemory;
  readonly #options: SetBackWatchOptions;
  /** By the database's clock: when it was last found to be as it should. */
  #soundAt: Date | undefined;

  constructor(memory: LogMemory, options: SetBackWatchOptions = {}) {
    this.#memory = memory;
    this.#options = options;
  }

  /** {@link check} on a connection of a pool. */
  async checkOn(pool: Pool): Promise<void> {
    const client = await pool.connect();
    let broken = false;
    try {
      await this.check(client);
    } catch (error) {
      broken = true;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /**
   * Holds the database against what was seen of it. Where it is older a new epoch is begun, once, whoever notices first.
   *
   * @throws DatabaseSetBack where that is not possible
   */
  async check(client: PoolClient): Promise<void> {
    const found = await this.#look(client);
    if (found.isOlder) await this.#rewind(client);
    else if (found.isRewound) await this.#follow(client, undefined);
    this.#soundAt = found.at ?? this.#soundAt;
    this.#memory.isSetBack = false;
  }

  async #rewind(client: PoolClient): Promise<void> {
    try {
      await this.#options.prepare?.(client);
      await this.#follow(client, await this.#beginOnce(client));
    } catch (error) {
      if (!this.#memory.isSetBack) this.#options.onFailure?.(error);
      this.#memory.isSetBack = true;
      throw new DatabaseSetBack({ cause: error });
    }
  }

  /** `undefined`: another process has begun one meanwhile. */
  #beginOnce(client: PoolClient): Promise<BegunEpoch | undefined> {
    return inTransactionOn(client, async () => {
      await lockRewinds(client);
      const { isOlder } = await this.#look(client);
      return isOlder ? beginEpoch(client, await this.#common(client)) : undefined;
    });
  }

  async #follow(client: PoolClient, begun: BegunEpoch | undefined): Promise<void> {
    const rows = await selectEpochs.run(client, [[...this.#memory.logs.keys()]]);
    this.#memory.follow(new Map(rows.map((row) => [row.environment_id, epochOf(row)])));
    this.#options.onNewEpoch?.(begun);
  }

  async #look(client: PoolClient): Promise<Found> {
    const logs = [...this.#memory.logs].flatMap(([environmentId, { epoch, marks }]) => {
      const last = marks.at(-1);
      return last ? [{ environmentId, epoch, ...last }] : [];
    });
    const directories = [...this.#memory.directories];
    // Nothing was seen, so nothing can be missing; and the tables may not be there, or not be as they are to be, before a migration.
    if (logs.length === 0 && directories.length === 0) {
      const [now] = this.#soundAt ? [] : await timeNow.run(client, []);
      return { isOlder: false, isRewound: false, at: now?.at };
    }
    const [row] = await lookAt.run(client, {
      environmentIds: logs.map(({ environmentId }) => environmentId),
      numbers: logs.map(({ epoch }) => epoch.number),
      names: logs.map(({ epoch }) => epoch.name),
      positions: logs.map(({ position }) => position),
      eventIds: logs.map(({ eventId }) => eventId),
      directoryIds: directories.map(([directoryId]) => directoryId),
      environmentsOfDirectories: directories.map(([, { environmentId }]) => environmentId),
      epochs: directories.map(([, { epoch }]) => epoch),
      sequences: directories.map(([, { sequence }]) => sequence),
      soundAt: this.#surelySoundAt,
    });
    return { isOlder: row?.is_older ?? false, isRewound: row?.is_rewound ?? false, at: row?.at };
  }

  async #common(client: PoolClient): Promise<{ environmentId: string; position: number }[]> {
    const marks = [...this.#memory.logs].flatMap(([environmentId, { marks: some }]) => some.map((mark) => ({ environmentId, ...mark })));
    const rows = await commonPositions.run(client, [
      marks.map(({ environmentId }) => environmentId),
      marks.map(({ position }) => position),
      marks.map(({ eventId }) => eventId),
      this.#surelySoundAt,
    ]);
    return rows.map((row) => ({ environmentId: row.environment_id, position: row.position }));
  }

  get #surelySoundAt(): Date | null {
    return this.#soundAt ? new Date(this.#soundAt.getTime() - clocksDifferMs) : null;
  }
}

const selectEpochs = prepared<{ environment_id: string } & EpochRow>(
  'epochs_of_feeds',
  `
  select h.environment_id, ${epochColumns}
    from feed_heads h
   where h.environment_id = any ($1::uuid[])`,
);

const timeNow = prepared<{ at: Date }>('time_of_set_back_watch', 'select clock_timestamp() as at');

interface Found {
  isOlder: boolean;
  /** Somebody has begun a new epoch since the database was last found sound. */
  isRewound: boolean;
  at: Date | undefined;
}

// What was seen in an epoch that the log is not in any more says nothing where that was begun since the database was last found sound: by
// somebody who noticed before, or by the operator. An environment, or a directory, that is gone says nothing either: it may have been deleted.
const lookAt = prepared<
  { is_older: boolean; is_rewound: boolean; at: Date },
  {
    environmentIds: string[];
    numbers: number[];
    names: string[];
    positions: number[];
    eventIds: string[];
    directoryIds: string[];
    environmentsOfDirectories: string[];
    epochs: string[];
    sequences: number[];
    soundAt: Date | null;
  }
>(
  'look_whether_set_back',
  `
  with logs as (
    select h.epoch <> s.number or h.epoch_name <> s.name as is_rewound,
           case when h.epoch = s.number and h.epoch_name = s.name
                then h.position < s.position or (s.position >= h.oldest_position and f.event_id is distinct from s.event_id)
                else h.epoch < s.number or coalesce(r.at < :soundAt, true) end as is_older
      from unnest(:environmentIds::uuid[], :numbers::int[], :names::text[], :positions::bigint[], :eventIds::uuid[])
           as s (environment_id, number, name, position, event_id)
      join feed_heads h on h.environment_id = s.environment_id
      left join feed_rewinds r on r.environment_id = h.environment_id and r.epoch = h.epoch
      left join event_feed f on f.environment_id = s.environment_id and f.position = s.position
  ), directories as (
    select coalesce(d.epoch, h.epoch_name) <> s.epoch as is_rewound,
           case when coalesce(d.epoch, h.epoch_name) = s.epoch then d.sequence < s.sequence else coalesce(r.at < :soundAt, true) end as is_older
      from unnest(:directoryIds::uuid[], :environmentsOfDirectories::uuid[], :epochs::text[], :sequences::bigint[])
           as s (directory_id, environment_id, epoch, sequence)
      join directory_heads d on d.directory_id = s.directory_id
      join feed_heads h on h.environment_id = s.environment_id
      left join feed_rewinds r on r.environment_id = h.environment_id and r.epoch = h.epoch
  )
  select coalesce(bool_or(is_older), false) as is_older, coalesce(bool_or(is_rewound), false) as is_rewound, clock_timestamp() as at
    from (select is_older, is_rewound from logs union all select is_older, is_rewound from directories) s`,
);

// Up to there an environment's log is the one that others have seen: as far as this process knows, and further, as far as its events had
// occurred before the database was last found sound. A process that started since may have given positions after that.
const commonPositions = prepared<{ environment_id: string; position: number }>(
  'common_positions',
  `
  with known as (
    select f.environment_id, max(f.position) as position
      from unnest($1::uuid[], $2::bigint[], $3::uuid[]) as m (environment_id, position, event_id)
      join event_feed f on f.environment_id = m.environment_id and f.position = m.position and f.event_id = m.event_id
     group by f.environment_id
  )
  select h.environment_id,
         greatest(k.position, o.position, h.oldest_position - 1) as position
    from feed_heads h
    left join known k on k.environment_id = h.environment_id
    left join lateral (select f.position
                         from event_feed f
                         join events e on e.id = f.event_id
                        where f.environment_id = h.environment_id
                          and e.occurred_at < $4
                        order by f.position desc
                        limit 1) o on $4::timestamptz is not null`,
);
