/** The documents can be read as a diff, and what they name is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './processes';

const widest = { line: 160, row: 200 };

const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'].concat(
  filesBelow('docs').filter((file) => file.endsWith('.md')),
);
const sources = ['apps', 'packages', 'infra'].flatMap(filesBelow);

test.each(documents)('%s has no line of more than 160 characters, and no row of a table of more than 200', (document) => {
  const tooLong = linesOf(document).flatMap((line, i) => {
    const most = line.startsWith('|') ? widest.row : widest.line;
    return line.length > most ? [`${document}:${i + 1} has ${line.length} of ${most} characters`] : [];
  });
  expect(tooLong).toEqual([]);
});

test.each(documents)('every file that %s names is there', (document) => {
  const lines = linesOf(document).filter(outsideOfFences());
  const missing = lines.flatMap((line) => filesNamed(line, path.dirname(document)).filter((file) => !isThere(file)));
  expect(missing.map((file) => `${document} names ${file}`)).toEqual([]);
});

function linesOf(document: string): string[] {
  return readFileSync(path.join(projectFolder, document), 'utf8').split('\n');
}

/** What stands between lines of ``` is for a shell, or an editor. */
function outsideOfFences(): (line: string) => boolean {
  let inside = false;
  return (line) => {
    if (line.startsWith('```')) inside = !inside;
    return !inside;
  };
}

/** Links to what is ours, and code that is a file's path or name: `packages/scim/{patch, path}.ts` is two. */
function filesNamed(line: string, folder: string): string[] {
  const links = [...line.matchAll(/\]\(([^)#\s]+)[^)]*\)|^\[[^\]]+\]: (\S+)$/g)]
    .map(([, link, defined]) => link ?? defined ?? '')
    .filter((link) => !/^[a-z]+:/.test(link) && !link.startsWith('/'))
    .map((link) => path.join(folder, link));
  const code = [...line.matchAll(/`([^`]+)`/g)].flatMap(([, span = '']) => eachOf(span));
  return [...links, ...code.filter((span) => /^(apps|packages|infra|docs|migrations)\/[^\s…*<]*$|^[\w-]+\.(ts|tsx|sql|md)$/.test(span))];
}

function eachOf(span: string): string[] {
  const [whole, before = '', names = '', after = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(span) ?? [];
  return whole === undefined ? [span] : names.split(',').map((name) => `${before}${name.trim()}${after}`);
}

/** A path from the project's folder, or a name that a file of ours has somewhere. */
function isThere(file: string): boolean {
  return existsSync(path.join(projectFolder, file)) || (!file.includes('/') && sources.some((source) => path.basename(source) === file));
}

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('node_modules'))
    .map((name) => path.join(folder, name));
}
