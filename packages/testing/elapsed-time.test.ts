import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './processes';

/** What is written to find out how long something took, and to compare it. */
const measuring =
  /\bperformance\.now\(|\bhrtime(\.bigint)?\(|\bDate\.now\(\) - \w+\)\s*\.to|[dD]uration\w*\)\s*\.(not\.)?toBe(Less|Greater)/;

test('no test compares how long something took: a busy machine would fail it, and a fast one hides what it is for', () => {
  const tests = ['packages', 'apps'].flatMap((top) =>
    readdirSync(path.join(projectFolder, top), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.test\.ts$|\/an?-[a-z-]+\.ts$/.test(name) && !name.includes('node_modules'))
      .map((name) => path.join(top, name)),
  );
  const found = tests.flatMap((file) =>
    readFileSync(path.join(projectFolder, file), 'utf8')
      .split('\n')
      .flatMap((line, i) => (measuring.test(line) ? [`${file}:${i + 1}: ${instead}`] : [])),
  );
  expect(found).toEqual([]);
});

const instead = 'count what it does (countCalls, statementsOf), wait for a condition (eventually), or measure it in infra/bench';
