import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './processes';

/** An item of a list each, with the lines that go on with it. */
const attacks = readFileSync(path.join(projectFolder, 'SECURITY.md'), 'utf8')
  .split(/\n(?=- |\n)/)
  .filter((item) => item.startsWith('- '))
  .map((item) => item.replaceAll(/\s+/g, ' '));

test('every attack in SECURITY.md names the tests that show its defence, and they are there', () => {
  expect(attacks.length).toBeGreaterThanOrEqual(30);
  for (const attack of attacks) {
    const [, shownBy = ''] = attack.split(' Shown by ');
    const tests = [...shownBy.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    expect([attack, tests.length > 0]).toEqual([attack, true]);
    for (const file of tests) expect([file, file.endsWith('.test.ts') && existsSync(path.join(projectFolder, file))]).toEqual([file, true]);
  }
});
