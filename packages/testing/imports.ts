import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './processes';

/** The source files below the named folders of the project, by their paths from there. */
export function sourceFiles(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.m?tsx?$/.test(name) && !name.split(path.sep).includes('node_modules'))
      .map((name) => path.join(folder, name)),
  );
}

/** Tests, and what only tests use: builders, named for what they build (a-broker.ts). They may import #testing and any app. */
export const isTest = (file: string) => /\.test\.ts$|\/an?-[a-z-]+\.ts$/.test(file) || file.startsWith('packages/testing/');

/** What a file imports, as it is written there: of types and of values, now or later. */
export function importsOf(file: string): string[] {
  return importsIn(readFileSync(path.join(projectFolder, file), 'utf8'));
}

/** The same, but for `import type`, of which nothing is left in what runs. */
export function valueImportsOf(file: string): string[] {
  const text = readFileSync(path.join(projectFolder, file), 'utf8');
  return importsIn(text.replace(/^(?:import|export)\s+type\b[^'";]*?\bfrom\s*'[^']+'/gm, ''));
}

export function importsIn(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const names = code.matchAll(
    /^(?:(?:import|export)\b[^'";]*?\bfrom\s*|import\s*)'([^']+)'|\b(?:import|require|require\.resolve)\('([^']+)'/gm,
  );
  return [...names].map(([, name, called]) => name ?? called ?? '');
}
