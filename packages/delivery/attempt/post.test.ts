import type { LookupAddress } from 'node:dns';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { eventually, startVendor } from '#testing';
import { AddressRule } from '../endpoint/addresses';
import { type Answer, Poster, type PosterOptions } from './post';

const posters: Poster[] = [];
const servers: { close: () => void }[] = [];

afterEach(async () => {
  await Promise.all(posters.splice(0).map((poster) => poster.close()));
  for (const server of servers.splice(0)) server.close();
});

function aPoster({ allowed = ['127.0.0.0/8', '::1/128'], ...more }: { allowed?: string[] } & Partial<PosterOptions> = {}): Poster {
  const poster = new Poster({ addresses: new AddressRule(allowed), ...more });
  posters.push(poster);
  return poster;
}

const post = (poster: Poster, url: string): Promise<Answer> => poster.post(new URL(url), { 'content-type': 'application/json' }, '{}');

const inWords = async (answer: Promise<Answer>): Promise<string | number> => {
  const got = await answer;
  return got.kind === 'answered' ? got.status : got.reason;
};

const notPublic = 'its host resolves to an address that is not public, which webhooks may not reach';

describe('what an endpoint may do to us', () => {
  test('nothing, by answering as it should', async () => {
    const vendor = await startVendor({ status: 201, body: 'thank you' });
    expect(await post(aPoster(), vendor.url)).toMatchObject({ kind: 'answered', status: 201, body: 'thank you' });
    expect(vendor.received[0]).toMatchObject({ method: 'POST', path: '/webhooks', body: '{}' });
    expect(vendor.received[0]!.headers.host).toBe(new URL(vendor.url).host);
  });

  test('not answering ends at the total limit', async () => {
    const vendor = await startVendor({ hang: true });
    const answer = await post(aPoster({ totalMs: 300 }), vendor.url);
    expect(answer).toMatchObject({ kind: 'unanswered', status: null });
  });

  test('a body that drips ends at the total limit, whatever the status was', async () => {
    const vendor = await startVendor({ status: 200, dripEveryMs: 20 });
    const answer = await post(aPoster({ totalMs: 1_000 }), vendor.url);
    expect(answer).toMatchObject({ kind: 'unanswered', status: 200, reason: 'it answered 200, but its body was not complete within 1 s' });
  });

  test('of a body of 10 MB, 64 KiB are read', async () => {
    const vendor = await startVendor({ status: 200, bodyBytes: 10 * 1024 * 1024 });
    const answer = await post(aPoster(), vendor.url);
    expect(answer).toMatchObject({ kind: 'answered', status: 200 });
    expect(answer.body).toHaveLength(64 * 1024);
  });

  test('a redirect is an answer, and nothing is asked of where it points', async () => {
    const inside = await startVendor();
    const vendor = await startVendor({ status: 302, headers: { location: inside.url } });
    expect(await inWords(post(aPoster(), vendor.url))).toBe(302);
    expect(inside.received).toEqual([]);
  });

  test('cutting the connection is told in words', async () => {
    const vendor = await startVendor({ reset: true });
    expect(await inWords(post(aPoster(), vendor.url))).toBe('the connection was closed before an answer came');
  });

  test('a NUL in its answer does not keep the attempt from being stored', async () => {
    const vendor = await startVendor({ status: 400, body: 'a\0b' });
    expect((await post(aPoster(), vendor.url)).body).toBe('a\uFFFDb');
  });

  test('an attempt that we end ourselves says so', async () => {
    const vendor = await startVendor({ hang: true });
    const poster = aPoster();
    const answer = post(poster, vendor.url);
    await eventually(() => vendor.received.length === 1);
    poster.stop();
    expect(await answer).toMatchObject({ kind: 'unanswered', stopped: true, reason: 'the worker stopped before an answer came' });
  });
});

describe('where we go', () => {
  test.each([
    '127.0.0.1',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '017700000001',
    '0x7f000001',
    '127.0.0.1.',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '[fe80::1]',
    '100.64.0.1',
    '0.0.0.0',
    '[::]',
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[fc00::1]',
    '[fec0::1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[2001:db8::1]',
    '[100::1]',
    '[ff02::1]',
    'localhost',
    'LOCALHOST',
  ])('is never %s', async (host) => {
    const vendor = await startVendor();
    const { port } = new URL(vendor.url);
    const poster = aPoster({ allowed: [] });
    expect(await inWords(post(poster, `http://${host}:${port}/`))).toBe(notPublic);
    expect(await inWords(post(poster, `https://${host}:${port}/`))).toBe(notPublic);
    expect(vendor.received).toEqual([]);
  });

  const resolvesTo =
    (...addresses: string[]) =>
    async (): Promise<LookupAddress[]> =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

  test('is never a host of which any address is forbidden', async () => {
    const vendor = await startVendor();
    const { port } = new URL(vendor.url);
    for (const resolve of [
      resolvesTo('127.0.0.1'),
      resolvesTo('93.184.216.34', '10.0.0.1'),
      resolvesTo('::ffff:127.0.0.1'),
      resolvesTo('fe80::1%eth0'),
    ]) {
      expect(await inWords(post(aPoster({ allowed: [], resolve }), `https://vendor.test:${port}/`))).toBe(notPublic);
    }
    expect(vendor.received).toEqual([]);
  });

  test('is what was looked at: a name that resolves otherwise the next moment gains nothing', async () => {
    const inside = await startVendor();
    const { port } = new URL(inside.url);
    let asked = 0;
    const resolve = async (): Promise<LookupAddress[]> => {
      asked += 1;
      return [{ address: asked === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }];
    };
    // Only 127.0.0.2 may be reached, and nothing listens there.
    expect(await inWords(post(aPoster({ allowed: ['127.0.0.2/32'], resolve }), `http://vendor.test:${port}/`))).toBe(
      'the connection was refused',
    );
    expect(asked).toBe(1);
    expect(inside.received).toEqual([]);
  });

  test('over http is only where the operator allows it', async () => {
    const useHttps = 'http is only for addresses in WEBHOOK_ALLOWED_CIDRS: use https';
    expect(await inWords(post(aPoster({ resolve: resolvesTo('93.184.216.34') }), 'http://vendor.test/'))).toBe(useHttps);
    expect(await inWords(post(aPoster(), 'http://93.184.216.34/'))).toBe(useHttps);
  });

  test('a name that does not exist is told in words', async () => {
    const resolve = async (): Promise<LookupAddress[]> => {
      throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    };
    expect(await inWords(post(aPoster({ resolve }), 'https://vendor.test/'))).toBe('its host name does not exist');
  });

  test('what does not connect is given up after the connect limit, the name looked up included', async () => {
    const answer = await post(aPoster({ resolve: () => new Promise(() => {}), connectMs: 1_000 }), 'http://vendor.test/');
    expect(answer).toMatchObject({ kind: 'unanswered', reason: 'no connection within 1 s' });
  }, 10_000);
});

describe('TLS', () => {
  const toLoopback = async (): Promise<LookupAddress[]> => [{ address: '127.0.0.1', family: 4 }];

  async function aTlsVendor(options: ServerOptions = {}): Promise<{ port: number; seen: { sni: string; host: string | undefined }[] }> {
    const seen: { sni: string; host: string | undefined }[] = [];
    let sni = '';
    const server = createHttpsServer(
      {
        key,
        cert: certificate,
        ...options,
        SNICallback: (name, callback) => {
          sni = name;
          callback(null);
        },
      },
      (request, response) => {
        seen.push({ sni, host: request.headers.host });
        response.end('hello');
      },
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, seen };
  }

  test('goes to the address that was looked up, with the right SNI, certificate and Host', async () => {
    const { port, seen } = await aTlsVendor();
    const poster = aPoster({ resolve: toLoopback, trustedCertificates: certificate });
    expect(await post(poster, `https://vendor.test:${port}/`)).toMatchObject({ kind: 'answered', status: 200, body: 'hello' });
    expect(seen).toEqual([{ sni: 'vendor.test', host: `vendor.test:${port}` }]);
  });

  test('refuses a certificate for another host, and one that nobody vouches for', async () => {
    const { port } = await aTlsVendor();
    const trusting = aPoster({ resolve: toLoopback, trustedCertificates: certificate });
    expect(await inWords(post(trusting, `https://other.test:${port}/`))).toBe('its certificate is for another host');
    expect(await inWords(post(aPoster({ resolve: toLoopback }), `https://vendor.test:${port}/`))).toBe(
      'its certificate is not signed by a trusted authority, or its chain is incomplete',
    );
  });

  test('refuses what is older than 1.2', async () => {
    const { port } = await aTlsVendor({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    const poster = aPoster({ resolve: toLoopback, trustedCertificates: certificate });
    expect(await inWords(post(poster, `https://vendor.test:${port}/`))).toBe('TLS 1.2 or newer could not be agreed on');
  });
});

// Made for this test alone: vendor.test, until 2120.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDZG44d8sHNtXySyQ
jcbd6oxg52iIvfi0cnuvxNRGgcyhRANCAAQFLb8p8V6BYUAzki6tu4zZOuEmsnlN
NmjX4ozn25k4UWwWw28pJWYNgNf8kqVc1sHzaym3vNX01+otTJjgF7m9
-----END PRIVATE KEY-----`;
const certificate = `-----BEGIN CERTIFICATE-----
MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAt2ZW5kb3Iu
dGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFjEUMBIGA1UE
AwwLdmVuZG9yLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQFLb8p8V6B
YUAzki6tu4zZOuEmsnlNNmjX4ozn25k4UWwWw28pJWYNgNf8kqVc1sHzaym3vNX0
1+otTJjgF7m9o0owSDAWBgNVHREEDzANggt2ZW5kb3IudGVzdDAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBT+nUGo/k/OBQP00oADpMw+X47ryTAKBggqhkjOPQQD
AgNIADBFAiB/CT9ifHW+PEcLJm9Ktz4ycpmofZ0ZQWlx7TSKnxOM1wIhAIoN2Ckt
UMuC5+qD/ySsl2XIZKLhd2WtgR4vSBn0s7i4
-----END CERTIFICATE-----`;
