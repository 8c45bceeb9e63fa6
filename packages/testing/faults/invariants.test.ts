/** Each invariant is found broken where it is, and only that one: a check that cannot fail proves nothing. */
import { Webhook } from 'standardwebhooks';
import { digestOf } from './events';
import { missedBy, violationsOf } from './invariants';
import { complaints, summary } from './report';
import type { Call, EndpointRecord, LoggedEvent, Page, PollerRecord, Receipt, Resource, Run } from './records';

const start = Date.parse('2026-01-31T09:00:00.000Z');
const directoryId = 'dir_1';
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const poller: PollerRecord = { name: 'by cursor', mode: 'cursor', types: null, organizationId: null, directoryId: null };

function user(id: string, version: number, title: string): Resource {
  return { id, version, user_name: `${id}@acme.example`, title, groups: [] };
}

function event(position: number, type: string, data: Record<string, unknown>): LoggedEvent {
  return {
    id: `evt_${position}`,
    type,
    occurred_at: new Date(start + position).toISOString(),
    organization_id: 'org_1',
    directory_id: directoryId,
    position,
    sequence: position,
    request_id: `req_${position}`,
    data,
  };
}

function call(requestId: number, what: string, expects: string[], more: Partial<Call> = {}): Call {
  return {
    change: `w1 ${requestId}`,
    attempt: 1,
    writer: 'w1',
    directoryId,
    what,
    expects,
    provokes: false,
    sentAt: start,
    endedAt: start + requestId,
    outcome: 'acknowledged',
    status: 200,
    requestId: `req_${requestId}`,
    ...more,
  };
}

function receipt(of: LoggedEvent, more: Partial<Receipt> = {}): Receipt {
  const body = JSON.stringify(of);
  const timestamp = Math.floor(start / 1_000);
  return {
    endpoint: 'everything',
    at: start + of.position,
    webhookId: of.id,
    timestamp: String(timestamp),
    signature: new Webhook(secret).sign(of.id, new Date(timestamp * 1_000), body),
    body,
    accepted: true,
    answer: 'accepts',
    ...more,
  };
}

function page(...events: LoggedEvent[]): Page {
  return {
    poller: poller.name,
    at: start,
    events: events.map((one) => ({ id: one.id, position: one.position, sequence: one.sequence, digest: digestOf(one) })),
  };
}

const endpoint: EndpointRecord = {
  name: 'everything',
  id: 'we_1',
  types: null,
  organizationId: null,
  ordering: 'directory',
  startsAfter: { least: 0, most: 0 },
  secrets: [{ secret, sentAt: start, knownAt: start }],
  stops: [],
  deletedAt: null,
  maxParallel: 8,
};

const log = [
  event(1, 'directory.activated', { directory: { id: directoryId } }),
  event(2, 'user.created', { user: user('usr_1', 2, 'one') }),
  event(3, 'user.updated', { user: user('usr_1', 3, 'two'), previous: { title: 'one' } }),
  event(4, 'user.deactivated', { user: user('usr_1', 4, 'two'), previous: { active: true } }),
];
const stray = event(5, 'provisioning.failed', { request: { status: 400 } });
const [activated, created, updated, deactivated] = log;

/** A small run that keeps every promise, but for what is given. */
function aRun(given: Partial<Run> = {}): Run {
  return {
    plan: { seed: '1', topology: 'redis', directories: [{ id: directoryId, organizationId: 'org_1' }], pollers: [poller] },
    calls: [
      call(2, 'create user', ['user.created usr_1@acme.example']),
      call(3, 'update user', ['user.updated usr_1 two']),
      call(4, 'toggle user', ['user.deactivated usr_1']),
    ],
    pages: [page(...log.slice(0, 2)), page(...log.slice(2))],
    receipts: log.map((one) => receipt(one)),
    looks: log.map(({ id }) => ({ webhookId: id, at: start, found: 'readable' })),
    incidents: [],
    endpoints: [endpoint],
    abandoned: [],
    log,
    finalUsers: { [directoryId]: [user('usr_1', 4, 'two')] },
    finalGroups: { [directoryId]: [] },
    listings: [{ what: 'users', directoryId, at: start, items: [user('usr_1', 2, 'one')], events: log.slice(1) }],
    ending: { calmAt: start, quietAt: start + 1, boundMs: 30_000, behind: '' },
    ...given,
  };
}

const without = <T>(list: readonly T[], index: number): T[] => list.filter((_, i) => i !== index);
const at = (milliseconds: number) => ({
  at: start + milliseconds,
  endedAt: start + milliseconds,
  detail: '',
  endpointFails: false,
  unwanted: false,
});

if (!activated || !created || !updated || !deactivated) throw new Error('the log of these tests is shorter than they think');

test('a run that keeps every promise has no violations', () => {
  expect(violationsOf(aRun())).toEqual([]);
  expect(complaints(aRun())).toEqual([]);
  expect(summary(aRun())).toContain('3 acknowledged');
});

test.each<[string, string, Partial<Run>]>([
  ['I1', 'an acknowledged change without its event', { calls: [...aRun().calls, call(9, 'update user', ['user.updated usr_1 nine'])] }],
  [
    'I1',
    'a failure that is told of a request that nobody was refused',
    {
      log: [...log, stray],
      pages: [...aRun().pages, page(stray)],
      receipts: [...aRun().receipts, receipt(stray)],
      looks: [...aRun().looks, { webhookId: stray.id, at: start, found: 'readable' }],
    },
  ],
  ['I1', 'an event without a change', { calls: aRun().calls.slice(0, 2) }],
  [
    'I1',
    'a change with two events',
    { calls: [...without(aRun().calls, 1), call(3, 'update user', ['user.updated usr_1 two', 'user.deactivated usr_1'])] },
  ],
  [
    'I1',
    'a refused call that made an event',
    { calls: [...without(aRun().calls, 1), call(3, 'update user', ['user.updated usr_1 two'], { outcome: 'refused', status: 409 })] },
  ],
  [
    'I1',
    'a provoked refusal that nothing tells of',
    { calls: [...aRun().calls, call(9, 'create user', [], { outcome: 'refused', status: 409, provokes: true })] },
  ],
  [
    'I1',
    'a state that no event tells of',
    { listings: [], finalUsers: { [directoryId]: [user('usr_1', 4, 'two'), user('usr_2', 3, 'x')] } },
  ],
  ['I1', "a version that is not its event's", { listings: [], finalUsers: { [directoryId]: [user('usr_1', 3, 'two')] } }],
  ['I3', 'a poller that went past an event', { pages: [page(activated), page(updated, deactivated)] }],
  ['I3', 'a poller that saw an event twice', { pages: [page(...log.slice(0, 2)), page(...log.slice(1))] }],
  ['I3', 'a poller that did not come to the end', { pages: [page(...log.slice(0, 2))] }],
  ['I3', 'a poller that saw another event of that position', { pages: [page(activated, created, { ...updated, data: {} }, deactivated)] }],
  ['I5', 'an event that was never delivered', { receipts: aRun().receipts.slice(0, 3) }],
  [
    'I5',
    'an event that was refused and never again tried',
    { receipts: [...aRun().receipts.slice(0, 3), receipt(deactivated, { accepted: false, answer: 'fails' })] },
  ],
  ['I5', 'an event before the one before it', { receipts: [activated, updated, created, deactivated].map((one) => receipt(one)) }],
  [
    'I5',
    'an event while the one before it was failing',
    { receipts: [receipt(activated), receipt(created, { accepted: false }), receipt(updated), receipt(created), receipt(deactivated)] },
  ],
  ['I5', 'an event from before the endpoint', { endpoints: [{ ...endpoint, startsAfter: { least: 1, most: 2 } }] }],
  ['I5', 'webhooks to an endpoint that was disabled', { endpoints: [{ ...endpoint, stops: [{ from: start + 1, until: start + 5 }] }] }],
  ['I6', 'an event that came again, with no crash about', { receipts: [...aRun().receipts, receipt(deactivated, { at: start + 9 })] }],
  [
    'I6',
    'an event that came again twice, with one crash about',
    {
      receipts: [...aRun().receipts, receipt(deactivated, { at: start + 9 }), receipt(deactivated, { at: start + 10 })],
      incidents: [{ kind: 'process_ended', crash: true, ...at(5) }],
    },
  ],
  ['I7', 'a webhook that could not be read yet', { looks: [{ webhookId: 'evt_2', at: start, found: 'missing' }] }],
  [
    'I7',
    'a webhook that says what the log does not',
    { receipts: aRun().receipts.map((one, i) => (i === 1 ? receipt({ ...created, request_id: null }) : one)) },
  ],
  [
    'I8',
    'a list whose cursor came too late',
    { listings: [{ what: 'users', directoryId, at: start, items: [user('usr_1', 2, 'one')], events: log.slice(3, 3) }] },
  ],
  ['I10', 'a lag that does not end', { ending: { calmAt: start, quietAt: null, boundMs: 30_000, behind: 'lanes dirty: 3' } }],
  [
    'I12',
    'a signature by another secret',
    {
      endpoints: [{ ...endpoint, secrets: [{ secret: `whsec_${Buffer.alloc(32, 2).toString('base64')}`, sentAt: start, knownAt: start }] }],
    },
  ],
  ['P', 'a process that ended by itself', { incidents: [{ kind: 'process_ended', crash: true, ...at(1), unwanted: true }] }],
])('%s is broken by %s', (invariant, _what, given) => {
  const run = aRun(given);
  expect([...new Set(violationsOf(run).map((violation) => violation.invariant))]).toEqual([invariant]);
  expect(complaints(run)[0]).toMatch(new RegExp(`^${invariant}: .`));
});

test('I2 and I4: a hole in the numbers, and an order turned round', () => {
  const renumbered = log.map((one, i) => (i === 3 ? { ...one, position: 5, sequence: 5 } : one));
  expect(violationsOf(aRun({ log: renumbered })).map(({ invariant }) => invariant)).toEqual(expect.arrayContaining(['I2']));
  const turned = log.map((one, i) => (i === 3 ? { ...one, sequence: 2 } : one));
  expect(violationsOf(aRun({ log: turned })).map(({ invariant }) => invariant)).toEqual(expect.arrayContaining(['I4']));
});

test('what an unheard call did is accepted, and what it did not do as well', () => {
  const [, , toggle] = aRun().calls;
  const unheard = call(0, 'toggle user', ['user.deactivated usr_1'], { outcome: 'unknown', status: null, requestId: null });
  expect(violationsOf(aRun({ calls: [...aRun().calls.slice(0, 2), unheard] }))).toEqual([]);
  // Tried again, and found done or done now: once it is.
  const again = { ...unheard, attempt: 2, outcome: 'acknowledged' as const, status: 200, requestId: 'req_99' };
  expect(violationsOf(aRun({ calls: [...aRun().calls.slice(0, 2), unheard, again] }))).toEqual([]);
  expect(toggle && violationsOf(aRun({ calls: [...aRun().calls, { ...unheard, change: 'w1 99' }] }))).toEqual([]);
});

test('one request of a lane may come again for each crash', () => {
  const incidents = [{ kind: 'process_ended', crash: true, ...at(5) }];
  expect(violationsOf(aRun({ receipts: [...aRun().receipts, receipt(deactivated, { at: start + 9 })], incidents }))).toEqual([]);
});

test('a reader that takes the order of ids for the order of commits is told by what it never saw', () => {
  const naive = { ...poller, name: 'naive', mode: 'naive' as const };
  const run = aRun({
    plan: { ...aRun().plan, pollers: [poller, naive] },
    pages: [...aRun().pages, { ...page(activated, updated, deactivated), poller: 'naive' }],
  });
  expect(missedBy(run, naive)).toEqual([created]);
  expect(violationsOf(run)).toEqual([]);
});
