/**
 * `npm run rewind`: to be run once after the database was set back (restored to a point in time, or a standby promoted with loss), before
 * events are read again. Cursors of the time before then answer 409 `feed_rewound` with the cursor to go on from, and every directory's log
 * goes on with `feed.rewound`.
 */
import '../../../packages/runtime/node-version';
import { rewindFeeds } from '#directory';
import { tellTimeBy } from '#identifier';
import { checkDatabase, createPool, databaseTime, ensurePartitions, loadDatabaseConfig } from '#runtime';

async function rewind(): Promise<void> {
  const { databaseUrl } = loadDatabaseConfig(process.env);
  await checkDatabase(databaseUrl);
  const pool = createPool(databaseUrl, { max: 1, applicationName: 'causeway rewind', statementTimeoutMs: 0, onError: () => {} });
  try {
    // A backup may be older than what is made ahead.
    await ensurePartitions(pool);
    const now = await databaseTime(pool);
    tellTimeBy(() => now.getTime());
    const { name, environments, directories } = await rewindFeeds(pool);
    process.stdout.write(
      `The epoch ${name} has begun in ${environments} environments, and ${directories} directories are told. Start the brokers and workers again.\n`,
    );
  } finally {
    await pool.end();
  }
}

rewind().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
