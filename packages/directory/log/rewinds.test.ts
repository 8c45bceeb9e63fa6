import { newId } from '#identifier';
import { type FeedEpoch, firstEpoch, newEpochName } from '../writing/epoch';
import { decodeCursor, encodeCursor } from './cursor';
import { commonPosition, type Rewind } from './rewinds';

const environmentId = newId();

/** The log of a database: how it was rewound, and the epoch that it is in. */
interface Log {
  rewinds: Rewind[];
  epoch: FeedEpoch;
}
const original: Log = { rewinds: [], epoch: firstEpoch };

/** A log that was set back to a position, as it stood then, and rewound. */
function rewound(log: Log, position: number): Log {
  const epoch = { number: log.epoch.number + 1, name: newEpochName(), began: position, previous: log.epoch.name };
  return { rewinds: [...log.rewinds, { number: epoch.number, name: epoch.name, position }], epoch };
}

describe('a cursor', () => {
  test.each([
    ['of the first epoch', firstEpoch],
    ['of a later one', rewound(original, 40).epoch],
    ['of one still later', rewound(rewound(original, 40), 90).epoch],
  ])('%s is read as it was written, and by its own environment alone', (_, epoch) => {
    const cursor = { environmentId, epoch, position: 90_210 };
    const text = encodeCursor(cursor);
    expect(text).toMatch(/^[A-Za-z0-9_-]{39,71}$/);
    expect(decodeCursor(text, environmentId)).toEqual(cursor);
    expect(decodeCursor(text, newId())).toBeUndefined();
    expect(decodeCursor(text.slice(0, -1), environmentId)).toBeUndefined();
  });

  test('of the first epoch is as it was before there were names', () => {
    const bytes = Buffer.from(encodeCursor({ environmentId, epoch: { ...firstEpoch, number: 3 }, position: 7 }), 'base64url');
    expect([bytes.length, bytes[0], bytes.readUInt32BE(17), bytes.readBigUInt64BE(21)]).toEqual([29, 1, 3, 7n]);
  });
});

describe('where a cursor of another epoch goes on', () => {
  const at = (log: Log, position: number) => ({ epoch: log.epoch, position });

  test('after a rewind: where it was, or where the log was set back to', () => {
    const { rewinds } = rewound(original, 40);
    expect([commonPosition(at(original, 30), rewinds), commonPosition(at(original, 60), rewinds)]).toEqual([30, 40]);
  });

  test('after several rewinds: the furthest back of those that it has not heard of', () => {
    const second = rewound(original, 40);
    const third = rewound(second, 30);
    const { rewinds } = rewound(third, 70);
    expect(commonPosition(at(original, 60), rewinds)).toBe(30);
    expect(commonPosition(at(second, 60), rewinds)).toBe(30);
    expect(commonPosition(at(third, 90), rewinds)).toBe(70);
  });

  test('after a backup was restored twice: where the first of them began, which this log has never heard of', () => {
    const lost = rewound(original, 40);
    expect(commonPosition(at(lost, 80), rewound(original, 40).rewinds)).toBe(40);
    expect(commonPosition(at(lost, 80), rewound(original, 60).rewinds)).toBe(40);
    expect(commonPosition(at(lost, 80), rewound(original, 20).rewinds)).toBe(20);
    expect(commonPosition(at(lost, 15), rewound(original, 20).rewinds)).toBe(15);
  });

  test('of a history in which more than one epoch is unknown here: from the beginning, since nothing is known of what is common', () => {
    expect(commonPosition(at(rewound(rewound(original, 40), 70), 90), rewound(original, 60).rewinds)).toBe(0);
  });

  test('of a release that gave epochs no names', () => {
    const unnamed: Rewind[] = [{ number: 2, name: null, position: 40 }];
    const old = { epoch: { ...firstEpoch, number: 2 }, position: 80 };
    const { rewinds } = rewound({ rewinds: unnamed, epoch: old.epoch }, 60);
    expect(commonPosition(at(original, 50), rewinds)).toBe(40);
    expect(commonPosition(old, rewinds)).toBe(60);
    // Its own second epoch may have begun anywhere.
    expect(commonPosition(old, rewound(original, 60).rewinds)).toBe(0);
  });
});
