import type { Answer, TestBroker } from '../a-broker';

let addresses = 0;

/** Somebody at the console's page: keeps the cookie, and says with every write that it is our page that writes. */
export class AMember {
  cookie: string | undefined;
  /** Each from an address of their own, where the broker trusts what loopback says of it: attempts are counted by address. */
  readonly #address = `198.51.100.${++addresses % 256}`;

  constructor(readonly broker: Pick<TestBroker, 'call'>) {}

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.broker.call(method, `/console/api${path}`, {
      key: null,
      ...(body !== undefined && { body }),
      headers: {
        'sec-fetch-site': 'same-origin',
        'x-causeway-page': '1',
        'x-forwarded-for': this.#address,
        ...(this.cookie !== undefined && { cookie: this.cookie }),
        ...headers,
      },
    });
    const set = answer.headers.get('set-cookie');
    if (set) this.cookie = /Max-Age=0/.test(set) ? undefined : set.split(';')[0];
    return answer;
  }

  async signIn(email: string, password: string): Promise<this> {
    const answer = await this.call('POST', '/session', { email, password });
    if (answer.status !== 200) throw new Error(`signing in: ${answer.status} ${answer.text}`);
    return this;
  }
}
