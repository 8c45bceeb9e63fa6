import { eventually, testDatabase } from '#testing';
import { analyzeGrown } from './young-tables';

const firstId = '00000000-0000-0000-0000-000000000000';
const count = (to: number): number[] => Array.from({ length: to }, (_, i) => i + 1);

test('a table that has doubled is analyzed, and a plan that was made for an empty one goes', async () => {
  const { pool } = await testDatabase();
  const client = await pool.connect();
  try {
    // As of users: several indexes begin alike, and one of them finds a single row. Autovacuum is not to come first.
    await client.query(
      `create table people (directory uuid, name text, other text, ${count(12)
        .map((n) => `column_${n} text`)
        .join(', ')}) with (autovacuum_enabled = false)`,
    );
    await client.query('create index people_by_name on people (directory, name)');
    await client.query('create index people_by_other on people (directory, other)');
    const find = async (): Promise<string> => {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain execute find ('${firstId}', '700')`);
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    };
    await client.query('set plan_cache_mode = force_generic_plan');
    await client.query('prepare find (uuid, text) as select name from people where directory = $1 and name = $2');
    expect(await find()).not.toContain('people_by_name');

    const write = (from: number, to: number) =>
      client.query('insert into people select $3::uuid, n::text, n::text from generate_series($1::int, $2) n', [from, to, firstId]);
    const rows = async (): Promise<number> =>
      (await pool.query<{ n: number }>(`select reltuples::int8 as n from pg_class where relname = 'people'`)).rows[0]!.n;
    await write(1, 400);
    await analyzeGrown(client);
    expect(await rows()).toBe(-1);

    await write(401, 2_000);
    await eventually(async () => (await analyzeGrown(client)).includes('people'));
    expect(await rows()).toBe(2_000);
    expect(await find()).toContain('people_by_name');
    expect(await analyzeGrown(client)).not.toContain('people');

    // Not again before it is twice what it was.
    await write(2_001, 4_400);
    await eventually(
      async () =>
        (await pool.query<{ n: number }>(`select n_live_tup as n from pg_stat_user_tables where relname = 'people'`)).rows[0]?.n === 4_400,
    );
    expect(await analyzeGrown(client)).not.toContain('people');
    await write(4_401, 4_700);
    await eventually(async () => (await analyzeGrown(client)).includes('people'));
  } finally {
    client.release();
  }
});
