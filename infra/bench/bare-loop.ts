/** What infra/bench/deliveries.ts compares with, a process of its own: so many loops that POST the given bodies with undici, one after the other, and do nothing else. */
import { Agent, request } from 'undici';

export interface ToBareLoop {
  url: string;
  paths: string[];
  bodies: string[];
  headers: Record<string, string>;
  requests: number;
  concurrency: number;
}

process.on('message', (order: ToBareLoop) => {
  run(order).then(() => process.send?.('done'), (error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));

const agent = new Agent({ pipelining: 1 });

async function run({ url, paths, bodies, headers, requests, concurrency }: ToBareLoop): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < requests) {
      const n = next;
      next += 1;
      const response = await request(`${url}/${paths[n % paths.length]}`, { dispatcher: agent, method: 'POST', headers, body: bodies[n % bodies.length] ?? '' });
      await response.body.dump();
      if (response.statusCode !== 204) throw new Error(`the receiver answered ${response.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
}
