import { eventually, takeBackup } from '#testing';
import { aBroker, type TestBroker } from './a-broker';

const user = (userName: string) => ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName });

let broker: TestBroker;
beforeEach(async () => {
  broker = await aBroker();
  broker.sequence();
});

const positions = async (after = ''): Promise<number[]> =>
  (await broker.call('GET', `/v1/events${after && `?after=${after}`}`)).body.data.map(({ position }: { position: number }) => position);
const ready = async (): Promise<{ status: number; database: string }> => {
  const { status, body } = await broker.call('GET', '/readyz');
  return { status, database: body.parts.database.state };
};

test('a broker that meets a database older than what it has answered from begins a new epoch, and refuses the cursors of the old one', async () => {
  const { idp } = await broker.aDirectory();
  await idp.post('/Users', user('before'));
  await eventually(async () => (await positions()).length === 2);
  const backup = await takeBackup(broker.db);
  await eventually(async () => (await idp.post('/Users', user('undone'))).status === 201);
  const { next_cursor: lost } = await eventually(async () => {
    const { body } = await broker.call('GET', '/v1/events');
    return body.data?.length === 3 && body;
  });
  await backup.restore();

  const refused = await eventually(async () => {
    const answer = await broker.call('GET', `/v1/events?after=${lost}`);
    return answer.status !== 503 && answer;
  });
  expect([refused.status, refused.body.code]).toEqual([409, 'feed_rewound']);
  const told = await eventually(async () => {
    const { body } = await broker.call('GET', `/v1/events?after=${refused.body.cursor}`);
    return body.data.length > 0 && body.data;
  });
  expect(
    told.map(({ position, sequence, type }: { position: number; sequence: number; type: string }) => [position, sequence, type]),
  ).toEqual([[3, 3, 'feed.rewound']]);
});

test('a broker whose own writes are undone notices before it writes again, though nobody has read them', async () => {
  const { idp } = await broker.aDirectory();
  await idp.post('/Users', user('before'));
  await eventually(async () => (await positions()).length === 2);
  const backup = await takeBackup(broker.db);
  await eventually(async () => (await idp.post('/Users', user('undone'))).status === 201);
  await backup.restore();
  await eventually(async () => (await idp.post('/Users', user('after'))).status === 201);
  const { rows } = await broker.db.pool.query('select sequence, type from events order by sequence desc limit 2');
  expect(rows).toEqual([
    { sequence: 4, type: 'user.created' },
    { sequence: 3, type: 'feed.rewound' },
  ]);
});

test('where no epoch can be begun it answers 503, and /readyz names why, until one can', async () => {
  const { idp } = await broker.aDirectory();
  await idp.post('/Users', user('before'));
  await eventually(async () => (await positions()).length === 2);
  await broker.db.pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'nothing may be written'; end $$;
    create trigger refuse before insert on feed_rewinds execute function refuse()`);
  const backup = await takeBackup(broker.db);
  await eventually(async () => (await idp.post('/Users', user('undone'))).status === 201);
  await eventually(async () => (await positions()).length === 3);
  await backup.restore();

  await eventually(async () => (await ready()).database === 'set_back');
  expect(await ready()).toEqual({ status: 503, database: 'set_back' });
  for (const path of ['/v1/events', '/v1/directories']) expect((await broker.call('GET', path)).status).toBe(503);
  expect((await idp.get('/Users')).status).toBe(503);

  await broker.db.pool.query('drop trigger refuse on feed_rewinds');
  await eventually(async () => (await ready()).status === 200);
  expect((await broker.db.pool.query('select 1 from feed_rewinds')).rowCount).toBe(1);
  expect((await idp.get('/Users')).status).toBe(200);
});
