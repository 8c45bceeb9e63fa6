import type { FinishedOutcome } from '../attempt/attempt';
import { decide, type Decision, type Place, type Tried } from './decision';

const now = new Date('2026-01-31T09:00:00Z');
const hoursAgo = (hours: number): Date => new Date(now.getTime() - hours * 3_600_000);

const delivered: FinishedOutcome = { kind: 'delivered' };
const gone: FinishedOutcome = { kind: 'gone' };
const refused: FinishedOutcome = { kind: 'refused' };
const failed: FinishedOutcome = { kind: 'failed' };
const later = (kind: 'refused' | 'failed', retryAfterSeconds: number): FinishedOutcome => ({ kind, retryAfterSeconds });

const inOrder: Place = { kind: 'lane', ordering: 'directory' };
const loose: Place = { kind: 'lane', ordering: 'none' };
const aside = (hours: number): Place => ({ kind: 'aside', since: hoursAgo(hours), once: false });
const byHand: Place = { kind: 'aside', since: hoursAgo(0), once: true };

const wait = (delaySeconds: number, heldBack = true): Decision => ({ kind: 'wait', delaySeconds, heldBack });
const setAside = (delaySeconds: number): Decision => ({ kind: 'aside', delaySeconds });
const parked: Decision = { kind: 'parked' };

type Case = [what: string, outcome: FinishedOutcome, place: Place, before: Partial<Tried>, decision: Decision];

const cases: Case[] = [
  ['in a lane, it is taken', delivered, inOrder, {}, { kind: 'delivered' }],
  [
    'in a lane, it is taken after failures',
    delivered,
    inOrder,
    { attempts: 7, refusals: 7, refusedSince: hoursAgo(30) },
    { kind: 'delivered' },
  ],
  ['aside, it is taken', delivered, aside(200), { attempts: 9 }, { kind: 'delivered' }],
  ['asked for by hand, it is taken', delivered, byHand, {}, { kind: 'delivered' }],

  ['in a lane, its endpoint is gone', gone, inOrder, {}, { kind: 'gone' }],
  ['in a lane, its endpoint is gone after failures', gone, inOrder, { attempts: 3 }, { kind: 'gone' }],
  ['in a loose lane, its endpoint is gone: the others under way are not sent again', gone, loose, {}, setAside(0)],
  ['in a loose lane, its endpoint is gone at a probe', gone, loose, { probing: true }, { kind: 'gone' }],
  ['aside, its endpoint is gone', gone, aside(1), { attempts: 1 }, { kind: 'gone' }],

  ['in a lane, the endpoint fails', failed, inOrder, {}, wait(5)],
  ['in a lane, the endpoint fails again', failed, inOrder, { attempts: 1 }, wait(30)],
  ['in a lane, the endpoint fails for days', failed, inOrder, { attempts: 300 }, wait(1_800)],
  ['in a lane, the endpoint fails a probe', failed, inOrder, { probing: true }, wait(5)],
  ['in a lane, the endpoint says when', later('failed', 600), inOrder, { attempts: 4 }, wait(600, false)],
  [
    'in a lane, the endpoint fails after refusals: no refusal is added',
    failed,
    inOrder,
    { attempts: 11, refusals: 11, refusedSince: hoursAgo(30) },
    wait(1_800),
  ],

  ['in a lane, it is refused', refused, inOrder, {}, wait(5, false)],
  ['in a lane, it is refused, and is to come later', later('refused', 90), inOrder, {}, wait(90, false)],
  ['in a lane, it is refused, and is to come sooner than it would', later('refused', 1), inOrder, { attempts: 2 }, wait(120, false)],
  [
    'in a lane, it is refused for the 11th time',
    refused,
    inOrder,
    { attempts: 10, refusals: 10, refusedSince: hoursAgo(3) },
    wait(1_800, false),
  ],
  ['in a lane, it is refused for the 12th time', refused, inOrder, { attempts: 11, refusals: 11, refusedSince: hoursAgo(3) }, parked],
  [
    'in a lane, its failures are no refusals',
    refused,
    inOrder,
    { attempts: 50, refusals: 10, refusedSince: hoursAgo(3) },
    wait(1_800, false),
  ],
  [
    'in a lane, it is refused, 23 hours after the first time',
    refused,
    inOrder,
    { attempts: 2, refusals: 2, refusedSince: hoursAgo(23) },
    wait(120, false),
  ],
  [
    'in a lane, it is refused, a day after the first time',
    refused,
    inOrder,
    { attempts: 2, refusals: 2, refusedSince: hoursAgo(24) },
    parked,
  ],
  ['in a lane, a probe is refused for the 12th time', refused, inOrder, { refusals: 11, refusedSince: hoursAgo(1), probing: true }, parked],

  ['in a loose lane, the endpoint fails', failed, loose, {}, setAside(5)],
  ['in a loose lane, the endpoint says when', later('failed', 600), loose, {}, setAside(600)],
  ['in a loose lane, it is refused', refused, loose, {}, setAside(5)],
  ['in a loose lane, the endpoint fails a probe', failed, loose, { probing: true }, wait(5)],
  ['in a loose lane, the endpoint fails after a probe', failed, loose, { attempts: 1 }, wait(30)],
  ['in a loose lane, it is refused for the 12th time', refused, loose, { attempts: 11, refusals: 11, refusedSince: hoursAgo(3) }, parked],

  ['aside, the endpoint fails', failed, aside(1), { attempts: 1 }, wait(30)],
  ['aside, the endpoint fails after five days', failed, aside(120), { attempts: 200 }, wait(1_800)],
  ['aside, the endpoint fails after more than five days', failed, aside(120.1), { attempts: 200 }, parked],
  ['aside, its endpoint is gone after more than five days', gone, aside(120.1), { attempts: 200 }, parked],
  ['aside, it is refused', refused, aside(1), { attempts: 1, refusals: 1, refusedSince: hoursAgo(1) }, wait(30, false)],
  ['aside, it is refused for the 12th time', refused, aside(1), { attempts: 11, refusals: 11, refusedSince: hoursAgo(1) }, parked],
  [
    'aside, it is refused, a day after the first time',
    refused,
    aside(25),
    { attempts: 2, refusals: 2, refusedSince: hoursAgo(24) },
    parked,
  ],

  ['asked for by hand, the endpoint fails', failed, byHand, {}, parked],
  ['asked for by hand, it is refused', refused, byHand, {}, parked],
  ['asked for by hand, its endpoint is gone', gone, byHand, {}, parked],
];

test.each(cases)('%s', (_, outcome, place, before, decision) => {
  const tried: Tried = { attempts: 0, refusals: 0, refusedSince: null, probing: false, place, ...before };
  expect(decide(tried, outcome, now, 0.5)).toEqual(decision);
});
