import path from 'node:path';
import { importsIn, importsOf, isTest, sourceFiles } from './imports';

/** What each file imports of the others. A type counts: who reads one of two files that name each other has to read both. */
type Graph = Map<string, string[]>;

/**
 * Each circle once, from its first file in the alphabet, by the shortest way round. Where many files hang together there may be
 * more than are told: those come out when these are opened.
 */
function circlesIn(graph: Graph): string[] {
  return [...graph.keys()]
    .sort()
    .map((file) => wayBack(graph, file))
    .filter((way): way is string[] => way !== undefined && way.every((file) => file >= (way[0] ?? '')))
    .map((way) => way.join(' → '));
}

function wayBack(graph: Graph, start: string): string[] | undefined {
  const seen = new Set<string>();
  let ways = [[start]];
  while (ways.length > 0) {
    const next: string[][] = [];
    for (const way of ways) {
      for (const target of graph.get(way.at(-1) ?? start) ?? []) {
        if (target === start) return [...way, start];
        if (seen.has(target)) continue;
        seen.add(target);
        next.push([...way, target]);
      }
    }
    ways = next;
  }
  return undefined;
}

const files = new Set(sourceFiles('packages', 'apps', 'infra'));

function fileOf(importer: string, name: string): string | undefined {
  if (name.startsWith('#')) return `packages/${name.slice(1)}/index.ts`;
  if (!name.startsWith('.')) return undefined;
  const target = path.join(path.dirname(importer), name);
  return ['', '.ts', '.tsx', '/index.ts'].map((end) => target + end).find((file) => files.has(file));
}

function graphOf(textOf: (file: string) => string[]): Graph {
  return new Map([...files].map((file) => [file, textOf(file).flatMap((name) => fileOf(file, name) ?? [])]));
}

test('no file imports itself by way of others', () => {
  const graph = graphOf(importsOf);
  expect([...graph.values()].flat().length).toBeGreaterThan(files.size);
  expect(circlesIn(graph)).toEqual([]);
});

// The rooms of what is too large for one. What lies beside them (index.ts, main.ts) puts them together.
const houses = ['packages/directory', 'packages/delivery', 'apps/broker/src'];

test.each(houses)('no room of %s is below one that is below it', (house) => {
  const roomOf = (file: string): string | undefined => {
    const [room, ...rest] = file.startsWith(`${house}/`) ? file.slice(house.length + 1).split('/') : [];
    return rest.length > 0 ? room : undefined;
  };
  const rooms: Graph = new Map();
  for (const [file, targets] of graphOf(importsOf)) {
    const room = isTest(file) ? undefined : roomOf(file);
    const others = targets.flatMap((target) => roomOf(target) ?? []).filter((other) => other !== room);
    if (room !== undefined) rooms.set(room, [...new Set([...(rooms.get(room) ?? []), ...others])]);
  }
  expect(rooms.size).toBeGreaterThan(4);
  expect(circlesIn(rooms)).toEqual([]);
});

test.each([
  ['packages/scim/attribute-names.ts', `import type { Path } from './path';`],
  ['packages/postgres/prepared.ts', `import type { ScimDirectory } from '#directory';`],
  ['apps/broker/src/frame/door.ts', `let metrics: import('./metrics').HttpMetrics;`],
  ['apps/console/src/setup/Step.tsx', `export * from './GuidePage';`],
  ['infra/bench/load.ts', `export type { Subject } from './subjects';`],
])('%s with the line %s closes one', (file, line) => {
  const graph = graphOf((each) => [...importsOf(each), ...(each === file ? importsIn(line) : [])]);
  expect(circlesIn(graph).join('\n')).toContain(file);
});

test.each([
  [`import { a } from './a';`, ['./a']],
  [`import type {\n  A,\n  B,\n} from './a';`, ['./a']],
  [`export * from './a';\nexport { b } from './b';`, ['./a', './b']],
  [`import './a';`, ['./a']],
  [`const a = await import('./a');\nlet b: import('./b').B;\nrequire('./c');`, ['./a', './b', './c']],
  [`// import './a';\n/* import './b'; */`, []],
])('%j imports %j', (text, names) => {
  expect(importsIn(text)).toEqual(names);
});
