import { forgetExpiredSetupLinks } from '#accounts';
import { aBroker, type TestBroker } from '../a-broker';
import { ABrowser } from '../oauth/a-browser';

let broker: TestBroker;
let directoryId: string;
beforeAll(async () => {
  broker = await aBroker();
  directoryId = (await broker.aDirectory()).id;
});

const aLink = async (of = directoryId, body: object = {}): Promise<{ url: string; expires_at: string }> =>
  (await broker.call('POST', `/v1/directories/${of}/setup_link`, { body })).body;
const opens = async (url: string): Promise<boolean> => (await new ABrowser(broker).open(url)).status === 303;

test('a link opens as often as it is opened, with a session of its own each time, and leads away from its address', async () => {
  const link = await aLink();
  expect(link).toEqual({
    url: expect.stringMatching(/^http:\/\/causeway\.test\/setup\/cwl_[A-Za-z0-9_-]{66}$/),
    expires_at: expect.any(String),
  });
  expect(Math.round((Date.parse(link.expires_at) - Date.now()) / 86_400_000)).toBe(7);

  const cookies = [];
  for (let i = 0; i < 2; i++) {
    const browser = new ABrowser(broker);
    const opened = await browser.open(link.url);
    expect([opened.status, opened.location, opened.headers.get('cache-control')]).toEqual([303, '/setup', 'no-store']);
    cookies.push(browser.cookies.get('causeway_setup'));
  }
  expect(cookies).toEqual([expect.stringMatching(/^cwp_/), expect.stringMatching(/^cwp_/)]);
  expect(cookies[0]).not.toBe(cookies[1]);
});

test('the cookie is out of reach of scripts and of other sites, and under https of whoever listens or shares the domain', async () => {
  const plain = (await new ABrowser(broker).open((await aLink()).url)).headers.get('set-cookie') ?? '';
  expect(plain.replace(/=cwp_[^;]+/, '=…').replace(/Expires=[^;]+/, 'Expires=…')).toBe(
    'causeway_setup=…; Path=/; Expires=…; HttpOnly; SameSite=Lax',
  );
  expect(Date.parse(/Expires=([^;]+)/.exec(plain)?.[1] ?? '') - Date.now()).toBeLessThanOrEqual(2 * 3_600_000);

  const secure = await aBroker({ publicUrl: 'https://scim.example.com' });
  const { id } = await secure.aDirectory();
  const { url } = (await secure.call('POST', `/v1/directories/${id}/setup_link`)).body;
  const cookie = (await new ABrowser(secure).open(url)).headers.get('set-cookie') ?? '';
  expect(cookie.replace(/=cwp_[^;]+/, '=…').replace(/Expires=[^;]+/, 'Expires=…')).toBe(
    '__Host-causeway_setup=…; Path=/; Expires=…; HttpOnly; Secure; SameSite=Lax',
  );
});

test('what is no link, one that has expired and one that was revoked answer alike, in words', async () => {
  const [expired, revoked] = [await aLink(directoryId, { expires_in: 60 }), await aLink()];
  const live = await aLink((await broker.aDirectory()).id);
  const [, token = ''] = expired.url.split('/setup/');
  await broker.db.pool.query(
    "update setup_links set expires_at = now() - interval '1 second' where expires_at < now() + interval '2 minutes'",
  );
  expect(await opens(revoked.url)).toBe(true);
  expect((await broker.call('DELETE', `/v1/directories/${directoryId}/setup_link`)).status).toBe(204);

  const pages = await Promise.all(
    [expired.url, revoked.url, '/setup/cwl_nonsense', `/setup/${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`].map((url) =>
      new ABrowser(broker).open(url),
    ),
  );
  expect(new Set(pages.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect([pages[0]?.status, pages[0]?.text, pages[0]?.headers.get('set-cookie')]).toEqual([
    404,
    expect.stringContaining('does not work any more'),
    null,
  ]);
  expect(await opens(live.url)).toBe(true); // another directory's
});

test('a link lives 30 days at most, and belongs to a directory of the environment', async () => {
  for (const expires_in of [59, 30 * 86_400 + 1]) {
    expect((await broker.call('POST', `/v1/directories/${directoryId}/setup_link`, { body: { expires_in } })).body.errors[0].pointer).toBe(
      '/expires_in',
    );
  }
  const stranger = await broker.stranger();
  for (const method of ['POST', 'DELETE'])
    expect((await broker.call(method, `/v1/directories/${directoryId}/setup_link`, { key: stranger })).status).toBe(404);
});

test('links and sessions that have expired are forgotten, a link not before its last session', async () => {
  const own = (await broker.aDirectory()).id;
  const link = await aLink(own);
  await opens(link.url);
  const left = async (): Promise<number[]> => {
    const { rows } = await broker.db.pool.query<{ links: number; sessions: number }>(
      'select count(distinct l.id) as links, count(s.id) as sessions from setup_links l left join setup_sessions s on s.link_id = l.id where l.directory_id::text = $1',
      [own.replace(/^dir_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')],
    );
    return [Number(rows[0]?.links), Number(rows[0]?.sessions)];
  };
  const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
  await broker.db.pool.query("update setup_sessions set expires_at = now() + interval '10 days'");
  await forgetExpiredSetupLinks(broker.db.pool, inDays(8));
  expect(await left()).toEqual([1, 1]);
  await forgetExpiredSetupLinks(broker.db.pool, inDays(11));
  expect(await left()).toEqual([0, 0]);
});
