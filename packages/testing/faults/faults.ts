import { readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { resetConnection } from '../reset';
import type { Failpoint } from './failpoints';
import type { EndpointRecord, Incident, Records } from './records';
import { endpointsToTheEnd, type Fault } from './schedule';
import type { Supervised } from './supervised';
import { onDatabase, type System } from './system';
import type { Endpoints } from './vendor-acts';
import type { Target } from './writer';

export interface Scene {
  system: System;
  endpoints: Endpoints;
  records: Records;
  organizationIds: string[];
  targets: Target[];
}

/** Breaks what a fault says, and mends it again; or does what it says. Resolves when it is over, and is on record then. */
export async function inflict(scene: Scene, fault: Fault): Promise<void> {
  const at = Date.now();
  const { detail, crash } = await commit(scene, fault);
  const incident: Incident = {
    at,
    endedAt: Date.now(),
    kind: fault.kind,
    detail,
    crash,
    endpointFails: fault.kind === 'endpoint_misbehaves',
    unwanted: false,
  };
  scene.records.append('incident', incident);
}

/** `crash`: something that was under way may be done twice for it. The ends of processes are put on record by themselves. */
async function commit(scene: Scene, fault: Fault): Promise<{ detail: string; crash: boolean }> {
  const { system, endpoints } = scene;
  switch (fault.kind) {
    case 'kill': {
      const victims =
        fault.role === 'all'
          ? [...new Set([...system.servers.brokers, ...system.servers.workers])]
          : [chosen(system.servers[fault.role], fault.target)];
      await Promise.all(victims.map((victim) => victim.kill('SIGKILL')));
      return { detail: victims.map(({ name }) => name).join(', '), crash: false };
    }
    case 'kill_standalone': {
      const [victim] = system.servers.brokers;
      if (!victim) return { detail: 'nobody', crash: false };
      await killStandalone(system, victim, fault.reach);
      if (fault.againAfterMs !== null) {
        await untilBegun(victim);
        await delay(fault.againAfterMs);
        await killStandalone(system, victim, fault.reach);
      }
      return {
        detail: `${fault.reach}${fault.againAfterMs === null ? '' : `, and again ${fault.againAfterMs} ms after its start`}`,
        crash: false,
      };
    }
    case 'restart': {
      const victim = chosen(system.servers[fault.role], fault.target);
      await victim.kill('SIGTERM');
      return { detail: victim.name, crash: false };
    }
    case 'die_at': {
      const taken = await arm(system, fault.point, 'die', 10_000);
      return { detail: `${fault.point}: ${taken === undefined ? 'nobody came by' : `process ${taken}`}`, crash: false };
    }
    case 'stop_at_answer': {
      const pid = await arm(system, 'answered', 'stop', 10_000);
      if (pid === undefined) return { detail: 'nobody came by', crash: false };
      await delay(fault.forMs);
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // Killed meanwhile, by another fault.
      }
      return { detail: `process ${pid} for ${fault.forMs} ms`, crash: true };
    }
    case 'redis_stopped':
      await system.redis?.stop();
      await delay(fault.forMs);
      await system.redis?.restart();
      return { detail: `for ${fault.forMs} ms, and came back empty`, crash: false };
    case 'redis_emptied':
      await system.redis?.empty();
      return { detail: 'FLUSHALL', crash: false };
    case 'redis_paused':
      await system.redis?.signal('SIGSTOP');
      await delay(fault.forMs);
      await system.redis?.signal('SIGCONT');
      return { detail: `for ${fault.forMs} ms`, crash: false };
    case 'postgres_restarted':
      await system.postgres?.restart(fault.mode, fault.downMs);
      return { detail: `${fault.mode}, down for ${fault.downMs} ms`, crash: true };
    case 'postgres_backend_killed': {
      // PostgreSQL takes every other session down with it, and recovers.
      const pid = await backend(system.databaseUrl).catch(() => undefined);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      return { detail: pid === undefined ? 'the database was away' : `process ${pid}`, crash: true };
    }
    case 'connections_terminated': {
      const ended = await terminate(system.databaseUrl, fault.share).catch(() => 0);
      return { detail: `${ended} of them`, crash: true };
    }
    case 'connections_stormed': {
      const gusts = await storm(scene, fault);
      return { detail: `${gusts} times in ${fault.forMs} ms`, crash: false };
    }
    case 'foreign_transaction':
      return { detail: await holdForeignTransaction(system, fault.forMs), crash: false };
    case 'commit_answers_lost': {
      const { proxy } = system;
      if (!proxy) return { detail: 'there is no proxy', crash: false };
      const before = proxy.lost();
      proxy.lose('commits', fault.times);
      for (const until = Date.now() + 8_000; Date.now() < until && proxy.lost() - before < fault.times;) await delay(50);
      proxy.lose('commits', 0);
      return { detail: `${proxy.lost() - before} of them`, crash: false };
    }
    case 'connections_used_up':
      return { detail: `by ${await takeAllConnections(system.databaseUrl, fault.forMs)} more, for ${fault.forMs} ms`, crash: true };
    case 'old_snapshot':
      return {
        detail: await hold(system, ['begin isolation level repeatable read', 'select count(*) from events'], fault.forMs),
        crash: false,
      };
    case 'table_locked':
      return {
        detail: `${fault.table} ${await hold(system, ['begin', `lock table ${fault.table} in share mode`], fault.forMs)}`,
        crash: false,
      };
    case 'clients_abort':
      return { detail: `${await abortRequests(scene, fault)} requests`, crash: false };
    case 'endpoint_misbehaves': {
      const { name } = standing(endpoints, fault.target);
      system.sink.behave(name, fault.behaviour);
      await delay(fault.forMs);
      system.sink.behave(name, null);
      return { detail: `${name} ${fault.behaviour.kind} for ${fault.forMs} ms`, crash: false };
    }
    case 'endpoint_disabled': {
      const endpoint = standing(endpoints, fault.target);
      await endpoints.disable(endpoint);
      await delay(fault.forMs);
      await endpoints.enable(endpoint);
      return { detail: `${endpoint.name} for ${fault.forMs} ms`, crash: false };
    }
    case 'endpoint_created': {
      const { start, filtered, scoped, ordering } = fault;
      const [organizationId] = scene.organizationIds;
      const made = await endpoints.create({
        name: `late-${endpoints.records.length}`,
        start,
        ordering,
        ...(filtered ? { types: ['user.created', 'user.updated', 'group.member_added', 'user.deleted'] } : {}),
        ...(scoped && organizationId !== undefined ? { organizationId } : {}),
      });
      return { detail: `${made.name}: ${JSON.stringify({ start, filtered, scoped, ordering })}`, crash: false };
    }
    case 'endpoint_deleted': {
      // One that is made for it: those from the beginning are needed to the end.
      const doomed = await endpoints.create({ name: `doomed-${endpoints.records.length}`, start: 'beginning' });
      await delay(500);
      await endpoints.delete(doomed);
      return { detail: doomed.name, crash: false };
    }
    case 'secret_rotated': {
      const endpoint = standing(endpoints, fault.target);
      await endpoints.rotate(endpoint);
      return { detail: endpoint.name, crash: false };
    }
    default:
      throw new Error(`there is no fault ${String(fault satisfies never)}`);
  }
}

async function killStandalone(system: System, victim: Supervised, reach: 'process' | 'group' | 'everything'): Promise<void> {
  const postgres = reach === 'everything' ? await system.embeddedPostgresPid() : undefined;
  if (postgres !== undefined) {
    try {
      process.kill(-postgres, 'SIGKILL'); // it leads a group, which its backends are in
    } catch {
      // It has just ended, or has not yet begun.
    }
  }
  await victim.kill('SIGKILL', reach === 'group' ? 'group' : 'process');
}

/** Until its supervisor has started it again. */
async function untilBegun(victim: Supervised): Promise<void> {
  for (let i = 0; i < 200 && victim.pid === undefined; i++) await delay(25);
}

/** Puts a failpoint in the way of whoever comes by first; its process id, or undefined where nobody came in time. */
async function arm(system: System, point: Failpoint, act: 'die' | 'stop', withinMs: number): Promise<number | undefined> {
  const file = path.join(system.failpoints, point);
  // Whole at once: somebody may look at any moment.
  await writeFile(`${file}.making`, act);
  await rename(`${file}.making`, file);
  for (const until = Date.now() + withinMs; Date.now() < until;) {
    const taken = (await readdir(system.failpoints)).find((name) => name.startsWith(`${point}.by-`));
    if (taken !== undefined) {
      await unlink(path.join(system.failpoints, taken));
      return Number(taken.slice(`${point}.by-`.length));
    }
    await delay(20);
  }
  await unlink(file).catch(() => {}); // taken in this very moment: then its end is on record all the same
  return undefined;
}

function backend(url: string): Promise<number | undefined> {
  return onDatabase(url, async (client) => {
    const { rows } = await client.query<{ pid: number }>(`
      select pid
        from pg_stat_activity
       where datname = current_database()
         and pid <> pg_backend_pid()
       order by random()
       limit 1`);
    return rows[0]?.pid;
  });
}

function terminate(url: string, share: number): Promise<number> {
  return onDatabase(url, async (client) => {
    const { rowCount } = await client.query(
      `
      select pg_terminate_backend(pid)
        from pg_stat_activity
       where datname = current_database()
         and pid <> pg_backend_pid()
         and random() < $1`,
      [share],
    );
    return rowCount ?? 0;
  });
}

/** Each gust is on record by itself: what is under way may be done twice for each. */
async function storm({ system, records }: Scene, { everyMs, forMs }: { everyMs: number; forMs: number }): Promise<number> {
  let gusts = 0;
  for (const until = Date.now() + forMs; Date.now() < until; await delay(everyMs)) {
    const at = Date.now();
    const ended = await terminate(system.databaseUrl, 1).catch(() => 0);
    records.append('incident', {
      at,
      endedAt: Date.now(),
      kind: 'connections_terminated',
      detail: `${ended} of them, in a storm`,
      crash: true,
      endpointFails: false,
      unwanted: false,
    });
    gusts += 1;
  }
  return gusts;
}

async function holdForeignTransaction(system: System, forMs: number): Promise<string> {
  const url = system.postgres?.urlOfAnotherDatabase ?? system.databaseUrl.replace('/causeway?', '/postgres?');
  try {
    await onDatabase(url, async (client) => {
      await client.query('begin');
      // A transaction id of its own: it holds back every snapshot's xmin, in all databases of the cluster.
      await client.query('select pg_current_xact_id()');
      await delay(forMs);
      await client.query('rollback');
    });
    return `for ${forMs} ms`;
  } catch (error) {
    return `broken off: ${String(error)}`;
  }
}

/** Takes connections until there are none, and gives them back. How many there were. */
async function takeAllConnections(url: string, forMs: number): Promise<number> {
  const taken: pg.Client[] = [];
  const until = Date.now() + forMs;
  try {
    while (Date.now() < until) {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
      client.on('error', () => {}); // another fault may end it
      const isTaken = await client.connect().then(
        () => true,
        () => false,
      );
      if (isTaken) taken.push(client);
      else await delay(50); // whoever loses one meanwhile finds it taken
    }
  } finally {
    await Promise.all(taken.map((client) => client.end().catch(() => {})));
  }
  return taken.length;
}

/** A transaction that does nothing more, for a while. */
async function hold(system: System, statements: string[], forMs: number): Promise<string> {
  try {
    await onDatabase(system.databaseUrl, async (client) => {
      for (const statement of statements) await client.query(statement);
      await delay(forMs);
      await client.query('rollback');
    });
    return `for ${forMs} ms`;
  } catch (error) {
    return `broken off: ${String(error)}`;
  }
}

/** Every directory is sent users whose bodies end in the middle, by FIN and by RST in turn. None of them may be heard of. */
async function abortRequests({ system, targets }: Scene, { everyMs, forMs }: { everyMs: number; forMs: number }): Promise<number> {
  let sent = 0;
  for (const until = Date.now() + forMs; Date.now() < until; await delay(everyMs)) {
    const target = targets[sent % targets.length];
    const url = system.brokers.urls[sent % system.brokers.urls.length];
    if (!target || url === undefined) break;
    const json = JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `aborted-${sent}` });
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) }).on('error', () => {});
    const cut = sent % 2 === 0 ? () => socket.end() : () => !socket.destroyed && resetConnection(socket);
    socket.write(
      `POST /scim/v2/${target.id}/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${target.token}\r\n` +
        `Content-Type: application/scim+json\r\nContent-Length: ${json.length}\r\n\r\n${json.slice(0, 60)}`,
      (error) => void (error ?? setTimeout(cut, sent % 7)),
    );
    sent += 1;
  }
  return sent;
}

function chosen(from: Supervised[], target: number): Supervised {
  const one = from[target % from.length];
  if (!one) throw new Error('there is no process to choose from');
  return one;
}

/** One of the endpoints that are there to the end. */
function standing({ records }: Pick<Endpoints, 'records'>, target: number): EndpointRecord {
  const one = records[target % endpointsToTheEnd];
  if (!one) throw new Error('there is no endpoint to choose from');
  return one;
}
