import { type Profiler, Session } from 'node:inspector/promises';
import path from 'node:path';
import { projectFolder } from './processes';

/**
 * How often functions of ours were called while `work` ran, by file: what a machine's load does not change. What V8 does by itself, such as
 * sorting or a regular expression, is not counted, but what it calls back is.
 *
 *     const calls = await callsOf(() => parseFilter(text));
 */
export async function callsOf(work: () => unknown): Promise<Map<string, number>> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await work();
    return byFile(await session.post('Profiler.takePreciseCoverage'));
  } finally {
    await session.post('Profiler.stopPreciseCoverage');
    session.disconnect();
  }
}

/** The same as one number, of files whose path begins with one of `folders`. */
export async function countCalls(work: () => unknown, ...folders: string[]): Promise<number> {
  let sum = 0;
  for (const [file, calls] of await callsOf(work)) if (folders.some((folder) => file.startsWith(folder))) sum += calls;
  return sum;
}

/** Scripts are known by where they came from; jest's are the sources themselves. */
function byFile({ result }: Profiler.TakePreciseCoverageReturnType): Map<string, number> {
  const calls = new Map<string, number>();
  for (const { url, functions } of result) {
    const file = path.relative(projectFolder, url.replace(/^file:\/\//, ''));
    const count = functions.reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
    if (count > 0 && !/^(\.\.|node:|node_modules\/)/.test(file)) calls.set(file, (calls.get(file) ?? 0) + count);
  }
  return calls;
}
