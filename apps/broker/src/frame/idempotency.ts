import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { Keyring } from '#credential';
import { prepared } from '#postgres';
import { Problem } from './errors';

/** An answer as it goes over the wire. */
export interface WireAnswer {
  status: number;
  contentType: string | undefined;
  text: string;
}

export interface KeyedCall {
  environmentId: string;
  /** The header Idempotency-Key. */
  key: string;
  method: string;
  path: string;
  body: unknown;
}

/**
 * Answers a call under an Idempotency-Key: the first time by `work`, and for 24 hours after by what that answered, so that a
 * client that heard nothing can simply ask again. While the first is under way its twin is refused; so is the key on another
 * call. Where `work` throws, nothing is kept and the key is free again.
 *
 * A process that died under way leaves its claim behind. After a minute, which no request lives to see, the claim is void.
 */
export async function answerOnce(
  pool: Pool,
  keyring: Keyring,
  call: KeyedCall,
  work: () => Promise<WireAnswer>,
): Promise<WireAnswer & { replayed: boolean; notKept?: unknown }> {
  const hash = hashOf(call);
  const claim = await claimOrAnswer(pool, keyring, call, hash);
  if (claim.kind === 'answered') return { ...claim.answer, replayed: true };

  let answer: WireAnswer;
  try {
    answer = await work();
  } catch (error) {
    await release(pool, call, claim.claimedAt);
    throw error;
  }
  try {
    await keep(pool, keyring, call, claim.claimedAt, answer);
  } catch (notKept) {
    // It has been done: saying otherwise would make the caller do it twice.
    return { ...answer, replayed: false, notKept };
  }
  return { ...answer, replayed: false };
}

/** What is in the header Idempotency-Key. @throws Problem 400 for what cannot be one. */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new Problem('invalid_request', 'Idempotency-Key: must be 1 to 255 visible ASCII characters without spaces');
}

const deleteOldAnswers = prepared(
  'delete_old_answers',
  `
  delete from idempotency_keys
   where created_at < now() - interval '24 hours'`,
);

/** Deletes the answers that are no longer promised. Returns how many. */
export async function forgetOldAnswers(pool: Pool): Promise<number> {
  return deleteOldAnswers.change(pool, []);
}

const claimKey = prepared<{ claimed_at: string }>(
  'claim_idempotency_key',
  `
  insert into idempotency_keys as k (environment_id, key, request_hash, created_at)
  values ($1, $2, $3, clock_timestamp())
  on conflict (environment_id, key) do update
     set request_hash = excluded.request_hash,
         created_at = excluded.created_at,
         status = null,
         response = null
   where k.created_at < now() - interval '24 hours'
      or (k.response is null and k.created_at < now() - interval '60 seconds')
  returning created_at::text as claimed_at`,
);

const selectAnswer = prepared<{ request_hash: Buffer; status: number | null; response: Buffer | null }>(
  'find_idempotency_key',
  `
  select request_hash, status, response
    from idempotency_keys
   where environment_id = $1
     and key = $2`,
);

async function claimOrAnswer(
  pool: Pool,
  keyring: Keyring,
  call: KeyedCall,
  hash: Buffer,
): Promise<{ kind: 'claimed'; claimedAt: string } | { kind: 'answered'; answer: WireAnswer }> {
  // Between the two statements another process may release its claim; then the claim is there to be had.
  for (let round = 0; round < 5; round++) {
    // As text: a Date would round the microseconds off, by which a claim knows itself.
    const [mine] = await claimKey.run(pool, [call.environmentId, call.key, hash]);
    if (mine) return { kind: 'claimed', claimedAt: mine.claimed_at };

    const [row] = await selectAnswer.run(pool, [call.environmentId, call.key]);
    if (!row) continue;
    if (!row.request_hash.equals(hash)) {
      throw new Problem('idempotency_key_reused', 'within the last 24 hours this Idempotency-Key came with another path or body');
    }
    if (row.status === null || row.response === null) break;
    return { kind: 'answered', answer: { status: row.status, ...opened(keyring, call, row.response) } };
  }
  throw new Problem('idempotency_key_in_use', 'the first request with this Idempotency-Key is still under way', {
    headers: { 'Retry-After': '1' },
  });
}

const keepAnswer = prepared(
  'keep_idempotent_answer',
  `
  update idempotency_keys
     set status = $4,
         response = $5
   where environment_id = $1
     and key = $2
     and created_at = $3::timestamptz
     and response is null`,
);

async function keep(pool: Pool, keyring: Keyring, call: KeyedCall, claimedAt: string, answer: WireAnswer): Promise<void> {
  const { contentType, text } = answer;
  await keepAnswer.run(pool, [
    call.environmentId,
    call.key,
    claimedAt,
    answer.status,
    keyring.encrypt(JSON.stringify({ contentType, text }), contextOf(call)),
  ]);
}

const releaseKey = prepared(
  'release_idempotency_key',
  `
  delete from idempotency_keys
   where environment_id = $1
     and key = $2
     and created_at = $3::timestamptz
     and response is null`,
);

async function release(pool: Pool, call: KeyedCall, claimedAt: string): Promise<void> {
  await releaseKey.run(pool, [call.environmentId, call.key, claimedAt]);
}

function opened(keyring: Keyring, call: KeyedCall, sealed: Buffer): Pick<WireAnswer, 'contentType' | 'text'> {
  const kept: unknown = JSON.parse(keyring.decrypt(sealed, contextOf(call)).toString());
  if (typeof kept !== 'object' || kept === null || !('text' in kept) || typeof kept.text !== 'string') {
    throw new Error('a kept answer is not of the shape that answers are kept in');
  }
  return { text: kept.text, contentType: 'contentType' in kept && typeof kept.contentType === 'string' ? kept.contentType : undefined };
}

function contextOf(call: KeyedCall): string {
  return `idempotent_answer:${call.environmentId}:${call.key}`;
}

function hashOf({ method, path, body }: KeyedCall): Buffer {
  return createHash('sha256')
    .update(`${method} ${path}\n${body === undefined ? '' : JSON.stringify(inOneOrder(body))}`)
    .digest();
}

// The same body may be written with its fields in another order, by a client that builds it anew for its second try.
function inOneOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOneOrder);
  if (typeof value !== 'object' || value === null) return value;
  return {
    entries: Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, inOneOrder(inner)]),
  };
}
