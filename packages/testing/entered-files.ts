import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'undici';
import { eventually } from './eventually';
import { projectFolder, type RunningProcess } from './processes';

/** What a process must be started with, to be asked which files it enters. */
export const inspectable = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/**
 * Asks V8 in a running process, over its inspector, which of our files a piece of work enters: those of which a function is called. A file
 * of which only a constant is read is not entered.
 */
export async function entering(process: RunningProcess): Promise<(work: () => Promise<unknown>) => Promise<string[]>> {
  const [url = ''] = await eventually(() => /ws:\/\/\S+/.exec(process.stderr()) ?? false);
  const call = await connected(url);
  await call('Profiler.enable');
  await call('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  return async (work) => {
    await call('Profiler.takePreciseCoverage'); // what was entered before
    await work();
    // What is done with an answer once it is out.
    await call('Runtime.evaluate', { expression: 'new Promise((done) => setTimeout(done, 50))', awaitPromise: true });
    return sources((await call('Profiler.takePreciseCoverage')) as Coverage);
  };
}

interface Coverage {
  result: { url: string; functions: { ranges: { count: number }[] }[] }[];
}

/** The sources of the built files that were entered. */
function sources({ result }: Coverage): string[] {
  const built = path.join(projectFolder, 'dist', path.sep);
  const files = result
    .filter(({ functions }) => functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0))
    .flatMap(({ url }) => (url.startsWith('file:') ? [fileURLToPath(url)] : []));
  return files
    .filter((file) => file.startsWith(built))
    .map((file) => file.slice(built.length).replace(/\.js$/, '.ts'))
    .sort();
}

async function connected(url: string): Promise<(method: string, params?: object) => Promise<unknown>> {
  const socket = new WebSocket(url);
  open.push(socket);
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id === undefined) return;
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  let calls = 0;
  return (method, params = {}) =>
    new Promise((resolve) => {
      waiting.set((calls += 1), resolve);
      socket.send(JSON.stringify({ id: calls, method, params }));
    });
}

const open: WebSocket[] = [];

afterAll(() => {
  for (const socket of open.splice(0)) socket.close();
});
