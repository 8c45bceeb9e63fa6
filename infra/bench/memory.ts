/** What a process holds after many requests: it may grow to begin with, and not for ever. */
import { count } from './figures';
import { inParallel, send } from './load';
import { memoryOf } from './processes';
import { match, titleChange, userBody } from './requests';
import { fillCauseway, type Postgres, startCauseway } from './subjects';

const mostMB = 200;

export async function measureMemory(postgres: Postgres, requests: number): Promise<void> {
  const server = await startCauseway(await postgres.database('memory'));
  try {
    const users = 2_000;
    const subject = await fillCauseway(server, server.directories[0]!, users);
    console.log(`after ${'0'.padStart(9)} requests: ${count(memoryOf(server.pid).now)} MB`);
    for (let part = 1; part <= 10; part += 1) {
      const begun = performance.now();
      await inParallel(16, requests / 10, async (n) => {
        const who = (n * 7_919 + part) % users;
        if (n % 4 === 0)
          await send(subject.connections, subject, {
            method: 'PATCH',
            path: `/Users/${subject.userId(who)}`,
            body: titleChange(`${part} ${n}`),
          });
        else if (n % 40 === 1)
          await send(subject.connections, subject, { method: 'POST', path: '/Users', body: userBody(`newcomer${part}x${n}`) });
        else if (n % 2 === 0) await send(subject.connections, subject, { method: 'GET', path: match(`person${who}@acme.com`) });
        else await send(subject.connections, subject, { method: 'GET', path: `/Users/${subject.userId(who)}` });
      });
      const { now, peak } = memoryOf(server.pid);
      console.log(
        `after ${count((requests / 10) * part).padStart(9)} requests: ${count(now)} MB, ${count(peak)} MB at its largest; ${count((requests / 10 / (performance.now() - begun)) * 1_000)} a second`,
      );
    }
    const { now } = memoryOf(server.pid);
    console.log(now < mostMB ? `under ${mostMB} MB` : `over ${mostMB} MB by ${count(now - mostMB)}`);
  } finally {
    await server.db.end();
    await server.stop();
  }
}
