/**
 * `npm run rewind`: to be run once after the database was set back (restored to a point in time, or a standby promoted with loss), before
 * events are read again. Cursors of the time before then answer 409 `feed_rewound` with the cursor to go on from.
 */
import '../../../packages/runtime/node-version';
import { rewindFeeds } from '#directory';
import { checkDatabase, createPool, loadDatabaseConfig } from '#runtime';

async function rewind(): Promise<void> {
  const { databaseUrl } = loadDatabaseConfig(process.env);
  await checkDatabase(databaseUrl);
  const pool = createPool(databaseUrl, { max: 1, applicationName: 'causeway rewind', onError: () => {} });
  try {
    const environments = await rewindFeeds(pool);
    process.stdout.write(`A new epoch has begun in ${environments} environments. Start the brokers and workers again.\n`);
  } finally {
    await pool.end();
  }
}

rewind().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
