import type { Pool } from 'pg';
import { listMembers } from '#accounts';
import type { Notice } from '#delivery';
import {
  type BrakeJson,
  type EventJson,
  type EventType,
  type ExpiringCredentialJson,
  explainRequest,
  getDirectory,
  getOrganization,
  isEventType,
  type LoggedEvent,
  readDirectoryPages,
  readEvent,
  readEvents,
} from '#directory';
import { inTransaction } from '#postgres';
import {
  advanceMailCursor,
  brakeEngagedMail,
  brakeReleasedMail,
  credentialExpiringMail,
  dueTroubles,
  endpointDisabledMail,
  endpointFailingMail,
  endpointRecoveredMail,
  endTrouble,
  environmentsWithNews,
  type FailureReason,
  type Failures,
  markTold,
  noteFailures,
  provisioningFailsMail,
  provisioningRecoveredMail,
  queueMails,
  type Trouble,
  type Words,
} from '#notify';

/** When people are told. */
export interface MailTimes {
  /** A first failure waits so long for others to be told of with it. */
  gatherMs: number;
  /** Nothing has failed for so long: it is over. Identity providers come again every 40 minutes. */
  quietMs: number;
}

export const mailTimes: MailTimes = { gatherMs: 2 * 60_000, quietMs: 90 * 60_000 };

/**
 * The third reader of the log: reads what has happened since it last looked, and writes the mails that are due by now. To be
 * called every few seconds, by any number of processes: what one of them tells is noted in the transaction that queues the mail.
 */
export async function writeMails(pool: Pool, times: MailTimes, now: Date): Promise<void> {
  for (const { environmentId, position } of await environmentsWithNews(pool)) await readNews(pool, environmentId, position);
  for (const trouble of await dueTroubles(pool, { now, ...times })) await tellTrouble(pool, trouble, now);
}

// Which events are mailed: each in a mail of its own, or digested with others of their kind.
const mailing = {
  'directory.activated': 'never',
  'directory.disabled': 'never',
  'directory.deleted': 'never',
  'user.created': 'never',
  'user.updated': 'never',
  'user.deactivated': 'never',
  'user.reactivated': 'never',
  'user.deleted': 'never',
  'group.created': 'never',
  'group.updated': 'never',
  'group.deleted': 'never',
  'group.member_added': 'never',
  'group.member_removed': 'never',
  'provisioning.failed': 'digested',
  'seats.threshold_reached': 'never',
  'seats.expanded': 'never',
  'directory.brake_engaged': 'alone',
  'directory.brake_released': 'alone',
  'credential.expiring': 'alone',
  'feed.rewound': 'never',
} as const satisfies Record<EventType, 'never' | 'alone' | 'digested'>;

type MailedAlone = { [T in EventType]: (typeof mailing)[T] extends 'alone' ? T : never }[EventType];

const told = Object.keys(mailing).filter((type) => isEventType(type) && mailing[type] !== 'never');
const pageSize = 500;

async function readNews(pool: Pool, environmentId: string, from: number): Promise<void> {
  for (let position = from; ;) {
    const { events, scannedTo, head, oldest } = await readEvents(pool, { environmentId, after: position, limit: pageSize, types: told });
    // What the log has forgotten meanwhile is too old to be told of.
    const to = Math.max(scannedTo, Math.min(oldest - 1, head));
    if (to <= position) return;
    const mails = await mailsAbout(pool, events);
    const moved = await inTransaction(pool, async (client) => {
      if (!(await advanceMailCursor(client, { environmentId, position, to }))) return false;
      await noteFailures(client, failuresIn(events));
      await queueMails(client, mails);
      return true;
    });
    if (!moved) return;
    position = to;
  }
}

function failuresIn(events: LoggedEvent[]): Failures[] {
  const byDirectory = new Map<string, Failures>();
  for (const { type, environmentId, directoryId, occurredAt, sequence } of events) {
    if (mailing[type] !== 'digested') continue;
    const known = byDirectory.get(directoryId);
    byDirectory.set(directoryId, {
      environmentId,
      directoryId,
      count: (known?.count ?? 0) + 1,
      firstAt: known?.firstAt ?? occurredAt,
      lastAt: occurredAt,
      firstSequence: known?.firstSequence ?? sequence,
      lastSequence: sequence,
    });
  }
  return [...byDirectory.values()];
}

async function mailsAbout(pool: Pool, events: LoggedEvent[]) {
  const mails = [];
  for (const logged of events) {
    if (mailing[logged.type] !== 'alone') continue;
    const readers = await readersOf(pool, logged);
    const event = readEvent(logged);
    const words = readers && isMailedAlone(event) && wordsAbout(event, readers);
    if (words) mails.push(...readers.addresses.map((to) => ({ environmentId: logged.environmentId, to, ...words })));
  }
  return mails;
}

interface Readers {
  organization: string;
  directory: string;
  provider: Parameters<typeof explainRequest>[0]['provider'];
  addresses: string[];
}

/** Who is told of a directory: the organization's contacts and the vendor's people. `undefined` where it is gone. */
async function readersOf(
  pool: Pool,
  { environmentId, directoryId }: { environmentId: string; directoryId: string },
): Promise<Readers | undefined> {
  const directory = await getDirectory(pool, { environmentId, directoryId });
  const organization = directory && (await getOrganization(pool, { environmentId, organizationId: directory.organizationId }));
  if (!directory || !organization) return undefined;
  const addresses = eachOnce([...organization.contacts, ...(await vendorsPeople(pool, environmentId))]);
  return { organization: organization.name, directory: directory.name, provider: directory.provider, addresses };
}

async function vendorsPeople(pool: Pool, environmentId: string): Promise<string[]> {
  return (await listMembers(pool, { environmentId })).map(({ email }) => email);
}

function eachOnce(addresses: string[]): string[] {
  const seen = new Set<string>();
  return addresses
    .map((address) => address.trim())
    .filter((address) => {
      const key = address.toLowerCase();
      return !seen.has(key) && seen.add(key);
    });
}

function isMailedAlone(event: EventJson): event is EventJson<MailedAlone> {
  return mailing[event.type] === 'alone';
}

function wordsAbout(event: EventJson<MailedAlone>, about: Readers): Words {
  const at = new Date(event.occurred_at);
  switch (event.type) {
    case 'directory.brake_engaged': {
      const { brake } = event.data;
      return brakeEngagedMail({ ...about, at, departures: brake.departures, activeUsers: brake.active_users, limits: limitsOf(brake) });
    }
    case 'directory.brake_released':
      return brakeReleasedMail({ ...about, at });
    case 'credential.expiring': {
      const { credential } = event.data;
      return credentialExpiringMail({
        ...about,
        credential: nameOf(credential),
        expiresAt: new Date(credential.expires_at),
        lastUsedAt: credential.last_used_at === null ? null : new Date(credential.last_used_at),
      });
    }
  }
}

function nameOf({ kind, id, name }: ExpiringCredentialJson): string {
  switch (kind) {
    case 'oauth_client':
      return `The secret of the OAuth client ${id}`;
    case 'bearer_token':
      return name === null ? 'The bearer token' : `The bearer token “${name}”`;
  }
}

function limitsOf({ max_users: users, max_percent: percent, window_seconds: seconds }: BrakeJson): string {
  const limits = [...(users === null ? [] : [`${users} users`]), ...(percent === null ? [] : [`${percent} % of the users`])];
  return `${limits.join(' or ')} within ${duration(seconds)}`;
}

function duration(seconds: number): string {
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

// ── Failures, digested ─────────────────────────────────────────────────────────────────────────

async function tellTrouble(pool: Pool, trouble: Trouble, now: Date): Promise<void> {
  const { environmentId, directoryId, beganAt: since, lastAt: last, failures, news } = trouble;
  const about = await readersOf(pool, trouble);
  const words =
    about &&
    (news === 'over'
      ? provisioningRecoveredMail({ ...about, since, last, failures })
      : provisioningFailsMail({ ...about, since, failures, ...(await reasonsOf(pool, trouble, about.provider)) }));
  await inTransaction(pool, async (client) => {
    const ours = news === 'over' ? await endTrouble(client, { directoryId, lastAt: last }) : await markTold(client, { directoryId, now });
    if (ours && about && words)
      await queueMails(
        client,
        about.addresses.map((to) => ({ environmentId, to, ...words })),
      );
  });
}

const failuresRead = 1_000;
const reasonsListed = 5;
const examplesListed = 3;

async function reasonsOf(
  pool: Pool,
  trouble: Trouble,
  provider: Readers['provider'],
): Promise<{ departures: number; reasons: FailureReason[]; more: number }> {
  const [page] = await readDirectoryPages(pool, [
    {
      directoryId: trouble.directoryId,
      after: trouble.firstSequence - 1,
      upTo: trouble.lastSequence,
      limit: failuresRead,
      types: ['provisioning.failed'],
    },
  ]);
  const reasons = new Map<string, FailureReason>();
  let departures = 0;
  for (const event of (page?.rows ?? []).map(readEvent)) {
    if (event.type !== 'provisioning.failed') continue;
    const { id, method, path, status, scim_type: scimType, detail, resource, deactivation_refused: refusesDeparture } = event.data.request;
    if (refusesDeparture) departures += 1;
    // The same sentence about other values is the same reason.
    const key = `${status} ${detail.replaceAll(/"[^"]*"|'[^']*'|\d+/g, '…')}`;
    const reason = reasons.get(key) ?? {
      count: 0,
      detail,
      fix: explainRequest({ provider, method, path, status, scimType, detail })?.fix ?? null,
      examples: [],
    };
    reason.count += 1;
    const name = resource?.userName ?? resource?.displayName;
    if (reason.examples.length < examplesListed)
      reason.examples.push({ what: `${method} ${path}${typeof name === 'string' ? ` of ${name}` : ''}`, requestId: id });
    reasons.set(key, reason);
  }
  const sorted = [...reasons.values()].sort((a, b) => b.count - a.count);
  const listed = sorted.slice(0, reasonsListed);
  const more = trouble.failures - listed.reduce((sum, { count }) => sum + count, 0);
  // Of more than could be read, all but the first thousand are put down to reasons that are not listed.
  return { departures, reasons: listed, more: Math.max(0, more) };
}

// ── Endpoints ──────────────────────────────────────────────────────────────────────────────────

/** Mails the vendor's people what has become of a webhook endpoint. */
export async function mailNotice(pool: Pool, notice: Notice): Promise<void> {
  const words = wordsOfNotice(notice);
  const { environmentId } = notice;
  await queueMails(
    pool,
    eachOnce(await vendorsPeople(pool, environmentId)).map((to) => ({ environmentId, to, ...words })),
  );
}

function wordsOfNotice(notice: Notice): Words {
  switch (notice.kind) {
    case 'endpoint_failing':
      return endpointFailingMail({ url: notice.url, since: notice.failingSince });
    case 'endpoint_disabled':
      return endpointDisabledMail({ url: notice.url, reason: reasons[notice.reason], since: notice.failingSince });
    case 'endpoint_recovered':
      return endpointRecoveredMail(notice);
  }
}

const reasons: Record<Extract<Notice, { kind: 'endpoint_disabled' }>['reason'], string> = {
  gone: 'it answered 410, which says that it is there no more',
  failing: 'nothing could be delivered to it for five days',
  by_hand: 'somebody disabled it',
};
