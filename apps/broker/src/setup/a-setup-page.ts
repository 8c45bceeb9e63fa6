import type { Answer, TestBroker } from '../a-broker';
import { ABrowser } from '../oauth/a-browser';

/** Calls as the page does that a directory's setup link has opened. */
export async function aSetupPage(
  broker: TestBroker,
  directoryId: string,
): Promise<(method: string, path: string, body?: unknown) => Promise<Answer>> {
  const { url } = (await broker.call('POST', `/v1/directories/${directoryId}/setup_link`)).body;
  const browser = new ABrowser(broker);
  await browser.open(url);
  const cookie = `causeway_setup=${browser.cookies.get('causeway_setup')}`;
  return (method, path, body) =>
    broker.call(method, `/setup/api${path}`, {
      key: null,
      headers: { cookie, 'sec-fetch-site': 'same-origin', 'x-causeway-page': '1' },
      ...(body !== undefined && { body }),
    });
}
