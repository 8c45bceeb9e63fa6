import { Pool } from 'pg';
import { createTestDatabase, eventually } from '#testing';
import { createLog } from './log';
import { OutageLog } from './outage-log';

test('a pool whose connections are all lent out is told of as that, by two lines, and as no outage of the database', async () => {
  const { url } = await createTestDatabase();
  const pool = new Pool({ connectionString: url, max: 1, connectionTimeoutMillis: 50 });
  const lines: { msg: string; failed?: unknown }[] = [];
  const outages = new OutageLog(createLog('info', 'test', { write: (line) => void lines.push(JSON.parse(line)) }), () => pool, {
    quietMs: 50,
    lookEveryMs: 20,
  });

  const lent = await pool.connect();
  for (let i = 0; i < 3; i++) await pool.query('select 1').catch((error: unknown) => outages.warn(error, 'requests', 'failed'));
  lent.release();

  await eventually(() => lines.length === 2);
  expect(lines).toEqual([
    expect.objectContaining({ msg: expect.stringMatching(/^all connections of this process are in use/), failed: 'requests' }),
    expect.objectContaining({ msg: 'connections are free again', failed: { requests: 3 } }),
  ]);
  outages.stop();
  await pool.end();
});
