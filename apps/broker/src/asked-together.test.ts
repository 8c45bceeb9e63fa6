import { AskedTogether } from './asked-together';

/** Counts what is asked; answers with how many have been by then. */
function counting() {
  let asked = 0;
  return { answer: async () => (asked += 1), times: () => asked };
}

test('those who ask the same in one turn ask once', async () => {
  const together = new AskedTogether<number>();
  const { answer, times } = counting();
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => together.ask('where', answer)));
  expect([new Set(answers), times()]).toEqual([new Set([1]), 1]);
});

test('whoever asks once it is being asked asks anew: what they are told is no older than their question', async () => {
  const together = new AskedTogether<number>();
  const { answer } = counting();
  let later: Promise<number> | undefined;
  const first = together.ask('where', async () => {
    later = together.ask('where', answer);
    return answer();
  });
  expect([await first, await later]).toEqual([1, 2]);
});

test('another question is asked by itself, and a failure is theirs alone who asked together', async () => {
  const together = new AskedTogether<number>();
  const { answer } = counting();
  const failing = Array.from({ length: 2 }, () => together.ask('here', () => Promise.reject(new Error('away'))));
  expect(await together.ask('there', answer)).toBe(1);
  for (const one of failing) await expect(one).rejects.toThrow('away');
  expect(await together.ask('here', answer)).toBe(2);
});
