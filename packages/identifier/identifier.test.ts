import fc from 'fast-check';
import { idAt, newId, parsePublicId, presentTime, publicId, tellTimeBy } from './index';

test('a public id holds the id, and only its own prefix opens it', () => {
  const id = newId();
  expect(publicId('usr', id)).toMatch(/^usr_[0-9a-f]{32}$/);
  expect(parsePublicId('usr', publicId('usr', id))).toBe(id);
  expect(parsePublicId('grp', publicId('usr', id))).toBeUndefined();
});

test('anything else is not an id', () => {
  fc.assert(fc.property(fc.string(), (text) => parsePublicId('usr', text) === undefined));
  expect(parsePublicId('usr', publicId('usr', newId()).toUpperCase())).toBeUndefined();
  expect(parsePublicId('usr', `${publicId('usr', newId())}0`)).toBeUndefined();
});

test('ids of one process rise, and lie above the smallest id of their millisecond', () => {
  const before = idAt(new Date());
  const ids = Array.from({ length: 1000 }, newId);
  expect([...ids].sort()).toEqual(ids);
  expect(ids[0]! > before).toBe(true);
  expect(ids[999]! < idAt(new Date(Date.now() + 60_000))).toBe(true);
});

test('ids tell the time of the clock that a process was told to go by', () => {
  const [from, until] = ['2019-05-01T00:00:00.000Z', '2019-05-01T00:00:00.001Z'].map((text) => idAt(new Date(text)));
  tellTimeBy(() => Date.parse('2019-05-01T00:00:00Z') + 0.4);
  try {
    const ids = [newId(), newId()];
    expect(ids.every((id) => from! < id && id < until!)).toBe(true);
    expect(ids[0]! < ids[1]!).toBe(true);
    expect(presentTime().toISOString()).toBe('2019-05-01T00:00:00.000Z');
  } finally {
    tellTimeBy(Date.now);
  }
});
