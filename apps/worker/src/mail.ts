import type { Pool } from 'pg';
import { listMembers } from '#accounts';
import type { Notice } from '#delivery';
import { explainRequest, getDirectory, getOrganization, type LoggedEvent, readDirectoryPages, readEvents } from '#directory';
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

const told = ['provisioning.failed', 'directory.brake_engaged', 'directory.brake_released', 'credential.expiring'];
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
    if (type !== 'provisioning.failed') continue;
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
  for (const event of events) {
    if (event.type === 'provisioning.failed') continue;
    const readers = await readersOf(pool, event);
    const words = readers && wordsAbout(event, readers);
    if (words) mails.push(...readers.addresses.map((to) => ({ environmentId: event.environmentId, to, ...words })));
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

function wordsAbout(event: LoggedEvent, about: Readers): Words | undefined {
  const data = dataOf(event);
  const at = event.occurredAt;
  switch (event.type) {
    case 'directory.brake_engaged': {
      const brake = fields(data.brake);
      return brakeEngagedMail({
        ...about,
        at,
        departures: number(brake, 'departures'),
        activeUsers: number(brake, 'active_users'),
        limits: limitsOf(brake),
      });
    }
    case 'directory.brake_released':
      return brakeReleasedMail({ ...about, at });
    case 'credential.expiring': {
      const credential = fields(data.credential);
      const lastUsedAt = text(credential, 'last_used_at');
      const name = text(credential, 'name');
      return credentialExpiringMail({
        ...about,
        credential:
          text(credential, 'kind') === 'oauth_client'
            ? `The secret of the OAuth client ${text(credential, 'id') ?? ''}`
            : name === null
              ? 'The bearer token'
              : `The bearer token “${name}”`,
        expiresAt: new Date(text(credential, 'expires_at') ?? at),
        lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt),
      });
    }
    default:
      return undefined;
  }
}

function limitsOf(brake: Fields): string {
  const { max_users: users, max_percent: percent } = brake;
  const limits = [
    ...(typeof users === 'number' ? [`${users} users`] : []),
    ...(typeof percent === 'number' ? [`${percent} % of the users`] : []),
  ];
  return `${limits.join(' or ')} within ${duration(number(brake, 'window_seconds'))}`;
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

async function reasonsOf(pool: Pool, trouble: Trouble, provider: Readers['provider']): Promise<{ reasons: FailureReason[]; more: number }> {
  const [events = []] = await readDirectoryPages(pool, [
    {
      directoryId: trouble.directoryId,
      after: trouble.firstSequence - 1,
      upTo: trouble.lastSequence,
      limit: failuresRead,
      types: ['provisioning.failed'],
    },
  ]);
  const reasons = new Map<string, FailureReason>();
  for (const event of events) {
    const request = fields(dataOf(event).request);
    const [method, path, detail] = [text(request, 'method') ?? '', text(request, 'path') ?? '', text(request, 'detail') ?? ''];
    const [status, scimType] = [number(request, 'status'), text(request, 'scim_type')];
    // The same sentence about other values is the same reason.
    const key = `${status} ${detail.replaceAll(/"[^"]*"|'[^']*'|\d+/g, '…')}`;
    const reason = reasons.get(key) ?? {
      count: 0,
      detail,
      fix: explainRequest({ provider, method, path, status, scimType, detail })?.fix ?? null,
      examples: [],
    };
    reason.count += 1;
    const resource = fields(request.resource);
    const name = text(resource, 'userName') ?? text(resource, 'displayName');
    if (reason.examples.length < examplesListed)
      reason.examples.push({ what: `${method} ${path}${name === null ? '' : ` of ${name}`}`, requestId: text(request, 'id') ?? '' });
    reasons.set(key, reason);
  }
  const sorted = [...reasons.values()].sort((a, b) => b.count - a.count);
  const listed = sorted.slice(0, reasonsListed);
  const more = trouble.failures - listed.reduce((sum, { count }) => sum + count, 0);
  // Of more than could be read, all but the first thousand are put down to reasons that are not listed.
  return { reasons: listed, more: Math.max(0, more) };
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

// ── The JSON of an event ───────────────────────────────────────────────────────────────────────

type Fields = Record<string, unknown>;

function dataOf({ json }: LoggedEvent): Fields {
  return fields(fields(JSON.parse(json)).data);
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(from: Fields, name: string): string | null {
  const value = from[name];
  return typeof value === 'string' ? value : null;
}

function number(from: Fields, name: string): number {
  const value = from[name];
  return typeof value === 'number' ? value : 0;
}
