import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { newId, publicId } from '#identifier';
import { migrate } from '#runtime';
import { createEmptyDatabase, projectFolder, startProcess, type TestDatabase } from '#testing';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-migrations-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** A database as the release before left it, with users under the keys that it gave them. */
async function anOldDatabase(users: { userName: string; key: string }[]): Promise<TestDatabase & { ids: string[] }> {
  const all = path.join(projectFolder, 'migrations');
  for (const name of await readdir(all)) if (/^00[012]\d_/.test(name)) await cp(path.join(all, name), path.join(folder, name));
  const database = await createEmptyDatabase();
  await migrate(database.url, { directory: folder });
  const [environment, organization, directory] = [newId(), newId(), newId()];
  const ids = users.map(() => newId());
  await database.pool.query(`insert into environments (id, name) values ($1, 'Vendor')`, [environment]);
  await database.pool.query(`insert into organizations (id, environment_id, name) values ($1, $2, 'Acme')`, [organization, environment]);
  await database.pool.query(
    `insert into directories (id, environment_id, organization_id, name, provider) values ($1, $2, $3, 'Acme', 'entra')`,
    [directory, environment, organization],
  );
  await database.pool.query('insert into directory_heads (directory_id) values ($1)', [directory]);
  for (const [i, { userName, key }] of users.entries()) {
    await database.pool.query(
      `insert into users (id, environment_id, organization_id, directory_id, user_name_key, display_name, active, resource, folded, profile,
                          version, created_at, updated_at, active_since)
       values ($1, $2, $3, $4, $5, $6, true, $7, $8, $9, 1, now(), now(), now())`,
      [ids[i], environment, organization, directory, key, userName, { userName }, { username: key }, { user_name: userName }],
    );
  }
  return { ...database, ids };
}

test('npm run migrate gives users their keys of today, names those who became alike at warn, and goes on', async () => {
  const database = await anOldDatabase([
    { userName: 'ada', key: 'ada' },
    { userName: 'ａｄａ', key: 'ａｄａ' },
    { userName: 'fußball', key: 'fussball' },
    { userName: 'bob ', key: 'bob ' },
  ]);
  const command = await startProcess({
    command: [process.execPath, '--require', 'tsx/cjs', 'apps/worker/src/migrate-command.ts'],
    cwd: projectFolder,
    env: { DATABASE_URL: database.url },
  });
  expect(await command.ended).toMatchObject({ code: 0 });
  const [ada, wide] = database.ids.map((id) => publicId('usr', id));
  const warnings = command.log().filter(({ level }) => level === 'warn');
  expect(warnings).toEqual([expect.objectContaining({ user_ids: [ada, wide], directory_id: expect.stringMatching(/^dir_/) })]);
  const { rows } = await database.pool.query<{ key: string }>('select user_name_key as key from users order by id');
  expect(rows.map(({ key }) => key)).toEqual(['ada', 'ａｄａ', 'fußball', 'bob']);
});
