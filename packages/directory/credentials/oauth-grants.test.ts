import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { Keyring } from '#credential';
import { newId } from '#identifier';
import { testDatabase } from '#testing';
import {
  type CallingClient,
  createDirectory,
  createOAuthClient,
  createOrganization,
  grantAuthorizationCode,
  issueGrantTokens,
  refreshGrant,
  takeAuthorizationCode,
} from '../index';

const keyring = new Keyring(randomBytes(32));

async function aClient(): Promise<{ pool: Pool; client: CallingClient }> {
  const { pool } = await testDatabase();
  const environmentId = newId();
  await pool.query(`insert into environments (id, name) values ($1, 'test')`, [environmentId]);
  const organization = await createOrganization(pool, { environmentId, name: 'Acme' });
  const directory = await createDirectory(pool, { environmentId, organizationId: organization.id, provider: 'okta' });
  const made = await createOAuthClient(pool, keyring, {
    environmentId,
    directoryId: directory?.id ?? '',
    grantType: 'authorization_code',
    redirectUris: ['https://idp.example.com/'],
  });
  if (!directory || !made) throw new Error('nothing was made');
  return { pool, client: { id: made.id, directoryId: directory.id, grantType: made.grantType, redirectUris: made.redirectUris } };
}

test('of two who take a code at the same moment one has it, and the other ends it', async () => {
  const { pool, client } = await aClient();
  for (let round = 0; round < 20; round++) {
    const code = (await grantAuthorizationCode(pool, keyring, client, { redirectUri: null, codeChallenge: null }))?.code ?? '';
    const both = await Promise.all([1, 2].map(() => takeAuthorizationCode(pool, keyring, client, code)));
    expect(both.map(({ kind }) => kind).sort()).toEqual(['good', 'reused']);
    const taken = both.find((one) => one.kind === 'good');
    // Whoever has it comes too late with it as well.
    expect(taken && (await issueGrantTokens(pool, keyring, client, taken.grantId))).toBeUndefined();
  }
});

test('of many who use a refresh token at the same moment all are given the same successor, and it works', async () => {
  const { pool, client } = await aClient();
  const granted = await grantAuthorizationCode(pool, keyring, client, { redirectUri: null, codeChallenge: null });
  await takeAuthorizationCode(pool, keyring, client, granted?.code ?? '');
  let token = (await issueGrantTokens(pool, keyring, client, granted?.grantId ?? ''))?.refreshToken ?? '';
  for (let round = 0; round < 10; round++) {
    const given = await Promise.all([1, 2, 3].map(() => refreshGrant(pool, keyring, client, token)));
    const successors = new Set(given.map((one) => (one.kind === 'good' ? one.refreshToken : one.kind)));
    expect(successors.size).toBe(1);
    [token = ''] = successors;
    expect(token).toMatch(/^cwr_/);
  }
});
