/** jest.config.ts has two projects: tests that need no database wait for none. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './processes';
import { redisUrl, testDatabase } from './test-database';

test('a test of the project without a database that asks for one is told where it is listed', async () => {
  await expect(testDatabase()).rejects.toThrow(
    /projects\.test\.ts is one of the project "pure" in jest\.config\.ts, which has no database/,
  );
  expect(() => redisUrl()).toThrow('take it off the list there');
});

test('a test that needs no database is in the project that waits for none, and each is in one of the two', () => {
  const [pure, database] = [filesOf('pure'), filesOf('database')];
  expect(database.filter((file) => !mayNeedServers(file)).map((file) => `add ${file} to "pure" in jest.config.ts`)).toEqual([]);
  expect(pure.filter((file) => database.includes(file))).toEqual([]);
});

function filesOf(project: string): string[] {
  const jest = [path.join('node_modules', 'jest', 'bin', 'jest.js'), '--listTests', '--selectProjects', project];
  const listed = execFileSync(process.execPath, jest, { cwd: projectFolder, encoding: 'utf8' });
  return listed
    .split('\n')
    .filter((line) => line.endsWith('.test.ts'))
    .map((file) => path.relative(projectFolder, file));
}

/** Where the run's servers are asked for, and where a test starts some of its own. */
const servers = ['packages/testing/test-database.ts', 'packages/testing/processes.ts', 'packages/runtime/embedded-postgres.ts'];

function mayNeedServers(file: string, seen = new Set<string>()): boolean {
  if (servers.includes(file)) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return importsOf(file).some((imported) => mayNeedServers(imported, seen));
}

/** The files that a file imports by their path, and those that it has names from by way of #testing. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(projectFolder, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\s+([^'";]*?)\s*\bfrom '([^']+)'/gm)].flatMap(([, names = '', from = '']) => {
    if (from === '#testing') return testingFiles(names);
    const source = path.join(path.dirname(file), `${from}.ts`);
    return from.startsWith('.') && existsSync(path.join(projectFolder, source)) ? [source] : [];
  });
}

function testingFiles(names: string): string[] {
  const index = readFileSync(path.join(projectFolder, 'packages/testing/index.ts'), 'utf8');
  return [...index.matchAll(/^export \{([^}]*)\} from '\.\/([^']+)'/gm)].flatMap(([, exported = '', from = '']) =>
    words(exported).some((name) => words(names).includes(name)) ? [`packages/testing/${from}.ts`] : [],
  );
}

const words = (text: string): string[] => (text.match(/\w+/g) ?? []).filter((word) => word !== 'type');
