import { Webhook } from 'standardwebhooks';
import { digestOf, eventIn, eventKey } from './events';
import { apply, differences, emptyContents } from './fold';
import type { Call, EndpointRecord, Incident, LoggedEvent, PollerRecord, Receipt, Run } from './records';

/** The numbers are those of docs/faults.md. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I10' | 'I12' | 'P';

export interface Violation {
  invariant: Invariant;
  /** One thing that is wrong. */
  sentence: string;
  /** When it showed, in milliseconds since 1970, where that can be said. */
  at?: number;
  /** The lines around it. */
  excerpt?: string[];
}

/** All that a run has broken. Empty: it kept every promise. */
export function violationsOf(run: Run): Violation[] {
  return [
    ...everyChangeHasItsEvents(run),
    ...numbersAreDense(run),
    ...run.plan.pollers.filter(({ mode }) => mode !== 'naive').flatMap((poller) => followsExactly(run, poller)),
    ...run.endpoints.flatMap((endpoint) => receivesInOrder(run, endpoint)),
    ...webhooksAreInTheLog(run),
    ...listsAndEventsAgree(run),
    ...lagEnds(run),
    ...run.endpoints.flatMap((endpoint) => signaturesVerify(run, endpoint)),
    ...processesBehave(run),
  ];
}

/** I1: every acknowledged change has its events, exactly once; no event without a change; the state is what the events tell. */
export function everyChangeHasItsEvents(run: Run): Violation[] {
  return [...callsHaveTheirEvents(run), ...failuresHaveTheirCall(run), ...eventsHaveTheirChange(run), ...stateIsWhatEventsTell(run)];
}

function callsHaveTheirEvents(run: Run): Violation[] {
  const byRequest = grouped(run.log, ({ request_id }) => request_id ?? '');
  const found: Violation[] = [];
  for (const call of run.calls) {
    if (call.requestId === null) continue;
    const events = (byRequest.get(call.requestId) ?? []).filter(({ type }) => type !== 'directory.activated');
    const made = events.map(eventKey).sort();
    const should = call.provokes ? ['provisioning.failed'] : [...call.expects].sort();
    const nothing = made.length === 0;
    const exact = sameList(made, should);
    const wrong = (how: string): void => {
      found.push({
        invariant: 'I1',
        at: call.endedAt,
        sentence: `${inWords(call)} ${how}`,
        excerpt: [`expected: ${should.join(', ') || 'nothing'}`, ...events.map(line)],
      });
    };
    if (call.outcome === 'acknowledged') {
      // One that was tried before may have been done then.
      if (!exact && !(call.attempt > 1 && nothing)) wrong(nothing ? 'has no event' : `has other events: ${made.join(', ')}`);
    } else if (call.outcome === 'refused') {
      if (!call.provokes) wrong(`was refused, with nothing wrong about it: ${call.reason ?? ''}`);
      else if (!exact) wrong(nothing ? 'was refused, and no provisioning.failed tells of it' : `was refused, and yet: ${made.join(', ')}`);
    } else if (!exact && !nothing) {
      wrong(`has other events: ${made.join(', ')}`);
    }
  }
  return found;
}

/** Of requests that were cut off nobody is told that they were refused. A call that was refused and not answered has no id here. */
function failuresHaveTheirCall(run: Run): Violation[] {
  const known = new Set(run.calls.map(({ requestId }) => requestId));
  const unanswered = run.calls.filter(({ requestId, provokes }) => provokes && requestId === null).length;
  const stray = run.log.filter(({ type, request_id }) => type === 'provisioning.failed' && !known.has(request_id ?? ''));
  if (stray.length <= unanswered) return [];
  const sentence = `${stray.length} provisioning.failed tell of requests that no writer was refused, and ${unanswered} may be explained`;
  return [{ invariant: 'I1', at: timeOf(stray[0]), sentence, excerpt: stray.slice(0, 5).map(line) }];
}

/** By what they tell, whoever heard of them: as many events as changes, but for those whose end is not known. */
function eventsHaveTheirChange(run: Run): Violation[] {
  const least = new Map<string, number>();
  const most = new Map<string, number>();
  for (const calls of grouped(run.calls, ({ change }) => change).values()) {
    const [{ expects } = { expects: [] }] = calls;
    const done = calls.some(({ outcome }) => outcome === 'acknowledged' || outcome === 'found_done');
    const mayBe = done || calls.some(({ outcome }) => outcome === 'unknown');
    for (const key of expects) {
      if (done) count(least, key);
      if (mayBe) count(most, key);
    }
  }
  const made = grouped(
    run.log.filter(({ type }) => type !== 'directory.activated' && type !== 'provisioning.failed'),
    eventKey,
  );
  const found: Violation[] = [];
  for (const key of new Set([...least.keys(), ...made.keys()])) {
    const events = made.get(key) ?? [];
    const [atLeast, atMost] = [least.get(key) ?? 0, most.get(key) ?? 0];
    if (events.length >= atLeast && events.length <= atMost) continue;
    const calls = run.calls.filter(({ expects }) => expects.includes(key));
    found.push({
      invariant: 'I1',
      at: calls.at(-1)?.endedAt ?? timeOf(events.at(-1)),
      sentence:
        events.length < atLeast
          ? `${key}: promised ${times(atLeast)}, and in the log ${times(events.length)}`
          : `${key}: in the log ${times(events.length)}, and changed ${times(atMost)} at most`,
      excerpt: [...calls.map(inWords), ...events.map(line)],
    });
  }
  const activations = grouped(
    run.log.filter(({ type }) => type === 'directory.activated'),
    ({ directory_id }) => directory_id,
  );
  for (const { id } of run.plan.directories) {
    const events = activations.get(id) ?? [];
    if (events.length !== 1)
      found.push({ invariant: 'I1', sentence: `${id} was activated ${times(events.length)}`, excerpt: events.map(line) });
  }
  const ids = grouped(run.log, ({ id }) => id);
  for (const [id, events] of ids) {
    if (events.length > 1)
      found.push({ invariant: 'I1', sentence: `${id} is in the log ${times(events.length)}`, excerpt: events.map(line) });
  }
  return found;
}

function stateIsWhatEventsTell(run: Run): Violation[] {
  const found: Violation[] = [];
  for (const { id } of run.plan.directories) {
    const contents = emptyContents();
    for (const event of run.log) {
      if (event.directory_id !== id) continue;
      for (const contradiction of apply(contents, event))
        found.push({ invariant: 'I1', at: timeOf(event), sentence: `${line(event)}: ${contradiction}` });
    }
    const told = [...differences(contents.users, run.finalUsers[id] ?? []), ...differences(contents.groups, run.finalGroups[id] ?? [])];
    found.push(...told.map((sentence): Violation => ({ invariant: 'I1', sentence: `${id}: ${sentence}` })));
  }
  return found;
}

/** I2: positions 1, 2, 3 … in the environment, sequences 1, 2, 3 … in each directory. I4: the one order is the other's. */
export function numbersAreDense(run: Run): Violation[] {
  const found: Violation[] = [];
  const last = new Map<string, LoggedEvent>();
  run.log.forEach((event, i) => {
    if (event.position !== i + 1) {
      found.push({
        invariant: 'I2',
        at: timeOf(event),
        sentence: `the ${i + 1}th event of the log has the position ${event.position}`,
        excerpt: run.log.slice(Math.max(0, i - 2), i + 2).map(line),
      });
    }
    const before = last.get(event.directory_id);
    const expected = (before?.sequence ?? 0) + 1;
    if (event.sequence !== expected) {
      found.push({
        invariant: event.sequence < expected ? 'I4' : 'I2',
        at: timeOf(event),
        sentence: `in ${event.directory_id} sequence ${expected} should come at position ${event.position}, and ${event.sequence} does`,
        excerpt: [...(before ? [line(before)] : []), line(event)],
      });
    }
    last.set(event.directory_id, event);
  });
  return found;
}

/**
 * I3: what a poller saw is, at every moment, the log from its beginning to some place, without what its filter leaves out; and
 * at the end all of it. For one without a filter that is the positions 1, 2, 3 …
 */
export function followsExactly(run: Run, poller: PollerRecord): Violation[] {
  const should = run.log.filter((event) => matches(poller, event));
  const pages = run.pages.filter((page) => page.poller === poller.name);
  const seen = pages.flatMap((page) => page.events.map((event) => ({ ...event, at: page.at })));
  const found: Violation[] = [];
  for (const [i, event] of seen.entries()) {
    const expected = should[i];
    if (expected?.id === event.id) {
      if (event.digest !== digestOf(expected)) {
        found.push({
          invariant: 'I3',
          at: event.at,
          sentence: `${poller.name} saw ${event.id} as it is not in the log`,
          excerpt: [line(expected)],
        });
      }
      continue;
    }
    // What follows is shifted, and says nothing more.
    const again = seen.findIndex((other) => other.id === event.id) < i;
    const skips = expected !== undefined && !again && event.position > expected.position;
    found.push({
      invariant: 'I3',
      at: event.at,
      sentence:
        `${poller.name} ${again ? `saw position ${event.position} again` : skips ? `went from position ${seen[i - 1]?.position ?? 0} to ${event.position}` : `saw position ${event.position}, ${event.id}`}` +
        `${expected ? `, where position ${expected.position} should come` : ', where nothing should come'}`,
      excerpt: [
        ...seen
          .slice(Math.max(0, i - 2), i + 3)
          .map(
            (other, j) =>
              `seen${i - Math.min(2, i) + j === i ? ' →' : '  '} position ${other.position} sequence ${other.sequence} ${other.id}`,
          ),
        ...(expected ? [`in the log: ${line(expected)}`] : []),
      ],
    });
    break;
  }
  if (found.length === 0 && seen.length < should.length) {
    const missing = should[seen.length];
    found.push({
      invariant: 'I3',
      at: pages.at(-1)?.at,
      sentence: `${poller.name} stopped at ${seen.length} of ${should.length} events`,
      excerpt: missing ? [`the next one is ${line(missing)}`] : [],
    });
  }
  return found;
}

/** The events of the log that somebody never saw, however late. What the naive reader must have, or the run was too tame. */
export function missedBy(run: Run, poller: PollerRecord): LoggedEvent[] {
  const seen = new Set(run.pages.filter((page) => page.poller === poller.name).flatMap((page) => page.events.map(({ id }) => id)));
  return run.log.filter((event) => matches(poller, event) && !seen.has(event.id));
}

/**
 * I5: every endpoint gets every event that it is owed, at least once, and of each directory in order: none before the one before
 * it was accepted. I6: twice only where something crashed in between, and then the very same bytes.
 */
export function receivesInOrder(run: Run, endpoint: EndpointRecord): Violation[] {
  const owed = owedTo(run, endpoint);
  const receipts = run.receipts.filter((receipt) => receipt.endpoint === endpoint.name);
  const crashes = run.incidents.filter(({ crash }) => crash);
  const byId = new Map(run.log.map((event) => [event.id, event]));
  const lanes = grouped(receipts, ({ webhookId }) => byId.get(webhookId)?.directory_id ?? 'unknown');
  const found: Violation[] = sameBytes(endpoint, receipts);
  for (const directoryId of new Set([...lanes.keys(), ...run.plan.directories.map(({ id }) => id)])) {
    if (directoryId === 'unknown') continue; // told by webhooksAreInTheLog
    const lane: Lane = {
      endpoint,
      directoryId,
      crashes,
      byId,
      receipts: lanes.get(directoryId) ?? [],
      surely: owed.surely.filter((event) => event.directory_id === directoryId),
      perhaps: owed.perhaps.filter((event) => event.directory_id === directoryId),
    };
    found.push(...gotWhatItIsOwed(lane), ...stopsWhenStopped(lane), ...repeatsOnlyAfterCrashes(lane));
    if (endpoint.ordering === 'directory') found.push(...inOrder(lane));
  }
  return found;
}

interface Lane {
  endpoint: EndpointRecord;
  directoryId: string;
  receipts: Receipt[];
  surely: LoggedEvent[];
  /** What it may get besides: made while the endpoint was being made. */
  perhaps: LoggedEvent[];
  crashes: Incident[];
  byId: Map<string, LoggedEvent>;
}

function owedTo(run: Run, endpoint: EndpointRecord): { surely: LoggedEvent[]; perhaps: LoggedEvent[] } {
  const matching = run.log.filter((event) => matches({ ...endpoint, directoryId: null }, event));
  const { least, most } = endpoint.startsAfter;
  return {
    surely: matching.filter(({ position }) => position > most),
    perhaps: matching.filter(({ position }) => position > least && position <= most),
  };
}

function gotWhatItIsOwed(lane: Lane): Violation[] {
  const { endpoint, directoryId, receipts, surely, perhaps, byId } = lane;
  const accepted = new Set(receipts.filter((receipt) => receipt.accepted).map(({ webhookId }) => webhookId));
  const found: Violation[] = [];
  // One that was deleted is owed nothing any more, but may not get what it was never owed.
  const [missing, ...more] = endpoint.deletedAt === null ? surely.filter(({ id }) => !accepted.has(id)) : [];
  if (missing) {
    const before = receipts.filter(({ webhookId }) => (byId.get(webhookId)?.sequence ?? 0) < missing.sequence).at(-1);
    found.push({
      invariant: 'I5',
      at: before?.at ?? timeOf(missing),
      sentence: `${endpoint.name} never accepted ${surely.length - surely.filter(({ id }) => accepted.has(id)).length} of the ${surely.length} events that ${directoryId} owes it`,
      excerpt: [
        `the first: ${line(missing)}`,
        ...(more.length > 0 ? [`the last:  ${more.map(line).at(-1)}`] : []),
        ...receipts.slice(-3).map((receipt) => `got ${receiptLine(receipt, byId)}`),
      ],
    });
  }
  const may = new Set([...surely, ...perhaps].map(({ id }) => id));
  const strange = receipts.find(({ webhookId }) => !may.has(webhookId));
  if (strange)
    found.push({
      invariant: 'I5',
      at: strange.at,
      sentence: `${endpoint.name} got an event that it is not owed`,
      excerpt: [receiptLine(strange, byId)],
    });
  return found;
}

function inOrder({ endpoint, directoryId, receipts, surely, perhaps, byId }: Lane): Violation[] {
  const accepted = new Set<string>();
  // Which of the events that were made together with an endpoint it gets shows with the first that it got.
  const first = perhaps.findIndex(({ id }) => id === receipts[0]?.webhookId);
  const owed = [...(first === -1 ? [] : perhaps.slice(first)), ...surely];
  for (const [i, receipt] of receipts.entries()) {
    const sequence = byId.get(receipt.webhookId)?.sequence ?? 0;
    const skipped = owed.find((event) => event.sequence < sequence && !accepted.has(event.id));
    if (skipped) {
      return [
        {
          invariant: 'I5',
          at: receipt.at,
          sentence: `${endpoint.name} got sequence ${sequence} of ${directoryId} before it had accepted ${skipped.sequence}`,
          excerpt: receipts.slice(Math.max(0, i - 3), i + 3).map((other) => `${other === receipt ? '→' : ' '} ${receiptLine(other, byId)}`),
        },
      ];
    }
    if (receipt.accepted) accepted.add(receipt.webhookId);
  }
  return [];
}

/** One request of a lane may be under way when its endpoint is stopped or deleted, and no more. */
function stopsWhenStopped({ endpoint, directoryId, receipts, byId }: Lane): Violation[] {
  const stops = [...endpoint.stops, ...(endpoint.deletedAt === null ? [] : [{ from: endpoint.deletedAt, until: null }])];
  return stops.flatMap(({ from, until }): Violation[] => {
    const late = receipts.filter(({ at }) => at > from && (until === null || at < until));
    if (late.length <= (endpoint.ordering === 'directory' ? 1 : endpoint.maxParallel)) return [];
    return [
      {
        invariant: 'I5',
        at: late[1]?.at,
        sentence: `${endpoint.name} was stopped, and then got ${late.length} webhooks of ${directoryId}`,
        excerpt: late.slice(0, 3).map((receipt) => receiptLine(receipt, byId)),
      },
    ];
  });
}

// How far apart two processes may put one moment.
const slackMs = 2_000;

function repeatsOnlyAfterCrashes({ endpoint, directoryId, receipts, crashes, byId }: Lane): Violation[] {
  const firstAccepted = new Map<string, Receipt>();
  // One request of a lane is under way at a time; where order does not matter, as many as the endpoint takes at once.
  const left = new Map(crashes.map((crash) => [crash, endpoint.ordering === 'directory' ? 1 : endpoint.maxParallel]));
  for (const receipt of receipts) {
    const first = firstAccepted.get(receipt.webhookId);
    if (!first) {
      if (receipt.accepted) firstAccepted.set(receipt.webhookId, receipt);
      continue;
    }
    const why = crashes.find(
      (crash) => (left.get(crash) ?? 0) > 0 && crash.endedAt > first.at - slackMs && crash.at < receipt.at + slackMs,
    );
    if (!why) {
      return [
        {
          invariant: 'I6',
          at: receipt.at,
          sentence: `${endpoint.name} had accepted an event of ${directoryId} and got it again, and no crash that is not accounted for lies between`,
          excerpt: [receiptLine(first, byId), receiptLine(receipt, byId)],
        },
      ];
    }
    left.set(why, (left.get(why) ?? 0) - 1);
    if (receipt.accepted) firstAccepted.set(receipt.webhookId, receipt);
  }
  return [];
}

function sameBytes(endpoint: EndpointRecord, receipts: Receipt[]): Violation[] {
  const bodies = new Map<string, Receipt>();
  for (const receipt of receipts) {
    const first = bodies.get(receipt.webhookId);
    if (!first) bodies.set(receipt.webhookId, receipt);
    else if (first.body !== receipt.body) {
      return [
        {
          invariant: 'I6',
          at: receipt.at,
          sentence: `${endpoint.name} got ${receipt.webhookId} with two bodies`,
          excerpt: [first.body, receipt.body],
        },
      ];
    }
  }
  return [];
}

/** I7: what came by webhook is in the log, the same, and could be read by cursor when it came. */
export function webhooksAreInTheLog(run: Run): Violation[] {
  const byId = new Map(run.log.map((event) => [event.id, event]));
  const known = new Set([...run.endpoints.map(({ name }) => name), ...run.abandoned]);
  const found: Violation[] = [];
  for (const look of run.looks) {
    if (look.found === 'missing')
      found.push({ invariant: 'I7', at: look.at, sentence: `${look.webhookId} came by webhook, and could not be read yet` });
  }
  for (const receipt of run.receipts) {
    const logged = byId.get(receipt.webhookId);
    const wrong = (sentence: string): void =>
      void found.push({
        invariant: 'I7',
        at: receipt.at,
        sentence,
        excerpt: [receipt.body.slice(0, 400), ...(logged ? [JSON.stringify(logged).slice(0, 400)] : [])],
      });
    if (!known.has(receipt.endpoint)) wrong(`${receipt.endpoint} got a webhook, and nobody made it`);
    if (!logged) wrong(`${receipt.endpoint} got ${receipt.webhookId}, which is not in the log`);
    else if (digestOf(eventIn(JSON.parse(receipt.body))) !== digestOf(logged))
      wrong(`${receipt.endpoint} got ${receipt.webhookId} as it is not in the log`);
  }
  return found;
}

/** I8: a list, and the events that follow its `events_cursor`, come to the final state. */
export function listsAndEventsAgree(run: Run): Violation[] {
  return run.listings.flatMap(({ what, directoryId, at, items, events }): Violation[] => {
    const contents = emptyContents();
    for (const item of items) contents[what].set(item.id, item);
    for (const event of events) apply(contents, event);
    const final = what === 'users' ? run.finalUsers : run.finalGroups;
    return differences(contents[what], final[directoryId] ?? [])
      .slice(0, 1)
      .map((sentence) => ({ invariant: 'I8', at, sentence: `the list of ${what} of ${directoryId}, and what followed it: ${sentence}` }));
  });
}

/** I10: once nothing is broken any more, everything is brought to its end, in time. */
export function lagEnds({ ending }: Run): Violation[] {
  if (ending.quietAt !== null) return [];
  return [
    { invariant: 'I10', sentence: `${ending.boundMs / 1_000} s after the last fault things were not done with`, excerpt: [ending.behind] },
  ];
}

// A webhook that was signed before a rotation may come just after it.
const rotationTakesMs = 3_000;
const toleranceSeconds = 300;

/** A worker that was stopped between two webhooks signs the next one as it knew how before: with the old secret, which is still good. */
function wasAsleep(run: Run, at: number): boolean {
  return run.incidents.some(({ kind, endedAt }) => kind === 'stop_at_answer' && at > endedAt - slackMs && at < endedAt + slackMs);
}

/** I12: every signature verifies, with the old secret and with the new one while both are good. */
export function signaturesVerify(run: Run, endpoint: EndpointRecord): Violation[] {
  const secrets = endpoint.secrets.map(({ secret, sentAt, knownAt }) => ({ webhook: new Webhook(secret), sentAt, knownAt }));
  for (const receipt of run.receipts) {
    if (receipt.endpoint !== endpoint.name) continue;
    const signatures = receipt.signature.split(' ');
    const signedAt = Number(receipt.timestamp) * 1_000;
    // `verify` of the library asks the clock; what it compares with is what `sign` makes.
    const verifiesWith = (webhook: Webhook): boolean =>
      signatures.includes(webhook.sign(receipt.webhookId, new Date(signedAt), receipt.body));
    // Overlaps last beyond the run, so a secret is good from the moment when it is known.
    const bad = secrets.find(
      ({ webhook, knownAt }, i) =>
        (i === 0 || (signedAt > knownAt + rotationTakesMs && !wasAsleep(run, receipt.at))) && !verifiesWith(webhook),
    );
    const late = Math.abs(receipt.at - signedAt) > toleranceSeconds * 1_000;
    if (bad || late) {
      return [
        {
          invariant: 'I12',
          at: receipt.at,
          sentence: `${endpoint.name} got ${receipt.webhookId} with ${bad ? `a signature that does not verify with its secret no. ${secrets.indexOf(bad) + 1} of ${secrets.length}` : `a timestamp that is ${Math.abs(receipt.at - signedAt) / 1_000} s away`}`,
          excerpt: [`webhook-timestamp ${receipt.timestamp}, webhook-signature ${receipt.signature}`],
        },
      ];
    }
  }
  return [];
}

/** Processes outlive the loss of what they stand on, and end cleanly when they are told to. */
export function processesBehave({ incidents }: Run): Violation[] {
  return incidents
    .filter(({ unwanted }) => unwanted)
    .map(({ at, kind, detail }) => ({ invariant: 'P', at, sentence: `${kind}: ${detail}` }));
}

export function matches(
  { types, organizationId, directoryId }: Pick<PollerRecord, 'types' | 'organizationId' | 'directoryId'>,
  event: LoggedEvent,
): boolean {
  return (
    (types === null || types.includes(event.type)) &&
    (organizationId === null || organizationId === event.organization_id) &&
    (directoryId === null || directoryId === event.directory_id)
  );
}

export function line(event: LoggedEvent): string {
  return `position ${event.position}, sequence ${event.sequence} of ${event.directory_id}: ${event.type} ${event.id} at ${event.occurred_at}`;
}

function receiptLine(receipt: Receipt, byId: ReadonlyMap<string, LoggedEvent>): string {
  const event = byId.get(receipt.webhookId);
  return `${clock(receipt.at)} sequence ${event?.sequence ?? '?'} ${event?.type ?? ''} ${receipt.webhookId}: ${receipt.answer}`;
}

export function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

function inWords({ what, change, attempt, status, outcome, requestId, directoryId }: Call): string {
  return `"${what}" (${change}, try ${attempt}, in ${directoryId}, ${outcome}${status === null ? '' : ` with ${status}`}, ${requestId ?? 'no request id'})`;
}

function timeOf(event: LoggedEvent | undefined): number | undefined {
  return event && Date.parse(event.occurred_at);
}

function times(n: number): string {
  return n === 0 ? 'never' : n === 1 ? 'once' : `${n} times`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, i) => value === other[i]);
}

export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
