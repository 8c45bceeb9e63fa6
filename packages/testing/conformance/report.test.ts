/** docs/conformance.md, the clauses and the names of the tests say the same: without running any of them. */
import { readFileSync } from 'node:fs';
import { clauseGroups, properties } from './clauses';
import { namedTests, type Outcome, recordings, report, reportFile, sources, withoutResults } from './report';

const clauses = clauseGroups.flatMap((group) => Object.keys(group.clauses));
const tests = namedTests();

test('every clause has a test over HTTP that bears its name', () => {
  const overHttp = tests.filter(({ file }) => file.startsWith('apps/broker/src/scim/conformance/'));
  expect(clauses.filter((clause) => !overHttp.some((one) => one.clauses.includes(clause)))).toEqual([]);
});

test('every clause that a test names is one', () => {
  expect(tests.filter((one) => !one.clauses.every((clause) => clauses.includes(clause)))).toEqual([]);
});

test('every property is a test', () => {
  const text = sources();
  expect(Object.keys(properties).filter((title) => !text.includes(title))).toEqual([]);
});

test('docs/conformance.md is of these clauses, tests, recordings and properties; npm run conformance writes it', () => {
  const written = readFileSync(reportFile, 'utf8');
  expect(withoutResults(written)).toEqual(withoutResults(report([])));
  expect(written.split('\n').filter((line) => /\*\*\d+ of \d+\*\*/.test(line))).toEqual([]);
});

test('a test counts for the clauses that its name begins with, and a case for its table', () => {
  const named = tests.find(({ title }) => title === 'a body of … is refused with 415');
  const outcome = (name: string, passed: boolean): Outcome => ({ file: named?.file ?? '', names: [name], passed });
  const lines = report([
    outcome('G2 a body of text/plain is refused with 415', true),
    outcome('G2 a body of multipart/form-data; boundary=x is refused with 415', false),
  ]).split('\n');
  expect(lines).toContainEqual(expect.stringMatching(/^- \*\*G2\*\* .*: \*\*1 of 2\*\*\.$/));
  expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain('a body of … is refused with 415 ×2');
  expect(
    report([])
      .split('\n')
      .filter((line) => line.startsWith('| google |')),
  ).toHaveLength(recordings().filter(({ idp }) => idp === 'google').length);
});
