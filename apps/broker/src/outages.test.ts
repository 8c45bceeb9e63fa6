/**
 * A database that is away, or has no time, is told of alike at every door: 503, with Retry-After. What it has rolled back for the
 * sake of others nobody is told of: that is made again.
 */
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { aPostgresProxy, createTestDatabase, eventually, freePort, type PostgresProxy, type TestDatabase } from '#testing';
import { aBroker, type TestBroker } from './a-broker';
import { AMember } from './console/a-member';
import { ABrowser, allow } from './oauth/a-browser';
import { anAdminsBrowser, anOAuthClient, askOAuth, authorizeAddress } from './oauth/an-oauth-client';

interface Told {
  status: number;
  headers: Headers;
  text?: string;
  body?: unknown;
}

const doors = ['SCIM', 'OAuth token', 'OAuth consent', '/v1', 'console', 'setup page', 'setup link'] as const;
type Door = (typeof doors)[number];

/** A write by each door: what the door answers it with. */
let write: Record<Door, () => Promise<Told>>;
const done: Record<Door, number> = {
  SCIM: 201,
  'OAuth token': 200,
  'OAuth consent': 303,
  '/v1': 201,
  console: 201,
  'setup page': 201,
  'setup link': 303,
};
/** What each of them writes to. */
const tables = ['users', 'oauth_access_tokens', 'oauth_grants', 'organizations', 'environments', 'bearer_tokens', 'setup_sessions'];

const member = { email: 'ada@example.com', password: 'correct horse battery' };
let db: TestDatabase;
let home: string;
let broker: TestBroker;
let anyName = 0;
/** The newest user that was sent, and the way to send it again. */
let sendAgain: () => Promise<Told>;

beforeAll(async () => {
  db = await createTestDatabase();
  // Where the database is the broker asks anew with each connection: its URL leaves it to PGHOST and PGPORT.
  const { username, pathname, searchParams } = new URL(db.url);
  home = searchParams.get('host') ?? '';
  goTo(home, 5432);
  broker = await aBroker({
    databaseUrl: `postgres://${pathname}?user=${username}`,
    bootstrapAdminEmail: member.email,
    bootstrapAdminPassword: member.password,
    trustedProxies: ['127.0.0.1/32'],
  });
  write = await writes();
  await db.pool.query(`
    create table failing (code text not null, times bigint not null);
    create sequence failures;
    create function fail() returns trigger language plpgsql as $$
      declare ordered failing;
      begin
        select * into ordered from failing;
        if found and nextval('failures') <= ordered.times then
          if ordered.code = 'end' then perform pg_terminate_backend(pg_backend_pid()); end if;
          raise exception 'as ordered' using errcode = ordered.code;
        end if;
        return new;
      end $$;`);
  for (const table of tables) await db.pool.query(`create trigger fail before insert on ${table} for each row execute function fail()`);
});

async function writes(): Promise<Record<Door, () => Promise<Told>>> {
  const directory = await broker.aDirectory();
  const client = await anOAuthClient(broker, directory.id, 'client_credentials');
  const browser = await anAdminsBrowser(broker, directory.id);
  const consent = await browser.open(authorizeAddress(await anOAuthClient(broker, directory.id, 'authorization_code')));
  const { url: link } = (await broker.call('POST', `/v1/directories/${(await broker.aDirectory()).id}/setup_link`)).body;
  const ada = await new AMember(broker).signIn(member.email, member.password);
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
  const any = (): string => randomBytes(8).toString('hex');
  return {
    SCIM: () => {
      const user = { schemas, userName: `user-${(anyName += 1)}` };
      sendAgain = () => directory.idp.post('/Users', user);
      return sendAgain();
    },
    'OAuth token': () => askOAuth(broker, 'token', client, { grant_type: 'client_credentials' }),
    'OAuth consent': () => browser.press(consent, allow),
    '/v1': () => broker.call('POST', '/v1/organizations', { body: { name: any() } }),
    console: () => ada.call('POST', '/environments', { name: any() }),
    'setup page': () =>
      broker.call('POST', '/setup/api/bearer_token', {
        key: null,
        body: {},
        headers: {
          'sec-fetch-site': 'same-origin',
          'x-causeway-page': '1',
          cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        },
      }),
    'setup link': () => new ABrowser(broker).open(link),
  };
}

/** From now on every write fails so many times, and how many it has failed. */
async function failing(code: string, times = 1_000_000): Promise<void> {
  await db.pool.query('delete from failing');
  await db.pool.query("select setval('failures', 1, false)");
  await db.pool.query('insert into failing values ($1, $2)', [code, times]);
}

async function tries(): Promise<number> {
  const { rows } = await db.pool.query<{ tries: number }>('select last_value as tries from failures where is_called');
  return rows[0]?.tries ?? 0;
}

/** From now on the broker's new connections lead there. */
function goTo(host: string, port: number): void {
  process.env.PGHOST = host;
  process.env.PGPORT = String(port);
}

/** Ends the connections of the broker: it makes new ones. */
async function connectAnew(): Promise<void> {
  await db.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'causeway broker%'`,
  );
}

const told = ({ status, headers }: Told): [number, string | null] => [status, headers.get('retry-after')];
const away = [503, '5'];

describe.each(doors)('%s', (door) => {
  afterEach(() => db.pool.query('delete from failing'));

  test('does what is asked where nothing fails', async () => {
    expect((await write[door]()).status).toBe(done[door]);
  });

  test.each(['08006', '08P01', '53100', '53200', '53300', '57014', '57P01', '57P05', '55P03', '25P03', '25006'])(
    'answers 503 to %s',
    async (code) => {
      await failing(code);
      expect(told(await write[door]())).toEqual(away);
      expect(await tries()).toBe(1);
    },
  );

  test('answers 503 where the connection ends in the middle', async () => {
    await failing('end');
    expect(told(await write[door]())).toEqual(away);
  });

  test.each(['40001', '40P01'])('tries again after %s, and answers as if nothing had been', async (code) => {
    await failing(code, 3);
    expect((await write[door]()).status).toBe(done[door]);
    expect(await tries()).toBe(4);
  });

  test.each(['40001', '40P01'])('gives up on %s when it has tried three times again', async (code) => {
    await failing(code);
    expect(told(await write[door]())).toEqual(away);
    expect(await tries()).toBe(4);
  });

  test('does not call a fault of ours an outage', async () => {
    await failing('42P01');
    expect(told(await write[door]())).toEqual([500, null]);
  });
});

test('that all connections are in use is told at every door as what it is, and not as an outage of the database', async () => {
  write = await writes();
  const inTheWay = await db.pool.connect();
  await inTheWay.query('begin');
  await inTheWay.query('lock table organizations in access exclusive mode');
  const all = Array.from({ length: 20 }, () => broker.call('GET', '/v1/organizations'));
  await eventually(async () => {
    const { rowCount } = await db.pool.query(
      `select 1 from pg_stat_activity where application_name = 'causeway broker' and wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rowCount === 20;
  });

  const answers = await Promise.all(doors.map((door) => write[door]()));
  await inTheWay.query('rollback');
  inTheWay.release();
  await Promise.all(all);
  expect(answers.map(told)).toEqual(doors.map(() => away));
  for (const { text, body } of answers) expect(text ?? JSON.stringify(body)).not.toMatch(/database cannot be reached/i);
}, 120_000);

describe('where the answer to a commit is lost on its way', () => {
  let proxy: PostgresProxy;

  beforeAll(async () => {
    proxy = await aPostgresProxy({ host: home, port: 5432 });
    write = await writes(); // the setup page's has replaced the token of SCIM's
    goTo(proxy.host, proxy.port);
    await connectAnew();
    await eventually(async () => (await write['/v1']()).status === 201);
  });
  afterEach(() => proxy.lose('commits', 0));
  afterAll(async () => {
    goTo(home, 5432);
    await proxy.stop();
  });

  /** Everything that writes loses its answer, the bookkeeping behind requests too. */
  const loseAll = (): void => proxy.lose('writes', 1_000_000);

  test('the change was made, once, and to send it again does no harm', async () => {
    expect((await write.SCIM()).status).toBe(201);
    proxy.lose('commits', 1);
    expect(told(await write.SCIM())).toEqual(away);
    const { rows } = await db.pool.query('select 1 from users where user_name_key = $1', [`user-${anyName}`]);
    expect(rows).toHaveLength(1);
    expect((await sendAgain()).status).toBe(409);
  });

  test.each(doors)('%s says that it is not known whether the change was made, and that to send it again is safe', async (door) => {
    expect((await write[door]()).status).toBe(done[door]);
    loseAll();
    const answer = await write[door]();
    expect(told(answer)).toEqual(away);
    const said = answer.text ?? JSON.stringify(answer.body);
    expect(said).toMatch(/not known|Open the link again|Look whether it was/);
    expect(said).toMatch(/safe/);
    expect(said).not.toMatch(/nothing has been changed/i);
  });
});

describe('where the database cannot be reached', () => {
  const servers: { close: () => void }[] = [];
  afterAll(() => {
    goTo(home, 5432);
    servers.forEach((server) => server.close());
  });

  /** Something that listens where the database should. */
  async function aServer(take: (socket: Socket) => void): Promise<[string, number]> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      take(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push({ close: () => server.close(() => {}) && sockets.forEach((socket) => socket.destroy()) });
    return ['127.0.0.1', (server.address() as AddressInfo).port];
  }

  /** PostgreSQL's ErrorResponse, in place of a greeting. */
  const refusal = (code: string): Buffer => {
    const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0Mas ordered\0\0`);
    const head = Buffer.alloc(5, 'E');
    head.writeUInt32BE(fields.length + 4, 1);
    return Buffer.concat([head, fields]);
  };

  test.each<[string, () => Promise<[string, number]>]>([
    ['nothing listens there', async () => ['127.0.0.1', await freePort()]],
    ['the socket is not there', async () => [path.join(os.tmpdir(), 'no-such-folder'), 5432]],
    ['the name does not resolve', async () => ['nowhere.invalid', 5432]],
    ['a proxy hangs up', () => aServer((socket) => socket.destroy())],
    ['a proxy hangs up when it is spoken to', () => aServer((socket) => socket.once('data', () => socket.resetAndDestroy()))],
    ['it says nothing', () => aServer(() => {})],
    ['it is starting', () => aServer((socket) => socket.once('data', () => socket.end(refusal('57P03'))))],
    ['it has no connection left', () => aServer((socket) => socket.once('data', () => socket.end(refusal('53300'))))],
  ])('%s', async (_, elsewhere) => {
    goTo(...(await elsewhere()));
    await connectAnew();
    const answers = await Promise.all(doors.map(async (door) => [door, ...told(await write[door]())]));
    expect(answers).toEqual(doors.map((door) => [door, ...away]));
  });
});
