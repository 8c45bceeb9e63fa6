/** What infra/bench/deliveries.ts compares with, a process of its own: so many loops that POST what they are given with undici, one after the other, and do nothing else. */
import { Agent, request } from 'undici';

export interface ToBareLoop {
  url: string;
  /** Gone through again and again. */
  webhooks: { path: string; headers: Record<string, string>; body: string }[];
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

async function run({ url, webhooks, requests, concurrency }: ToBareLoop): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < requests) {
      const webhook = webhooks[next % webhooks.length];
      if (!webhook) throw new Error('there is nothing to send');
      next += 1;
      const response = await request(`${url}/${webhook.path}`, { dispatcher: agent, method: 'POST', headers: webhook.headers, body: webhook.body });
      await response.body.dump();
      if (response.statusCode !== 204) throw new Error(`the receiver answered ${response.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
}
