/** `npm run conformance`: runs the tests of the protocol, and writes what they show into docs/conformance.md. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Outcome, report, reportFile, testFolders } from './report';

interface JestRun {
  testResults: { name: string; assertionResults: { ancestorTitles: string[]; title: string; status: string }[] }[];
}

const projectFolder = path.join(__dirname, '..', '..', '..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'causeway-conformance-'));
try {
  const results = path.join(folder, 'results.json');
  const { status } = spawnSync(
    process.execPath,
    [path.join(projectFolder, 'node_modules', 'jest', 'bin', 'jest.js'), ...testFolders, '--json', `--outputFile=${results}`],
    { cwd: projectFolder, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const { testResults } = JSON.parse(readFileSync(results, 'utf8')) as JestRun;
  const outcomes = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title, status: ended }): Outcome => ({
      file: path.relative(projectFolder, name),
      names: [...ancestorTitles, title],
      passed: ended === 'passed',
    })),
  );
  writeFileSync(reportFile, report(outcomes));
  console.log(
    `${path.relative(projectFolder, reportFile)}: ${outcomes.length} tests, ${outcomes.filter(({ passed }) => !passed).length} failed`,
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
