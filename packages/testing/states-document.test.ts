import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './processes';

const read = (file: string): string => readFileSync(path.join(projectFolder, file), 'utf8');
const named = (text: string): string[] => [...text.matchAll(/`([\w/-]+\.ts)`/g)].map(([, file = '']) => file);

test('every file that docs/states.md names is there', () => {
  const files = named(read('docs/states.md'));
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const at = file.startsWith('packages/') ? file : `packages/delivery/${file}`;
    expect([file, existsSync(path.join(projectFolder, at))]).toEqual([file, true]);
  }
});

test('docs/states.md tells of everything that can be decided', () => {
  const text = read('packages/delivery/lanes/decision.ts');
  const union = text.slice(text.indexOf('export type Decision ='), text.indexOf('const refusalsAtMost'));
  const kinds = [...union.matchAll(/kind: '(\w+)'/g)].map(([, kind]) => kind);
  expect(kinds).toHaveLength(5);
  for (const kind of kinds) expect(read('docs/states.md')).toMatch(new RegExp(`\\b${kind}\\b`));
});
