/** The same request in a directory of a thousand and of a million users, in turns and one at a time. */
import assert from 'node:assert/strict';
import { count, median, table } from './figures';
import { send } from './load';
import { match, type ScimRequest, titleChange, userBody } from './requests';
import { fillCauseway, type Postgres, startCauseway, type Subject } from './subjects';

const flatWithin = 1.5;

export async function measureScale(postgres: Postgres, sizes: number[], rounds: number): Promise<void> {
  const server = await startCauseway(await postgres.database('scale'), { directories: sizes.length });
  try {
    const subjects: { subject: Subject; size: number }[] = [];
    for (const [i, size] of sizes.entries()) {
      subjects.push({ subject: await fillCauseway(server, server.directories[i]!, size), size });
      console.log(`${count(size)} users`);
    }
    const kinds: [string, (subject: Subject, size: number, n: number) => ScimRequest][] = [
      ['create a user', (_, size, n) => ({ method: 'POST', path: '/Users', body: userBody(`newcomer${size}x${n}`) })],
      ['match by userName', (_, size, n) => ({ method: 'GET', path: match(`person${(n * 7_919) % size}@acme.com`) })],
      ['read a user', (subject, size, n) => ({ method: 'GET', path: `/Users/${subject.userId((n * 7_919) % size)}` })],
      [
        'PATCH one attribute',
        (subject, size, n) => ({
          method: 'PATCH',
          path: `/Users/${subject.userId((n * 7_919) % size)}`,
          body: titleChange(`Engineer ${n}`),
        }),
      ],
      ['list 100, first page, after a change', () => ({ method: 'GET', path: '/Users?count=100' })],
      ['list 100, first page, again', () => ({ method: 'GET', path: '/Users?count=100' })],
      ['list 100, by cursor', () => ({ method: 'GET', path: '/Users?count=100&cursor=' })],
    ];
    const times = kinds.map(() => sizes.map((): number[] => []));
    for (let round = -20; round < rounds; round += 1) {
      for (const [s, { subject, size }] of subjects.entries()) {
        for (const [k, [name, ask]] of kinds.entries()) {
          if (name.includes('list') && round % 20 !== 0) continue;
          const sent = performance.now();
          const { status } = await send(subject.connections, subject, ask(subject, size, round + 20));
          if (round >= 0) times[k]![s]!.push(performance.now() - sent);
          assert.ok(status < 300);
        }
      }
    }
    const rows = kinds.map(([name], k) => {
      const medians = times[k]!.map(median);
      const ratio = medians.at(-1)! / medians[0]!;
      return [
        name,
        ...medians.map((ms) => `${ms.toFixed(2)} ms`),
        `×${ratio.toFixed(2)}${ratio > flatWithin ? ` (over ×${flatWithin})` : ''}`,
      ];
    });
    console.log(`\n${table(['one, median', ...sizes.map((size) => `of ${count(size)}`), ''], rows)}\n`);
  } finally {
    await server.db.end();
    await server.stop();
  }
}
