/**
 * Causeway measured beside Polis and beside a floor that does nothing but what it must (floor.ts).
 *
 *     npm run bench                          everything below, one after the other
 *     npm run bench -- quick                 the same with small sizes, in minutes
 *     npm run bench -- rows [words]          each kind of request; of those whose names have one of the words
 *     npm run bench -- directories           twenty customers at once, with a webhook endpoint and a poller
 *     npm run bench -- scale [users=n]       the same request in a directory of a thousand and of a million
 *     npm run bench -- memory [requests=n]   what a process holds after a million requests
 *     npm run bench -- initial-sync [users=n] [groups=n] [memberships=n]   a customer's first day
 *     npm run bench -- deliveries            webhooks and the events API: deliveries.ts, which can do more by itself
 *
 * `alone` leaves Polis out; `rounds=`, `seconds=` and `users=` change the sizes of rows; flags of Node, such as --cpu-prof, go to the broker.
 *
 * Everybody has a process of their own and a database of their own on one embedded PostgreSQL that keeps every commit. What is
 * compared takes turns, so that whatever else the machine does falls on all alike: trust the ratios, not the numbers.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { measureDirectories } from './directories';
import { measureInitialSync } from './initial-sync';
import { measureMemory } from './memory';
import { full, measureRows, quick as small } from './rows';
import { measureScale } from './scale';
import { endAll, type Postgres, startPostgres } from './subjects';

const words = process.argv.slice(2);
const quick = words.includes('quick');
const given = Object.fromEntries(
  words
    .filter((word) => word.includes('=') && !word.startsWith('--'))
    .map((word) => word.split('='))
    .map(([name, value]) => [name, Number(value)]),
);

const parts: Record<string, (postgres: Postgres) => Promise<void>> = {
  rows: (postgres) =>
    measureRows(
      postgres,
      { ...(quick ? small : full), ...given },
      words.filter(isName),
      !words.includes('alone'),
      words.filter((word) => word.startsWith('--')),
    ),
  directories: (postgres) => measureDirectories(postgres, given.seconds ?? (quick ? 10 : 60)),
  scale: (postgres) => measureScale(postgres, [1_000, given.users ?? (quick ? 20_000 : 1_000_000)], quick ? 100 : 400),
  memory: (postgres) => measureMemory(postgres, given.requests ?? (quick ? 20_000 : 1_000_000)),
  'initial-sync': (postgres) =>
    measureInitialSync(postgres, {
      ...(quick ? { users: 500, groups: 10, memberships: 2_000 } : { users: 50_000, groups: 500, memberships: 200_000 }),
      ...given,
    }),
  deliveries: () => command('deliveries.ts', quick ? ['quick'] : []),
};

function command(file: string, flags: string[]): Promise<void> {
  const child = spawn(process.execPath, ['--import', require.resolve('tsx'), path.join(__dirname, file), ...flags], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}`))));
  });
}

function isName(word: string): boolean {
  return !(word in parts) && !['quick', 'alone'].includes(word) && !word.startsWith('--') && !word.includes('=');
}

async function main(): Promise<void> {
  const chosen = Object.keys(parts).filter((name) => words.includes(name));
  for (const name of chosen.length > 0 ? chosen : Object.keys(parts)) {
    const postgres = await startPostgres();
    try {
      await parts[name]!(postgres);
    } finally {
      await endAll();
      await postgres.stop();
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void endAll().then(() => process.exit(1)));
main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
