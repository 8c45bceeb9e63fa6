/**
 * The floor: what one would write in an afternoon. It looks the token up, runs one transaction and answers; it validates nothing,
 * knows no dialect, keeps no request log, and its events have no order. A server that does more can be judged by how near it comes.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';
import pg from 'pg';

const tables = `
  create table floor_tokens (hash bytea primary key, directory_id uuid not null);
  create table floor_users (
    directory_id uuid not null, id uuid not null, user_name text not null, resource json not null,
    primary key (directory_id, id), unique (directory_id, user_name)
  );
  create table floor_groups (directory_id uuid not null, id uuid not null, resource json not null, primary key (directory_id, id));
  create table floor_members (group_id uuid not null, member_id uuid not null, primary key (group_id, member_id));
  create table floor_events (id bigint generated always as identity primary key, directory_id uuid not null, type text not null, data json not null, at timestamptz not null default now())`;

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });

async function main(): Promise<void> {
  await pool.query(tables);
  const directories: { id: string; token: string }[] = [];
  for (let i = 0; i < Number(process.env.DIRECTORIES ?? 1); i += 1) {
    const [id, token] = [randomUUID(), randomUUID()];
    await pool.query('insert into floor_tokens (hash, directory_id) values ($1, $2)', [hash(token), id]);
    directories.push({ id, token });
  }

  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use(express.json({ type: () => true, limit: '16mb' }));
  app.use('/:directory', async (req, res, next) => {
    const { rows } = await run('token', 'select directory_id from floor_tokens where hash = $1', [
      hash(req.headers.authorization?.slice('Bearer '.length) ?? ''),
    ]);
    if (rows[0]?.directory_id !== req.params.directory) return void res.status(401).json({});
    next();
  });
  app.post('/:directory/Users', createUser);
  app.get('/:directory/Users', findUsers);
  app.get('/:directory/Users/:id', readUser);
  app.patch('/:directory/Users/:id', patchUser);
  app.put('/:directory/Users/:id', putUser);
  app.post('/:directory/Groups', createGroup);
  app.patch('/:directory/Groups/:id', patchGroup);
  app.put('/:directory/Groups/:id', putGroup);
  const server = app.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, directories }));
  });
}

async function createUser(req: Request, res: Response): Promise<void> {
  const { directory } = req.params;
  const user = { ...req.body, id: randomUUID() };
  await transaction(async (client) => {
    await client.query({
      name: 'create',
      text: 'insert into floor_users (directory_id, id, user_name, resource) values ($1, $2, $3, $4)',
      values: [directory, user.id, user.userName, user],
    });
    await event(client, directory, 'user.created', { user });
  });
  res.status(201).json(user);
}

async function findUsers(req: Request, res: Response): Promise<void> {
  const { directory } = req.params;
  const { filter } = req.query;
  const [, userName] = /^userName eq "(.*)"$/.exec(typeof filter === 'string' ? filter : '') ?? [];
  if (userName !== undefined) {
    const { rows } = await run('match', 'select resource from floor_users where directory_id = $1 and user_name = $2', [
      directory,
      userName,
    ]);
    return void res.json({ totalResults: rows.length, Resources: rows.map((row) => row.resource) });
  }
  const { rows } = await run('list', 'select resource from floor_users where directory_id = $1 order by id limit $2 offset $3', [
    directory,
    Number(req.query.count ?? 100),
    Number(req.query.startIndex ?? 1) - 1,
  ]);
  const {
    rows: [all],
  } = await run('count', 'select count(*)::int as total from floor_users where directory_id = $1', [directory]);
  res.json({ totalResults: all?.total, Resources: rows.map((row) => row.resource) });
}

async function readUser(req: Request, res: Response): Promise<void> {
  const {
    rows: [row],
  } = await run('read', 'select resource from floor_users where directory_id = $1 and id = $2', [req.params.directory, req.params.id]);
  res.status(row ? 200 : 404).json(row?.resource ?? {});
}

async function patchUser(req: Request, res: Response): Promise<void> {
  await changeUser(req, res, (before) => {
    for (const { path, value } of req.body.Operations) before[path] = value;
    return before;
  });
}

async function putUser(req: Request, res: Response): Promise<void> {
  await changeUser(req, res, () => ({ ...req.body, id: req.params.id }));
}

async function changeUser(req: Request, res: Response, change: (before: Record<string, unknown>) => object): Promise<void> {
  const { directory, id } = req.params;
  const user = await transaction(async (client) => {
    const {
      rows: [row],
    } = await client.query({
      name: 'lock',
      text: 'select resource from floor_users where directory_id = $1 and id = $2 for update',
      values: [directory, id],
    });
    const after = change(row.resource);
    await client.query({
      name: 'update',
      text: 'update floor_users set resource = $3 where directory_id = $1 and id = $2',
      values: [directory, id, after],
    });
    await event(client, directory, 'user.updated', { user: after });
    return after;
  });
  res.json(user);
}

async function createGroup(req: Request, res: Response): Promise<void> {
  const { directory } = req.params;
  const group = { displayName: req.body.displayName, id: randomUUID() };
  await transaction(async (client) => {
    await client.query('insert into floor_groups (directory_id, id, resource) values ($1, $2, $3)', [directory, group.id, group]);
    await event(client, directory, 'group.created', { group });
  });
  res.status(201).json(group);
}

async function patchGroup(req: Request, res: Response): Promise<void> {
  const { directory, id } = req.params;
  await transaction(async (client) => {
    for (const { op, path, value } of req.body.Operations) {
      if (op === 'Add') {
        for (const member of value)
          await client.query({
            name: 'add',
            text: 'insert into floor_members (group_id, member_id) values ($1, $2) on conflict do nothing',
            values: [id, member.value],
          });
      } else {
        const [, member] = /"(.*)"/.exec(path) ?? [];
        await client.query({
          name: 'remove',
          text: 'delete from floor_members where group_id = $1 and member_id = $2',
          values: [id, member ?? value[0].value],
        });
      }
    }
    await event(client, directory, 'group.changed', { group: id, operations: req.body.Operations });
  });
  res.status(204).end();
}

async function putGroup(req: Request, res: Response): Promise<void> {
  const { directory, id } = req.params;
  const members = (req.body.members ?? []).map((member: { value: string }) => member.value);
  await transaction(async (client) => {
    await client.query({ name: 'empty', text: 'delete from floor_members where group_id = $1', values: [id] });
    await client.query({
      name: 'fill',
      text: 'insert into floor_members (group_id, member_id) select $1, unnest($2::uuid[])',
      values: [id, members],
    });
    await event(client, directory, 'group.changed', { group: id, members });
  });
  res.json({ id, displayName: req.body.displayName });
}

function run(name: string, text: string, values: unknown[]): Promise<pg.QueryResult> {
  return pool.query({ name, text, values });
}

async function event(client: pg.PoolClient, directory: unknown, type: string, data: object): Promise<void> {
  await client.query({
    name: 'event',
    text: 'insert into floor_events (directory_id, type, data) values ($1, $2, $3)',
    values: [directory, type, data],
  });
}

async function transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

void main();
