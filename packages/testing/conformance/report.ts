/** docs/conformance.md: which test shows which clause, recording and property, and how it came out. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Tolerance, tolerances } from '../../scim/tolerances';
import { clauseGroups, properties } from './clauses';

/** One test of a run: its own name behind those of the blocks around it. */
export interface Outcome {
  /** Relative to the project's folder. */
  file: string;
  names: readonly string[];
  passed: boolean;
}

/** A test's name as it stands in the source, where a table of cases leaves gaps in it. */
export interface NamedTest {
  file: string;
  clauses: readonly string[];
  /** Without its clauses. */
  title: string;
  /** What the names of its cases look like. */
  pattern: RegExp;
}

interface Recording {
  name: string;
  idp: string;
  tolerance?: Tolerance;
}

const projectFolder = path.join(__dirname, '..', '..', '..');
const overHttp = 'apps/broker/src/scim/conformance';
const recordingsReplayed = `${overHttp}/recordings.test.ts`;

/** Where clauses are tested: over HTTP, in the protocol's own package, and in SQL. */
export const testFolders = [
  overHttp,
  'packages/scim',
  'packages/directory/reading/search.test.ts',
  'packages/directory/reading/generated-filters.test.ts',
];

export const reportFile = path.join(projectFolder, 'docs', 'conformance.md');

const known = clauseGroups.flatMap(({ clauses }) => Object.keys(clauses));

export function report(outcomes: readonly Outcome[]): string {
  const tests = namedTests();
  const red = outcomes.filter(({ passed }) => !passed).length;
  return `${[
    '# Conformance',
    '',
    'What is asked of a SCIM service provider, clause by clause and dialect by dialect, and the tests that show it. Made by `npm run conformance`',
    'from a run of these tests: do not edit it. A test of the suite fails where this file and the tests no longer name the same. Nearly all of them',
    'speak HTTP to a started broker on a real database; those in `packages/scim` ask the protocol alone.',
    '',
    `${outcomes.length} tests, ${red === 0 ? 'all passed' : `**${red} failed**`}.`,
    ...clauseGroups.flatMap(({ title, source, clauses }) => [
      '',
      `## ${title}`,
      '',
      `${source}.`,
      '',
      ...Object.keys(clauses).flatMap((clause) => clauseItem(clause, clauses[clause] ?? '', tests, outcomes)),
    ]),
    '',
    '## Generated cases',
    '',
    ...Object.keys(properties).flatMap((title) => propertyItem(title, outcomes)),
    '',
    '## Dialects',
    '',
    'Exchanges of identity providers, each replayed over HTTP from an empty directory with the events that it makes (`packages/scim/recordings`).',
    '',
    '| identity provider | exchange | result | needs |',
    '| --- | --- | --- | --- |',
    ...recordings().map((recording) => recordingRow(recording, outcomes)),
    '',
    '## Tolerances',
    '',
    'What is taken although the RFCs do not have it (`packages/scim/tolerances.ts`).',
    '',
    ...Object.entries(tolerances).flatMap(([name, { what, seen }]) => {
      const needing = recordings().filter(({ tolerance }) => tolerance === name);
      return laidOut(`- **${name}** ${text(what)} Seen at ${text(seen)}: ${counted(outcomesOf(needing, outcomes))}.`, '  ');
    }),
    '',
    ...[...new Set(tests.map(({ file }) => file))].sort().map((file) => `[${label(file)}]: ../${file}`),
  ].join('\n')}\n`;
}

/** Its items and rows, one each, without results and counts, which only a run can tell. */
export function withoutResults(report: string): string[] {
  return report
    .split(/\n(?=\s*- |\||\[|#|\n)/)
    .map((item) => item.replaceAll(/\s+/g, ' ').trim())
    .filter((item) => /^[-|[]/.test(item))
    .map((item) => item.replaceAll(/ ×\d+/g, '').replaceAll(/(: |\| )(\d+ of \d+|\*\*\d+ of \d+\*\*)(?=\.| \|)/g, '$1'));
}

function clauseItem(clause: string, what: string, tests: readonly NamedTest[], outcomes: readonly Outcome[]): string[] {
  const showing = tests.filter(({ clauses }) => clauses.includes(clause));
  const cases = showing.map((one) => outcomes.filter((outcome) => isOf(outcome, one)));
  const files = [...new Set(showing.map(({ file }) => file))];
  const shownBy = files.flatMap((file) => {
    const titles = showing.flatMap((one, i) =>
      one.file === file ? [`${text(one.title)}${(cases[i]?.length ?? 0) > 1 ? ` ×${cases[i]?.length}` : ''}`] : [],
    );
    return laidOut(`  - [${label(file)}]: ${titles.join('; ')}`, '    ');
  });
  return [...laidOut(`- **${clause}** ${text(what)}: ${counted([...new Set(cases.flat())])}.`, '  '), ...shownBy];
}

function propertyItem(title: string, outcomes: readonly Outcome[]): string[] {
  const pattern = patternOf(title);
  const cases = outcomes.filter(({ names }) => names.some((name) => pattern.test(name)));
  return laidOut(`- ${text(title)} (${text(properties[title] ?? '')}): ${counted(cases)}.`, '  ');
}

/** What a file is called here; its link stands at the end. */
function label(file: string): string {
  const name = path.basename(file, '.test.ts');
  return file.startsWith(overHttp) ? name : `${file.split('/')[1]}/${name}`;
}

/** In lines that a diff can show. */
function laidOut(item: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of item.trimStart().split(/\s+/)) {
    // A line that began with one of these would be an item of its own.
    const mayBegin = !/^([-+*>#|]+|\d+[.)])$/.test(word);
    if (line !== '' && mayBegin && line.length + 1 + word.length > 150) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? `${/^\s*/.exec(item)?.[0] ?? ''}${word}` : `${line} ${word}`;
  }
  return [...lines, line];
}

function recordingRow(recording: Recording, outcomes: readonly Outcome[]): string {
  return `| ${recording.idp} | ${cell(recording.name)} | ${counted(outcomesOf([recording], outcomes))} | ${recording.tolerance ?? ''} |`;
}

function outcomesOf(replayed: readonly Recording[], outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(
    ({ file, names }) =>
      file === recordingsReplayed && replayed.some(({ idp, name }) => names.some((one) => one.endsWith(` ${idp}: ${name}`))),
  );
}

function counted(cases: readonly Outcome[]): string {
  const green = cases.filter(({ passed }) => passed).length;
  return green === cases.length && green > 0 ? `${green} of ${cases.length}` : `**${green} of ${cases.length}**`;
}

function cell(words: string): string {
  return text(words).replaceAll('|', '\\|');
}

function text(words: string): string {
  return words.replaceAll('<', '&lt;');
}

// ── What the tests are called ──────────────────────────────────────────────────────────────────

/** The tests, and blocks of tests, whose names begin with clauses. */
export function namedTests(): NamedTest[] {
  return testFiles().flatMap((file) => {
    const titles = [
      ...readFileSync(path.join(projectFolder, file), 'utf8').matchAll(
        /\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g,
      ),
    ].map(([, single, double, template]) => single ?? double ?? template ?? '');
    return [...new Set(titles)].flatMap((whole) => {
      const { clauses, title } = clausesIn(whole);
      return clauses.length === 0
        ? []
        : [{ file, clauses, title: title.replaceAll(/\\(.)/g, '$1').replaceAll(gap, '…'), pattern: patternOf(whole) }];
    });
  });
}

/** The test files' text, to look for the names of tests that are of no clause. */
export function sources(): string {
  return testFiles()
    .map((file) => readFileSync(path.join(projectFolder, file), 'utf8'))
    .join('\n');
}

/** `P1, §22 a PATCH …` is of two clauses. An id that no clause has is given as it is, for somebody to complain. */
export function clausesIn(name: string): { clauses: string[]; title: string } {
  const clauses: string[] = [];
  let rest = name;
  for (;;) {
    const [whole = '', id = ''] =
      new RegExp(`^((?:[GDCRFSAUP]\\d{1,2}|§\\d+(?:\\.\\d+)?|${known.filter((one) => /^[a-z]/.test(one)).join('|')}))(?:, |: | |$)`).exec(
        rest,
      ) ?? [];
    if (id === '') return { clauses, title: rest };
    clauses.push(id);
    rest = rest.slice(whole.length);
    if (!whole.endsWith(', ')) return { clauses, title: rest };
  }
}

const gap = /%[sdifjop#]|\$\{[^}]*\}|\$\w+/g;

function patternOf(title: string): RegExp {
  const plain = title.replaceAll(/\\(.)/g, '$1');
  return new RegExp(
    `^${plain
      .split(gap)
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[\\s\\S]*')}$`,
  );
}

function isOf({ file, names }: Outcome, test: NamedTest): boolean {
  return file === test.file && names.some((name) => test.pattern.test(name));
}

function testFiles(): string[] {
  return testFolders.flatMap((folder) =>
    folder.endsWith('.ts')
      ? [folder]
      : readdirSync(path.join(projectFolder, folder))
          .filter((name) => name.endsWith('.test.ts'))
          .sort()
          .map((name) => `${folder}/${name}`),
  );
}

export function recordings(): Recording[] {
  const folder = path.join(projectFolder, 'packages', 'scim', 'recordings');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Recording);
}
