/** The rules of a mapping, where a user is written: who is let in, and what is said of it. */
import { createHash } from 'node:crypto';
import { type Address, eachOnce, emailElsewhere, foreignDomains, type Mapping, type Problem, problemError } from '#mapping';
import { foldName, type Resource, ScimError } from '#scim';
import type { MappedProfile } from '../resource/mapped-user';
import type { Policy } from '../rules/policy';
import { prepared, type Queryable } from '#postgres';
import { namedAddresses } from '../resource/profile';
import type { DirectoryTransaction } from '../writing/transaction';

/** Told a sentence about a write that was let through all the same. */
export type TakeNote = (note: string) => void;

/**
 * Refuses a user who breaks a rule whose action is `reject`, and notes the rest.
 *
 * Whoever is inactive after the write is never refused, whatever else it changes: somebody who was fired can always be switched
 * off, and is looked at when they are to come in again.
 *
 * @throws ScimError that names the attributes as they were sent, and what would be right.
 */
export async function admit(
  tx: DirectoryTransaction,
  policy: Policy,
  user: MappedProfile & { resource: Resource },
  note: TakeNote,
): Promise<void> {
  const problems = [...user.problems, ...foreignDomains(policy.mapping, namedAddresses(user.resource), policy.domains)];
  if (user.profile.active) problems.push(...(await elsewhere(tx, policy.mapping, user.resource)));
  const refused = user.profile.active ? problems.filter(({ action }) => action === 'reject') : [];
  if (refused.length > 0) throw refusalOf(refused);
  for (const problem of problems) {
    if (problem.action !== 'ignore') note(`let through: ${problemError(problem).detail}`);
  }
}

const sentencesAtMost = 5;

/** One error of several: an IT admin who can put all of it right at once need not wait for the next round to see what else there is. */
function refusalOf(problems: Problem[]): ScimError {
  const errors = problems.map(problemError);
  const { status, scimType } = errors[0] ?? new ScimError(400, 'invalidValue', '');
  const details = errors.filter((error) => error.status === status).map(({ detail }) => detail);
  const more = details.length > sentencesAtMost ? [`And ${details.length - sentencesAtMost} more.`] : [];
  return new ScimError(status, scimType, [...details.slice(0, sentencesAtMost), ...more].join(' '));
}

/** What there is to say of the addresses of a user who is to be active: which of them are so in another organization. */
async function elsewhere(tx: DirectoryTransaction, mapping: Mapping, resource: Resource): Promise<Problem[]> {
  if (mapping.rules.email_elsewhere === 'ignore') return [];
  const emails = namedAddresses(resource);
  const keys = [...new Set(emails.map(({ value }) => foldName(value)))];
  if (keys.length === 0) return [];
  // Two organizations may claim one address at the same moment, and neither would see the other's user. So whoever asks holds the
  // address until the commit, and the later one asks when the earlier one's answer is there to be seen. Who does not ask need not
  // be waited for: the rules of their directory let them have it. All take an address after their directory and the addresses in
  // one order, so nobody waits in a circle.
  const locks = keys.map((key) => addressLock(tx.directory.environmentId, key)).sort((a, b) => (a < b ? -1 : 1));
  const held = tx.read(lockAddresses, [locks.map(String)]);
  const found = await tx.read(heldElsewhere, [tx.directory.environmentId, tx.directory.organizationId, keys]);
  await held;
  return problemsElsewhere(mapping, emails, new Set(found.map(({ key }) => key)));
}

const lockAddresses = prepared(
  'lock_addresses',
  `
  select pg_advisory_xact_lock(a.lock)
    from unnest($1::bigint[]) with ordinality as a (lock, n)
   order by a.n`,
);

/** 64 bits of a hash: two addresses that share a lock wait for each other, and nothing else comes of it. */
function addressLock(environmentId: string, key: string): bigint {
  return createHash('sha256').update(`${environmentId} ${key}`).digest().readBigInt64BE();
}

const heldElsewhere = prepared<{ key: string }>(
  'addresses_held_elsewhere',
  `
  select k.key
    from unnest($3::text[]) as k (key)
   where exists (select 1
                   from users u
                   join directories d on d.id = u.directory_id and d.deleted_at is null
                  where u.environment_id = $1
                    and u.organization_id <> $2
                    and u.active
                    and u.email_keys @> array[k.key])`,
);

/** Which of some addresses belong to an active user of another organization, as things stand; nothing is locked. */
export async function addressesElsewhere(
  db: Queryable,
  organization: { environmentId: string; organizationId: string },
  keys: string[],
): Promise<Set<string>> {
  if (keys.length === 0) return new Set();
  const rows = await heldElsewhere.run(db, [organization.environmentId, organization.organizationId, keys]);
  return new Set(rows.map(({ key }) => key));
}

/** `taken`: folded addresses. */
export function problemsElsewhere(mapping: Mapping, emails: Address[], taken: ReadonlySet<string>): Problem[] {
  return eachOnce(emails)
    .filter(({ value }) => taken.has(foldName(value)))
    .map((email) => emailElsewhere(mapping, email));
}
