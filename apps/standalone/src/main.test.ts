import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Ending, eventually, freePort, projectFolder, type RunningProcess, startProcess } from '#testing';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) {
    // What a test has killed leaves its PostgreSQL behind; the next start, or this, ends it.
    const pid = Number.parseInt(await readFile(path.join(folder, 'postgresql', 'postmaster.pid'), 'utf8').catch(() => ''), 10);
    if (pid > 0) process.kill(pid, 'SIGKILL');
    await eventually(() => rm(folder, { recursive: true, force: true }));
  }
});

/** A DATA_DIR with mode 0700. */
async function dataDir(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-start-'));
  folders.push(folder);
  return folder;
}

/** `npm start`, from what was built, until it is ready. */
async function npmStart(folder: string, env: Record<string, string> = {}): Promise<RunningProcess> {
  const port = await freePort();
  return startProcess({
    command: ['npm', 'start'],
    env: { DATA_DIR: folder, PORT: String(port), ...env },
    ready: /^Causeway is ready\.$[\s\S]*curl[\s\S]*\n\n/m,
  });
}

/** The same, for a start that fails: how it ended and what it said. */
async function failingStart(folder: string, env: Record<string, string>): Promise<{ ending: Ending; said: string }> {
  const running = await startProcess({ command: ['npm', 'start'], env: { DATA_DIR: folder, PORT: String(await freePort()), ...env } });
  const ending = await running.ended;
  return { ending, said: running.stderr().replace(/^npm (warn|error|notice).*\n/gm, '') };
}

const curlIn = (stdout: string) => /^ {2}(curl [\s\S]*?)\n\n/m.exec(stdout)?.[1] ?? '';
const postgresPid = async (folder: string) =>
  Number.parseInt(await readFile(path.join(folder, 'postgresql', 'postmaster.pid'), 'utf8'), 10);

async function paste(command: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)('bash', ['-c', command]);
  return JSON.parse(stdout);
}

async function signIn(url: string, email: string, password: string): Promise<number> {
  const { status } = await fetch(`${url}/console/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-causeway-page': '1', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify({ email, password }),
  });
  return status;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('the very first start prints a key and a curl that works when pasted; later ones do not, and find everything', async () => {
  const folder = await dataDir();
  const first = await npmStart(folder);
  expect(first.stdout()).toMatch(/^ {2}Console {4}http:\/\/127\.0\.0\.1:\d+\/$/m);
  expect(first.stdout()).toMatch(/^ {2}API {8}http:\/\/127\.0\.0\.1:\d+\/v1$/m);
  const [, key = ''] = /^ {2}API key {4}(cwk_[\w-]{32,})$/m.exec(first.stdout()) ?? [];
  expect(await paste(curlIn(first.stdout()))).toMatchObject({ id: expect.stringMatching(/^org_/), name: 'Acme' });
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  expect(JSON.stringify(first.log())).not.toContain(key);

  const second = await npmStart(folder);
  expect(second.stdout()).not.toContain('cwk_');
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(second.stdout())?.[0] ?? '';
  const list = await fetch(`${url}/v1/organizations`, { headers: { authorization: `Bearer ${key}` } });
  expect(await list.json()).toMatchObject({ data: [{ name: 'Acme' }] });
  expect(await paste(curlIn(second.stdout()))).toBeDefined();
  await second.stop();
});

test.each([
  ['SIGTERM', 'process'],
  ['SIGINT', 'group'],
] as const)('%s to the %s ends it with 0, and PostgreSQL after the broker', async (signal, target) => {
  const folder = await dataDir();
  const running = await npmStart(folder);
  const postgres = await postgresPid(folder);
  if (target === 'group') running.signalGroup(signal);
  else running.signal(signal);
  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(isRunning(postgres)).toBe(false);
  expect(running.log().filter(({ level }) => level === 'error' || level === 'fatal' || level === 'warn')).toEqual([]);
  expect(running.log().at(-1)).toMatchObject({ msg: 'stopped' });
});

test('killed at once, with its PostgreSQL or without it, it starts again on what it had', async () => {
  const folder = await dataDir();
  const first = await npmStart(folder);
  const [, key = ''] = /(cwk_[\w-]+)/.exec(first.stdout()) ?? [];
  await first.kill();

  const second = await npmStart(folder);
  process.kill(await postgresPid(folder), 'SIGKILL');
  await second.kill();

  const third = await npmStart(folder);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(third.stdout())?.[0] ?? '';
  expect((await fetch(`${url}/v1/organizations`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
  await third.stop();
});

test('the key that it makes is readable to its owner alone, and stays the same', async () => {
  const folder = await dataDir();
  await (await npmStart(folder)).stop();
  const file = path.join(folder, 'encryption-key');
  const text = await readFile(file, 'utf8');
  expect(Buffer.from(text, 'base64')).toHaveLength(32);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await (await npmStart(folder)).stop();
  expect(await readFile(file, 'utf8')).toBe(text);
});

test('a port that is busy the first time costs no secret: the next start shows them', async () => {
  const folder = await dataDir();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const { ending } = await failingStart(folder, { PORT: typeof address === 'object' && address ? String(address.port) : '' });
  server.close();
  expect(ending).toEqual({ code: 1, signal: null });

  const running = await npmStart(folder);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stdout())?.[0] ?? '';
  const [, password = ''] = /^ {2}Password {3}(\S+)$/m.exec(running.stdout()) ?? [];
  expect(await signIn(url, 'admin@localhost', password)).toBe(200);
  expect(await paste(curlIn(running.stdout()))).toMatchObject({ name: 'Acme' });
  await running.stop();
});

test('every start says who signs in; a forgotten password is replaced while it runs and while it does not', async () => {
  const folder = await dataDir();
  const reset = async (...whose: string[]): Promise<{ code: number | null; said: string; password: string }> => {
    const command = await startProcess({
      command: ['npm', 'run', '--silent', 'reset-password', '--', ...whose],
      env: { DATA_DIR: folder },
    });
    const { code } = await command.ended;
    return { code, said: command.stderr(), password: command.stdout().trim().split('\n').at(-1) ?? '' };
  };
  expect(await reset('admin@localhost')).toMatchObject({
    code: 1,
    said: `There is no database in ${folder} (DATA_DIR), and DATABASE_URL is not set.\n`,
  });

  const first = await npmStart(folder);
  const urlOf = ({ stdout }: RunningProcess): string => /http:\/\/127\.0\.0\.1:\d+/.exec(stdout())?.[0] ?? '';
  const [, shown = ''] = /^ {2}Password {3}(\S+)$/m.exec(first.stdout()) ?? [];
  const says = /^ {2}Sign in {4}admin@localhost\n(.*\n){0,2} {2}Forgotten {2}npm run reset-password -- admin@localhost$/m;
  expect(first.stdout()).toMatch(says);
  const whileItRuns = await reset('Admin@LocalHost');
  expect(whileItRuns).toMatchObject({ code: 0, said: '' });
  expect(await signIn(urlOf(first), 'admin@localhost', shown)).toBe(401);
  expect(await signIn(urlOf(first), 'admin@localhost', whileItRuns.password)).toBe(200);
  expect(await reset('ada@example.com')).toMatchObject({
    code: 1,
    said: 'Nobody signs in to the console as ada@example.com. These do: admin@localhost.\n',
  });
  expect(await reset()).toMatchObject({ code: 1, said: 'Say whose password it is: npm run reset-password -- ada@example.com\n' });
  await first.stop();

  const whileItDoesNot = await reset('admin@localhost');
  expect(whileItDoesNot.code).toBe(0);
  const second = await npmStart(folder);
  expect(second.stdout()).toMatch(says);
  expect(second.stdout()).not.toContain('Password');
  expect(await signIn(urlOf(second), 'admin@localhost', whileItDoesNot.password)).toBe(200);
  await second.stop();
});

test.each(['standalone', 'broker', 'worker'])('a Node that is too old is one sentence (%s)', async (part) => {
  const main = path.join(projectFolder, `dist/apps/${part}/src/main.js`);
  const pretending = `Object.defineProperty(process.versions, 'node', { value: '20.18.3' }); require(${JSON.stringify(main)});`;
  const old = await startProcess({ command: [process.execPath, '-e', pretending] });
  expect(await old.ended).toEqual({ code: 1, signal: null });
  expect([old.stdout(), old.stderr()]).toEqual([
    '',
    `Causeway needs Node 20.19 or newer, and this is Node 20.18.3 (${process.execPath}).\n`,
  ]);
});

describe('what keeps it from starting is told in one sentence, and it ends with 1', () => {
  test('a port in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? String(address.port) : '';
    const { ending, said } = await failingStart(await dataDir(), { PORT: port });
    server.close();
    expect(ending).toEqual({ code: 1, signal: null });
    expect(said).toBe(`Port ${port} of 127.0.0.1 is in use: another program listens there. Stop it, or set PORT to another one.\n`);
  });

  test('a wrong setting', async () => {
    const { ending, said } = await failingStart(await dataDir(), { LOG_LEVEL: 'loud' });
    expect(ending).toEqual({ code: 1, signal: null });
    expect(said).toBe('LOG_LEVEL holds "loud", and should hold one of fatal, error, warn, info, debug, trace.\n');
  });

  test('a database that is not there', async () => {
    const port = await freePort();
    const { ending, said } = await failingStart(await dataDir(), {
      DATABASE_URL: `postgres://causeway:hunter2@127.0.0.1:${port}/causeway`,
    });
    expect(ending).toEqual({ code: 1, signal: null });
    expect(said).toBe(`The database "causeway" at 127.0.0.1:${port} (DATABASE_URL) cannot be used: nothing listens there.\n`);
  });

  test('a DATA_DIR that another one runs on, which goes on', async () => {
    const folder = await dataDir();
    const first = await npmStart(folder);
    const { ending, said } = await failingStart(folder, {});
    expect(ending).toEqual({ code: 1, signal: null });
    expect(said).toMatch(/^Causeway already runs on .* \(process \d+\); stop it first, or set another DATA_DIR and PORT\.\n$/);
    expect(await paste(curlIn(first.stdout()))).toMatchObject({ name: 'Acme' });
    await first.stop();
  });

  test('a DATA_DIR that is a file', async () => {
    const file = path.join(await dataDir(), 'file');
    await writeFile(file, '');
    const { ending, said } = await failingStart(file, {});
    expect(ending).toEqual({ code: 1, signal: null });
    expect(said).toContain(`${file} (DATA_DIR) cannot be used: `);
  });

  test('an encryption key that was damaged', async () => {
    const folder = await dataDir();
    await writeFile(path.join(folder, 'encryption-key'), 'rubbish');
    const { ending, said } = await failingStart(folder, {});
    expect(ending).toEqual({ code: 1, signal: null });
    expect(said).toBe(
      `${path.join(folder, 'encryption-key')} does not hold an encryption key (32 bytes in base64). Bring it back from a backup, or set ENCRYPTION_KEY.\n`,
    );
  });
});
