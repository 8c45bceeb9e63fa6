import { bounds } from '#bounds';
import { type Hashed, Hashing, HashingBusy } from './hashing';

/** Work that ends when it is told to, and the names of what has begun so far. */
function aHashing() {
  const hashing = new Hashing();
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (hashed: Hashed, name: string): Promise<string> =>
    hashing.run(hashed, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      return name;
    });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { run, end, begun };
}

test('a token begins at once while passwords wait, and none of those before it', async () => {
  const { run, end, begun } = aHashing();
  const passwords = ['p1', 'p2', 'p3'].map((name) => run('password', name));
  expect(begun).toEqual(['p1']);
  const tokens = ['t1', 't2', 't3', 't4'].map((name) => run('token', name));
  expect(begun).toEqual(['p1', 't1', 't2']);

  await end('p1');
  expect(begun).toEqual(['p1', 't1', 't2', 't3']);
  await end('t1');
  expect(begun).toEqual(['p1', 't1', 't2', 't3', 't4']);
  await end('t2');
  expect(begun).toEqual(['p1', 't1', 't2', 't3', 't4', 'p2']);
  for (const name of ['t3', 't4', 'p2', 'p3']) await end(name);
  expect(await Promise.all([...tokens, ...passwords])).toEqual(['t1', 't2', 't3', 't4', 'p1', 'p2', 'p3']);
});

test.each([
  ['password', bounds.passwordsAtOnce + bounds.passwordsWaiting],
  ['new_token', bounds.newTokensAtOnce + bounds.newTokensWaiting],
] as const)('a %s beyond its queue is refused at once, and one is taken again when one is done', async (hashed, atMost) => {
  const { run, end, begun } = aHashing();
  const all = Array.from({ length: atMost }, (_, n) => run(hashed, `${n}`));
  await expect(run(hashed, 'one too many')).rejects.toThrow(HashingBusy);
  await end('0');
  all.push(run(hashed, 'another'));
  for (let n = 1; n < atMost; n += 1) await end(`${n}`);
  await end('another');
  await Promise.all(all);
  expect(begun).toEqual([...Array.from({ length: atMost }, (_, n) => `${n}`), 'another']);
});

test('new tokens and passwords do not wait for one another', () => {
  const { run, begun } = aHashing();
  for (const name of ['n1', 'n2']) void run('new_token', name);
  for (const name of ['p1', 'p2']) void run('password', name);
  void run('token', 't1');
  expect(begun).toEqual(['n1', 'p1', 't1']);
});

test('work that fails makes room as well', async () => {
  const hashing = new Hashing();
  await expect(hashing.run('password', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await hashing.run('password', async () => 'next')).toBe('next');
});
