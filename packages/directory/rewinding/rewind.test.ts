import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Pool } from 'pg';
import { newId } from '#identifier';
import { migrate } from '#runtime';
import { createEmptyDatabase, createTestDatabase, eventually, projectFolder } from '#testing';
import { createDirectory, type Directory } from '../rules/directories';
import { createOrganization } from '../rules/organizations';
import { appendEvents, readEvents } from '../log/event-log';
import { rewindFeeds } from './rewind';
import { type DirectoryPool, inDirectory } from '../writing/transaction';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await createTestDatabase());
});

async function anEnvironment(): Promise<string> {
  const id = newId();
  await pool.query('insert into environments (id, name) values ($1, $2)', [id, 'test']);
  await pool.query('insert into feed_heads (environment_id) values ($1)', [id]);
  return id;
}

async function aDirectory(environmentId: string): Promise<Directory> {
  const { id: organizationId } = await createOrganization(pool, { environmentId, name: 'Acme' });
  const directory = await createDirectory(pool, { environmentId, organizationId, provider: 'generic' });
  if (!directory) throw new Error('no directory was made');
  return directory;
}

const write = (directory: Directory): Promise<void> =>
  inDirectory(pool, directory, null, async (tx) => {
    await tx.locked();
    appendEvents(tx, [{ type: 'feed.rewound', data: () => ({ epoch: 'written', previous_epoch: '' }) }]);
  });

async function logOf(directory: Directory, db: Pick<Pool, 'query'> = pool): Promise<unknown[]> {
  const { rows } = await db.query<{ sequence: number; epoch: string; data: { epoch: string; previous_epoch: string } }>(
    'select sequence, epoch, data from events where directory_id = $1 order by sequence',
    [directory.id],
  );
  return rows.map(({ sequence, epoch, data }) => [
    sequence,
    epoch,
    data.epoch === 'written' ? 'written' : [data.previous_epoch, data.epoch],
  ]);
}

test('every directory of every environment is told once, as its next event and the first of the new epoch', async () => {
  const environment = await anEnvironment();
  const [one, other, strange] = [await aDirectory(environment), await aDirectory(environment), await aDirectory(await anEnvironment())];
  await write(one);
  await write(one);
  const second = await rewindFeeds(pool);
  await write(one);
  const third = await rewindFeeds(pool);
  const late = await aDirectory(environment);
  await write(late);

  expect(second.name).toMatch(/^[0-9a-f]{16}$/);
  expect([second.directories, third.directories]).toEqual([3, 3]);
  expect(await logOf(one)).toEqual([
    [1, '1', 'written'],
    [2, '1', 'written'],
    [3, second.name, ['1', second.name]],
    [4, second.name, 'written'],
    [5, third.name, [second.name, third.name]],
  ]);
  for (const untouched of [other, strange]) {
    expect(await logOf(untouched)).toEqual([
      [1, second.name, ['1', second.name]],
      [2, third.name, [second.name, third.name]],
    ]);
  }
  expect(await logOf(late)).toEqual([[1, third.name, 'written']]);
});

test('a writer that is under way ends first, in the old epoch, and one that comes meanwhile writes in the new one', async () => {
  const directory = await aDirectory(await anEnvironment());
  const { name: before } = await rewindFeeds(pool);
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const underWay = inDirectory(pool, directory, null, async (tx) => {
    await tx.locked();
    await held;
    appendEvents(tx, [{ type: 'feed.rewound', data: () => ({ epoch: 'written', previous_epoch: '' }) }]);
  });
  const rewinding = rewindFeeds(pool);
  await eventually(aRewindWaits);
  goOn();
  await underWay;
  const { name } = await rewinding;
  await write(directory);
  expect((await logOf(directory)).slice(1)).toEqual([
    [2, before, 'written'],
    [3, name, [before, name]],
    [4, name, 'written'],
  ]);
});

test('a directory that is made meanwhile is told, or made in the new epoch', async () => {
  const environment = await anEnvironment();
  const { id: organizationId } = await createOrganization(pool, { environmentId: environment, name: 'Acme' });
  const rewinding = rewindFeeds(pool);
  const made = await Promise.all(
    Array.from({ length: 8 }, () => createDirectory(pool, { environmentId: environment, organizationId, provider: 'generic' })),
  );
  const { name } = await rewinding;
  for (const directory of made) {
    if (!directory) throw new Error('no directory was made');
    await write(directory);
    expect((await logOf(directory)).at(-1)).toEqual([expect.any(Number), name, 'written']);
    const log = await logOf(directory);
    expect(log.length === 1 || log[0]).toEqual(log.length === 1 ? true : [1, name, [expect.any(String), name]]);
  }
});

test('a directory that an older release has made is in the epoch of its environment', async () => {
  const environment = await anEnvironment();
  await aDirectory(environment);
  const { name } = await rewindFeeds(pool);
  const directory = await aDirectory(environment);
  await pool.query('update directory_heads set epoch = null where directory_id = $1', [directory.id]);
  await write(directory);
  expect(await logOf(directory)).toEqual([[1, name, 'written']]);
});

test('what was written before there were epochs, and by a release that knows of none, is of the one that the log was in then', async () => {
  const { pool: old, url } = await createEmptyDatabase();
  const before = await mkdtemp(path.join(tmpdir(), 'causeway-migrations-'));
  const migrations = path.join(projectFolder, 'migrations');
  for (const name of (await readdir(migrations)).filter((file) => /^0[01]\d\d_/.test(file)))
    await copyFile(path.join(migrations, name), path.join(before, name));
  await migrate(url, { directory: before });
  await rm(before, { recursive: true });

  const [environmentId, organizationId, directoryId] = [newId(), newId(), newId()];
  await old.query('insert into environments (id, name) values ($1, $2)', [environmentId, 'test']);
  await old.query('insert into feed_heads (environment_id) values ($1)', [environmentId]);
  await old.query('insert into organizations (id, environment_id, name) values ($1, $2, $3)', [organizationId, environmentId, 'Acme']);
  await old.query(`insert into directories (id, environment_id, organization_id, name, provider) values ($1, $2, $3, 'Acme', 'generic')`, [
    directoryId,
    environmentId,
    organizationId,
  ]);
  await old.query('insert into directory_heads (directory_id) values ($1)', [directoryId]);
  // As the release before it writes, and gives positions.
  let sequence = 0;
  const append = async (): Promise<void> => {
    const event = [newId(), environmentId, organizationId, directoryId, (sequence += 1)];
    await old.query(
      `insert into events (id, environment_id, organization_id, directory_id, sequence, type, occurred_at, data)
       values ($1, $2, $3, $4, $5, 'user.updated', now(), '{}')`,
      event,
    );
    await old.query(
      `insert into event_outbox (environment_id, organization_id, directory_id, sequence, event_id, type, created_at)
       values ($2, $3, $4, $5, $1, 'user.updated', now())`,
      event,
    );
    await old.query('update directory_heads set sequence = $2 where directory_id = $1', [directoryId, sequence]);
  };
  const publish = () =>
    old.query(`
      with taken as (delete from event_outbox returning *), fed as (
        insert into event_feed (environment_id, position, organization_id, directory_id, sequence, event_id, type)
        select environment_id, sequence, organization_id, directory_id, sequence, event_id, type from taken
      )
      update feed_heads set position = greatest(position, (select coalesce(max(sequence), 0) from taken))`);

  await append();
  await publish();
  await migrate(url);
  await append();
  await publish();
  await append(); // waits for its position
  const { name } = await rewindFeeds(old);
  sequence += 1;
  await append();
  await publish();

  const { events } = await readEvents(old, { environmentId, after: 0, limit: 10 });
  const epochs = events.map(({ json }) => JSON.parse(json)).map(({ sequence: at, type, epoch }) => [at, type, epoch]);
  expect(epochs).toEqual([
    [1, 'user.updated', '1'],
    [2, 'user.updated', '1'],
    [3, 'user.updated', '1'],
    [4, 'feed.rewound', name],
    [5, 'user.updated', name],
  ]);
});

async function aRewindWaits(): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%epoch_previous%'`,
  );
  return rowCount === 1;
}
