/** What infra/bench/deliveries.ts compares with, a process of its own: so many loops that POST what they are given with undici, one after the other, and do nothing else. */
import { Agent, request } from 'undici';
import { newSecret, signatureHeader, signedContent, signingKey } from '../../packages/delivery/endpoint/signature';

export interface ToBareLoop {
  url: string;
  /** Gone through again and again. */
  webhooks: { path: string; headers: Record<string, string>; body: string }[];
  requests: number;
  concurrency: number;
  /** By path: sign each webhook as a worker does, before it is sent. Otherwise its headers are sent as they are. */
  secrets?: Record<string, string>;
}

process.on('message', (order: ToBareLoop) => {
  run(order).then(
    () => process.send?.('done'),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

const agent = new Agent({ pipelining: 1 });

async function run({ url, webhooks, requests, concurrency, secrets }: ToBareLoop): Promise<void> {
  // The private key is the broker's secret; any signs as fast.
  const keys =
    secrets && new Map(Object.entries(secrets).map(([endpoint, secret]) => [endpoint, [signingKey(secret, newSecret().privateKey, null)]]));
  const sign = async ({ path, headers, body }: ToBareLoop['webhooks'][number]): Promise<Record<string, string>> => {
    const at = new Date(Number(headers['webhook-timestamp']) * 1_000);
    const { signed } = signedContent(String(headers['webhook-id']), at, body);
    return { ...headers, 'webhook-signature': await signatureHeader(keys?.get(path) ?? [], at, signed) };
  };
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < requests) {
      const webhook = webhooks[next % webhooks.length];
      if (!webhook) throw new Error('there is nothing to send');
      next += 1;
      const response = await request(`${url}/${webhook.path}`, {
        dispatcher: agent,
        method: 'POST',
        headers: keys ? await sign(webhook) : webhook.headers,
        body: webhook.body,
      });
      await response.body.dump();
      if (response.statusCode !== 204) throw new Error(`the receiver answered ${response.statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
}
