/**
 * `npm run reset-password -- ada@example.com`: gives somebody who signs in to the console a new password, and shows it. Works on the
 * database, whether or not Causeway runs.
 */
import '../../../packages/runtime/node-version';
import { giveNewPassword, whoSignsIn } from '#accounts';
import { ConfigError, DatabaseUnusable, loadStandaloneConfig } from '#runtime';
import { withDatabase } from './own-database';

async function main(): Promise<void> {
  const [email, ...more] = process.argv.slice(2);
  if (email === undefined || more.length > 0) throw new NobodyNamed('Say whose password it is: npm run reset-password -- ada@example.com');
  const { email: whose, password } = await withDatabase(loadStandaloneConfig(process.env), 'causeway reset-password', async (pool) => {
    const given = await giveNewPassword(pool, { email });
    if (given) return given;
    const { emails, more: others } = await whoSignsIn(pool);
    const known = emails.length === 0 ? 'Nobody does yet' : `These do: ${emails.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
    throw new NobodyNamed(`Nobody signs in to the console as ${email}. ${known}.`);
  });
  process.stdout.write(
    `${whose} signs in with this password from now on, and is signed out everywhere. Shown this once; change it in the console:\n${password}\n`,
  );
}

class NobodyNamed extends Error {}

main().catch((error: unknown) => {
  const expected = [ConfigError, DatabaseUnusable, NobodyNamed].some((kind) => error instanceof kind);
  console.error(expected && error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
