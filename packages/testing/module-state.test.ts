import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isTest, sourceFiles } from './imports';
import { projectFolder } from './processes';

/** What a module may hold by itself, and why. All else that a process remembers is a value with a bound, made where it is put together. */
const allowed: { file: string; name: string; because: string }[] = [
  {
    file: 'packages/mapping/apply-mapping.ts',
    name: 'compiledMappings',
    because:
      'it is a part of the mapping and the schemas that it was worked out of, and goes with them; the package makes no values that last',
  },
  {
    file: 'packages/mapping/parse-mapping.ts',
    name: 'validate',
    because: 'a compiled schema is code',
  },
  {
    file: 'packages/identifier/index.ts',
    name: 'generator',
    because: 'the ids of a process rise: there is one order of them, wherever they are made',
  },
  {
    file: 'packages/identifier/index.ts',
    name: 'clock',
    because: 'which clock ids tell the time of is the process’ affair, and no matter of whoever needs one',
  },
];

/** Variables, and constants that begin empty or that something was made for: a Map or Set with something in it is a table. */
const state = /^(?:export )?(?:let (\w+)|const (\w+)[^=\n]*= (?:new (?!(?:Map|Set)(?:<[^(\n]*>)?\([^)])|\[\]|\{\}))/gm;

function stateIn(text: string): string[] {
  return [...text.matchAll(state)].map(([, variable, constant]) => variable ?? constant ?? '');
}

test('no module of a server holds state of its own', () => {
  const found = sourceFiles('packages', 'apps/broker', 'apps/worker', 'apps/standalone')
    .filter((file) => !isTest(file))
    .flatMap((file) => stateIn(readFileSync(path.join(projectFolder, file), 'utf8')).map((name) => `${name} in ${file}`));
  expect(found.sort()).toEqual(allowed.map(({ file, name }) => `${name} in ${file}`).sort());
});

test.each([
  ['const totals = new Map<string, number>();', ['totals']],
  ['export const totals: Map<string, { at: Date }> = new Map();', ['totals']],
  ['const limiter = new RateLimiterMemory({ points: 10 });', ['limiter']],
  ['let last = 0;\nconst waiting: string[] = [];', ['last', 'waiting']],
  ["const words = new Set(['a', 'b']);\nconst limits = { bytes: 4096 };", []],
  ['function f() {\n  const found = new Map();\n}', []],
])('%j holds %j', (text, names) => {
  expect(stateIn(text)).toEqual(names);
});
