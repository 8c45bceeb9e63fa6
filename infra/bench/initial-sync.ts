/**
 * A customer's first day: everybody and every group into an empty directory, as Entra sends it, while a webhook endpoint and a poller
 * follow. Each one is looked for first, then created; then each group gets its members, some in each request.
 */
import { count } from './figures';
import { Connections, inParallel, send } from './load';
import { memoryOf } from './processes';
import { groupBody, match, memberChange, userBody } from './requests';
import { follow, startWorker } from './directories';
import { end, type Postgres, startCauseway } from './subjects';

export interface SyncSizes {
  users: number;
  groups: number;
  memberships: number;
}

// Entra's floor is 25 requests a second; here it takes as much as it is given.
const inFlight = 16;
const membersInOneRequest = 20;

export async function measureInitialSync(postgres: Postgres, sizes: SyncSizes): Promise<void> {
  const database = await postgres.database('initial_sync');
  const server = await startCauseway(database);
  const worker = await startWorker(database, server);
  const followers = await follow(server);
  const target = server.directories[0]!;
  const connections = new Connections(target.base);
  const begun = performance.now();
  const stage = async (name: string, total: number, work: (n: number) => Promise<void>): Promise<void> => {
    let done = 0;
    const started = performance.now();
    const show = (): void =>
      console.log(
        `${name}: ${count(done)} of ${count(total)}, ${count((done / (performance.now() - started)) * 1_000)} a second; broker ${count(memoryOf(server.pid).now)} MB, worker ${count(memoryOf(worker.pid!).now)} MB`,
      );
    const timer = setInterval(show, 10_000);
    await inParallel(inFlight, total, async (n) => {
      await work(n);
      done += 1;
    });
    clearInterval(timer);
    show();
  };
  try {
    const ids: string[] = [];
    await stage('users', sizes.users, async (n) => {
      await send(connections, target, { method: 'GET', path: match(`person${n}@acme.com`) });
      ids[n] = (await send(connections, target, { method: 'POST', path: '/Users', body: userBody(`person${n}`) })).body.id;
    });
    const groups: string[] = [];
    await stage('groups', sizes.groups, async (n) => {
      await send(connections, target, {
        method: 'GET',
        path: `/Groups?excludedAttributes=members&filter=${encodeURIComponent(`displayName eq "group ${n}"`)}`,
      });
      groups[n] = (await send(connections, target, { method: 'POST', path: '/Groups', body: groupBody(`group ${n}`) })).body.id;
    });
    const ofEach = Math.round(sizes.memberships / sizes.groups);
    const requests = Math.ceil(ofEach / membersInOneRequest);
    await stage(`requests of ${membersInOneRequest} memberships`, sizes.groups * requests, async (n) => {
      const group = n % sizes.groups;
      const from = Math.floor(n / sizes.groups) * membersInOneRequest;
      const members = Array.from(
        { length: Math.min(membersInOneRequest, ofEach - from) },
        (_, i) => ids[(group * 7_919 + from + i) % ids.length]!,
      );
      await send(connections, target, { method: 'PATCH', path: `/Groups/${groups[group]}`, body: memberChange('Add', ...members) });
    });
    console.log(`\neverything was sent after ${count((performance.now() - begun) / 1_000)} s`);
    await followers.done(server);
    const {
      rows: [row],
    } = await server.db.query<{ bytes: string; memberships: string }>(
      'select pg_database_size(current_database()) as bytes, (select count(*) from memberships where present) as memberships',
    );
    console.log(
      `${count(Number(row!.memberships))} memberships; the database has ${count(Number(row!.bytes) / 1_048_576)} MB; at most the broker had ${count(memoryOf(server.pid).peak)} MB, the worker ${count(memoryOf(worker.pid!).peak)} MB`,
    );
  } finally {
    await end(worker);
    await server.db.end();
    await server.stop();
  }
}
