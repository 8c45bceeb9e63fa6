import { Places } from './places';

const share = (whose: string, atMost: number) => ({ whose, atMost });
const leaving = () => new AbortController();

test('so many places and no more, of which one that is given back can be taken again', () => {
  const places = new Places();
  const stays = [leaving(), leaving()];
  for (const { signal } of stays) expect(places.take([share('a', 2)], signal)).toBeUndefined();
  expect(places.take([share('a', 2)], leaving().signal)).toEqual(share('a', 2));
  expect(places.take([share('b', 2)], leaving().signal)).toBeUndefined();

  stays[0]?.abort();
  expect(places.takenOf('a')).toBe(1);
  expect(places.take([share('a', 2)], leaving().signal)).toBeUndefined();
});

test('whoever is refused one has taken none of the others', () => {
  const places = new Places();
  for (let n = 0; n < 3; n += 1) places.take([share(`key ${n}`, 2), share('environment', 3)], leaving().signal);
  expect(places.take([share('key 0', 2), share('environment', 3)], leaving().signal)).toEqual(share('environment', 3));
  expect(places.takenOf('key 0')).toBe(1);
});

test('whoever has left already takes nothing', () => {
  const places = new Places();
  const left = leaving();
  left.abort();
  expect(places.take([share('a', 1)], left.signal)).toBeUndefined();
  expect(places.takenOf('a')).toBe(0);
});
