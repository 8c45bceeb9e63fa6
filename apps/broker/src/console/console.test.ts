import { randomBytes } from 'node:crypto';
import { aMailServer, countCalls, eventually, type MailServer, statementsOf } from '#testing';
import { aBroker, type TestBroker } from '../a-broker';
import { AMember } from './a-member';

const first = { email: 'Ada@Example.com', password: 'correct horse battery' };
const origin = 'http://causeway.test';

let mailbox: MailServer;
let broker: TestBroker;
beforeAll(async () => {
  mailbox = await aMailServer();
  broker = await aBroker({
    bootstrapAdminEmail: first.email,
    bootstrapAdminPassword: first.password,
    signUp: 'open',
    trustedProxies: ['127.0.0.1/32'],
    smtpUrl: mailbox.url,
    mailFrom: 'Causeway <causeway@example.com>',
  });
});
afterAll(() => mailbox.close());

const admin = (): Promise<AMember> => new AMember(broker).signIn(first.email, first.password);
const someone = (): string => `${randomBytes(6).toString('hex')}@example.org`;

/** The link in the newest mail to somebody. */
async function linkTo(email: string, place: string): Promise<string> {
  const mail = await eventually(
    () => mailbox.received.findLast(({ to, text }) => to.includes(email) && text.includes(`/${place}/`)) ?? false,
  );
  return new RegExp(`${origin}/${place}/([A-Za-z0-9_-]{43})\\b`).exec(mail.text)?.[1] ?? '';
}

/** A stranger who has signed up, and the environment that came with it. */
async function signedUp(): Promise<{ email: string; member: AMember; environment: string }> {
  const email = someone();
  const member = new AMember(broker);
  expect((await member.call('POST', '/sign_up', { email, password: 'a password of theirs', environment_name: 'Theirs' })).status).toBe(202);
  const { body } = await member.call('POST', '/sign_up/confirm', {
    secret: await linkTo(email, 'confirm'),
    password: 'a password of theirs',
  });
  return { email, member, environment: body.environments[0].id };
}

/** Somebody invited to the first environment. */
async function invited(role: 'admin' | 'viewer'): Promise<{ email: string; member: AMember }> {
  const email = someone();
  await (await admin()).call('POST', `/environments/${broker.environmentId}/invitations`, { email, role });
  const member = new AMember(broker);
  expect(
    (await member.call('POST', '/invitation/accept', { secret: await linkTo(email, 'invitation'), password: 'a password of theirs' }))
      .status,
  ).toBe(200);
  return { email, member };
}

describe('signing in', () => {
  test('the first member is an admin of the first environment, whatever the case of the address', async () => {
    const ada = await admin();
    const { body } = await ada.call('GET', '/session');
    expect(body).toMatchObject({
      member: { email: 'Ada@Example.com' },
      environments: [{ id: broker.environmentId, name: 'default', role: 'admin' }],
      sign_up: 'open',
      mail_reaches: true,
    });
    expect((await new AMember(broker).call('GET', '/session')).body).toMatchObject({ member: null, environments: [] });
  });

  test('a wrong password and an unknown address are refused alike', async () => {
    const wrong = await new AMember(broker).call('POST', '/session', { ...first, password: 'not it' });
    const unknown = await new AMember(broker).call('POST', '/session', { email: 'nobody@example.com', password: 'not it' });
    expect([wrong.status, wrong.body]).toEqual([401, unknown.body]);
    expect([wrong.body.code, wrong.headers.get('set-cookie')]).toEqual(['wrong_credentials', null]);
  });

  test('the cookie is out of reach of scripts and other sites, and holds nothing that the database does', async () => {
    const answer = await new AMember(broker).call('POST', '/session', first);
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie.replace(/=cwm_[\w-]{43}/, '=…')).toBe('causeway_console=…; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000');
    const secret = /cwm_([\w-]{43})/.exec(cookie)?.[1] ?? '';
    const { rows } = await broker.db.pool.query<{ row: string }>(
      'select s::text as row from member_sessions s union all select m::text from members m',
    );
    for (const { row } of rows) expect(row).not.toContain(secret);
    expect(rows.some(({ row }) => row.includes(first.password))).toBe(false);
  });

  test('a session ends when it is signed out of, everywhere else when the password changes, and by itself', async () => {
    const { email, member } = await signedUp();
    const other = await new AMember(broker).signIn(email, 'a password of theirs');
    expect((await member.call('POST', '/password', { current: 'wrong', next: 'another password' })).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/current' }],
    });
    expect((await member.call('POST', '/password', { current: 'a password of theirs', next: 'another password' })).status).toBe(204);
    expect((await other.call('GET', '/session')).body.member).toBeNull();
    expect((await member.call('GET', '/session')).body.member).not.toBeNull();

    const kept = member.cookie;
    expect((await member.call('DELETE', '/session')).status).toBe(204);
    member.cookie = kept;
    expect((await member.call('GET', '/session')).body.member).toBeNull();

    const late = await new AMember(broker).signIn(email, 'another password');
    await broker.db.pool.query(
      "update member_sessions set expires_at = now() - interval '1 second' where member_id = (select id from members where email = $1)",
      [email],
    );
    expect((await late.call('GET', '/session')).body.member).toBeNull();
  });

  test('after ten wrong passwords for one account from one address nothing is tried for a while, and others sign in as before', async () => {
    const { email } = await signedUp();
    const guesser = new AMember(broker);
    const statuses = [];
    for (let i = 0; i < 11; i++) statuses.push((await guesser.call('POST', '/session', { email, password: `guess ${i}` })).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    const right = await guesser.call('POST', '/session', { email, password: 'a password of theirs' });
    expect([right.status, Number(right.headers.get('retry-after')) > 0]).toEqual([429, true]);
    await guesser.signIn(first.email, first.password);
    await new AMember(broker).signIn(email, 'a password of theirs');
  });
});

describe('signing up', () => {
  test('nothing is made until the address has been shown to be theirs, and the link works once', async () => {
    const email = someone();
    const member = new AMember(broker);
    await member.call('POST', '/sign_up', { email, password: 'a password of theirs', environment_name: 'Theirs' });
    expect((await member.call('POST', '/session', { email, password: 'a password of theirs' })).status).toBe(401);
    const secret = await linkTo(email, 'confirm');
    const password = 'a password of theirs';
    expect((await member.call('POST', '/sign_up/confirm', { secret, password })).body).toMatchObject({
      member: { email },
      environments: [{ name: 'Theirs', role: 'admin' }],
    });
    expect((await new AMember(broker).call('POST', '/sign_up/confirm', { secret, password })).body.code).toBe('link_used');
  });

  test("a stranger who signs up with somebody's address gets no account by it, and does not end its owner's own sign-up", async () => {
    const email = someone();
    const [owner, stranger] = [new AMember(broker), new AMember(broker)];
    await owner.call('POST', '/sign_up', { email, password: 'a password of theirs', environment_name: 'Theirs' });
    const mine = await linkTo(email, 'confirm');
    await stranger.call('POST', '/sign_up', { email, password: 'known to a stranger', environment_name: 'Theirs' });
    const strangers = await eventually(async () => {
      const link = await linkTo(email, 'confirm');
      return link !== mine && link;
    });
    // The owner presses the newest link, with the password that they chose.
    const refused = await owner.call('POST', '/sign_up/confirm', { secret: strangers, password: 'a password of theirs' });
    expect([refused.status, refused.body.code, refused.headers.get('set-cookie')]).toEqual([401, 'wrong_credentials', null]);
    expect((await owner.call('POST', '/sign_up/confirm', { secret: mine, password: 'a password of theirs' })).status).toBe(200);
    expect((await stranger.call('POST', '/session', { email, password: 'known to a stranger' })).status).toBe(401);
    // Nor afterwards: the address is a member's by now.
    expect((await stranger.call('POST', '/sign_up/confirm', { secret: strangers, password: 'known to a stranger' })).body.code).toBe(
      'link_used',
    );
    await new AMember(broker).signIn(email, 'a password of theirs');
  });

  test('somebody who is known is answered like a stranger, and told by mail', async () => {
    const { email } = await signedUp();
    const before = mailbox.received.length;
    const answers = await Promise.all(
      [email, someone()].map((address) =>
        new AMember(broker).call('POST', '/sign_up', { email: address, password: 'another password', environment_name: 'X' }),
      ),
    );
    expect(answers[0]?.text).toBe(answers[1]?.text);
    await eventually(() =>
      mailbox.received.slice(before).some(({ to, text }) => to.includes(email) && text.includes('has an account already')),
    );
    await new AMember(broker).signIn(email, 'a password of theirs');
  });

  test.each([
    [{ email: 'no address', password: 'a password of theirs', environment_name: 'X' }, '/email'],
    [{ email: 'a@example.org', password: 'short', environment_name: 'X' }, '/password'],
    [{ email: 'a@example.org', password: 'a password of theirs', environment_name: ' ' }, '/environment_name'],
    [{ email: 'a@example.org', password: 'a password of theirs' }, '/environment_name'],
  ])('%j is refused at %s', async (body, pointer) => {
    const answer = await new AMember(broker).call('POST', '/sign_up', body);
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
  });

  test('closed, it makes nobody', async () => {
    const closed = await aBroker({ bootstrapAdminEmail: first.email, bootstrapAdminPassword: first.password });
    const answer = await new AMember(closed).call('POST', '/sign_up', {
      email: someone(),
      password: 'a password of theirs',
      environment_name: 'X',
    });
    expect([answer.status, answer.body.code]).toEqual([403, 'sign_up_closed']);
  });
});

describe('a forgotten password', () => {
  test('is replaced by a link that works once and ends every session; who is known is not told', async () => {
    const { email, member } = await signedUp();
    const answers = await Promise.all(
      [email, someone()].map((address) => new AMember(broker).call('POST', '/password_reset', { email: address })),
    );
    expect(answers[0]?.text).toBe(answers[1]?.text);
    const secret = await linkTo(email, 'reset');

    const returned = new AMember(broker);
    expect((await returned.call('POST', '/password_reset/confirm', { secret, password: 'a new password' })).status).toBe(200);
    expect((await returned.call('GET', '/session')).body.member).toMatchObject({ email });
    expect((await member.call('GET', '/session')).body.member).toBeNull();
    expect((await new AMember(broker).call('POST', '/password_reset/confirm', { secret, password: 'a new password' })).body.code).toBe(
      'link_used',
    );
    await new AMember(broker).signIn(email, 'a new password');
  });

  test('a link that has expired, and one that never was, change nothing', async () => {
    const { email } = await signedUp();
    await new AMember(broker).call('POST', '/password_reset', { email });
    const secret = await linkTo(email, 'reset');
    await broker.db.pool.query("update member_links set expires_at = now() - interval '1 second' where email = $1", [email]);
    for (const one of [secret, 'x'.repeat(43), '']) {
      expect(
        (await new AMember(broker).call('POST', '/password_reset/confirm', { secret: one, password: 'a new password' })).body.code,
      ).toBe('link_used');
    }
    await new AMember(broker).signIn(email, 'a password of theirs');
  });
});

describe('strangers at the door', () => {
  /** What takes time: hashes of passwords, and statements, which the disk must confirm where they write. */
  async function costOf(act: () => Promise<unknown>): Promise<{ hashes: number; statements: string[] }> {
    let hashes = 0;
    const statements = await statementsOf(async () => (hashes = await countCalls(act, 'packages/credential/password.ts')));
    return { hashes, statements };
  }

  test.each([
    ['signing in', 401, '/session', (email: string) => ({ email, password: 'not it' })],
    ['signing up', 202, '/sign_up', (email: string) => ({ email, password: 'a password of theirs', environment_name: 'X' })],
    ['a forgotten password', 202, '/password_reset', (email: string) => ({ email })],
  ])('do not learn from what %s takes whom an address belongs to', async (_, status, path, bodyOf) => {
    const { email } = await signedUp();
    const ask = (address: string) => async () =>
      expect((await new AMember(broker).call('POST', path, bodyOf(address))).status).toBe(status);
    const [known, unknown] = [await costOf(ask(email)), await costOf(ask(someone()))];
    expect(known).toEqual(unknown);
    expect(known.statements).not.toEqual([]);
  });

  test('write as much for an address that is nobody’s as for one that is somebody’s', async () => {
    const { email } = await signedUp();
    for (const [path, body] of [
      ['/password_reset', {}],
      ['/sign_up', { password: 'a password of theirs', environment_name: 'X' }],
    ] as const) {
      const written = await Promise.all(
        [email, someone()].map(async (address) => {
          await new AMember(broker).call('POST', path, { email: address, ...body });
          return (await broker.db.pool.query('select 1 from member_links where email_key = $1', [address])).rowCount;
        }),
      );
      expect([path, written[0]]).toEqual([path, written[1]]);
      await broker.db.pool.query('delete from member_links');
    }
  });

  test('pay for no hash of a password with a link that they made up', async () => {
    const { hashes, statements } = await costOf(() =>
      new AMember(broker).call('POST', '/password_reset/confirm', {
        secret: randomBytes(32).toString('base64url'),
        password: 'a new password',
      }),
    );
    expect([hashes, statements.length]).toEqual([0, 1]);
  });

  test('are counted by network: an address of IPv6 can be changed at will within its /64', async () => {
    const { email } = await signedUp();
    const from = async (address: string) =>
      (await new AMember(broker).call('POST', '/session', { email, password: 'a guess' }, { 'x-forwarded-for': address })).status;
    const statuses = [];
    for (let i = 0; i < 11; i++) statuses.push(await from(`2001:db8:1:2::${i.toString(16)}`));
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    expect(await from('2001:db8:1:3::1')).toBe(401);
  });
});

describe('writes from other sites', () => {
  test.each([
    ['without our header', { 'x-causeway-page': '' }, true],
    ['from another site', { 'sec-fetch-site': 'cross-site' }, false],
    ['from a neighbour under the same domain', { 'sec-fetch-site': 'same-site' }, false],
  ])('are refused %s, with a good cookie', async (_, headers, dropped) => {
    const ada = await admin();
    const sent: Record<string, string> = { cookie: ada.cookie ?? '', 'sec-fetch-site': 'same-origin', 'x-causeway-page': '1', ...headers };
    if (dropped) delete sent['x-causeway-page'];
    for (const [method, path] of [
      ['POST', `/environments/${broker.environmentId}/v1/organizations`],
      ['POST', '/environments'],
      ['DELETE', '/session'],
    ] as const) {
      const answer = await broker.call(method, `/console/api${path}`, { key: null, body: { name: 'X' }, headers: sent });
      expect([answer.status, answer.body.code]).toEqual([403, 'foreign_page']);
    }
  });

  test('a browser that does not say which site is judged by the origin', async () => {
    const ada = await admin();
    const write = (from: string) =>
      broker.call('POST', `/console/api/environments/${broker.environmentId}/v1/organizations`, {
        key: null,
        body: { name: 'X' },
        headers: { cookie: ada.cookie ?? '', 'x-causeway-page': '1', origin: from },
      });
    expect((await write(origin)).status).toBe(201);
    expect((await write('https://evil.example')).status).toBe(403);
    expect((await write('null')).status).toBe(403);
  });
});

describe('an environment', () => {
  test('is nobody else’s: another vendor’s is not found, by any path', async () => {
    const { member, environment } = await signedUp();
    expect((await member.call('GET', `/environments/${environment}/v1/organizations`)).body).toEqual({ data: [], next_cursor: null });
    const others = `/environments/${broker.environmentId}`;
    for (const path of ['/v1/organizations', '/overview', '/members', '/events', '/requests', '/appearance']) {
      expect([path, (await member.call('GET', `${others}${path}`)).status]).toEqual([path, 404]);
    }
    for (const id of ['env_00000000000000000000000000000000', 'nothing'])
      expect((await member.call('GET', `/environments/${id}/overview`)).status).toBe(404);
  });

  test('is not shown to whoever is signed out, and a key opens nothing here', async () => {
    expect((await new AMember(broker).call('GET', `/environments/${broker.environmentId}/v1/organizations`)).body.code).toBe('signed_out');
    const byKey = await broker.call('GET', `/console/api/environments/${broker.environmentId}/v1/organizations`);
    expect([byKey.status, byKey.body.code]).toEqual([401, 'signed_out']);
  });

  test('the API’s own routes answer in it as they do to a key; what takes the operator’s key takes a member’s cookie for nothing', async () => {
    const ada = await admin();
    const made = await ada.call('POST', `/environments/${broker.environmentId}/v1/organizations`, { name: 'Acme' });
    expect([made.status, (await broker.call('GET', `/v1/organizations/${made.body.id}`)).body]).toEqual([201, made.body]);
    expect((await ada.call('GET', `/environments/${broker.environmentId}/v1/nothing`)).body.code).toBe('not_found');
    for (const method of ['GET', 'POST']) {
      expect(
        (await ada.call(method, `/environments/${broker.environmentId}/v1/environments`, method === 'POST' ? { name: 'X' } : undefined))
          .status,
      ).toBe(401);
    }
  });

  test('a viewer may look at everything and change nothing', async () => {
    const { member } = await invited('viewer');
    const base = `/environments/${broker.environmentId}`;
    for (const path of ['/v1/organizations', '/overview', '/members', '/v1/audit_log'])
      expect((await member.call('GET', `${base}${path}`)).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '/v1/organizations', { name: 'X' }],
      ['POST', '/v1/api_keys', { name: 'X' }],
      ['POST', '/invitations', { email: someone(), role: 'admin' }],
      ['PATCH', '', { name: 'X' }],
      ['DELETE', '', undefined],
      ['PUT', '/appearance', { vendor_name: 'X', color: null, support_email: null }],
    ] as const) {
      expect([path, (await member.call(method, `${base}${path}`, body)).body.code]).toEqual([path, 'not_allowed']);
    }
  });

  test('whoever is removed, or loses a role, is so from the next request on; the last admin stays', async () => {
    const ada = await admin();
    const { email, member } = await invited('admin');
    const base = `/environments/${broker.environmentId}`;
    const idOf = async (address: string) =>
      (await ada.call('GET', `${base}/members`)).body.members.find((one: { email: string }) => one.email === address).id;
    await ada.call('PATCH', `${base}/members/${await idOf(email)}`, { role: 'viewer' });
    expect((await member.call('POST', `${base}/v1/organizations`, { name: 'X' })).status).toBe(403);
    await ada.call('DELETE', `${base}/members/${await idOf(email)}`);
    expect((await member.call('GET', `${base}/overview`)).status).toBe(404);

    const alone = await signedUp();
    const { members } = (await alone.member.call('GET', `/environments/${alone.environment}/members`)).body;
    for (const [method, body] of [
      ['PATCH', { role: 'viewer' }],
      ['DELETE', undefined],
    ] as const) {
      expect((await alone.member.call(method, `/environments/${alone.environment}/members/${members[0].id}`, body)).body.code).toBe(
        'last_admin',
      );
    }
  });

  test('is deleted as long as no directory was made in it', async () => {
    const { member, environment } = await signedUp();
    const made = (await member.call('POST', '/environments', { name: 'staging' })).body.id;
    await member.call('POST', `/environments/${made}/v1/organizations`, { name: 'X' });
    await member.call('POST', `/environments/${made}/v1/api_keys`, { name: 'X' });
    expect((await member.call('DELETE', `/environments/${made}`)).status).toBe(204);

    const organization = (await member.call('POST', `/environments/${environment}/v1/organizations`, { name: 'X' })).body;
    await member.call('POST', `/environments/${environment}/v1/directories`, { organization_id: organization.id, provider: 'okta' });
    expect((await member.call('DELETE', `/environments/${environment}`)).body.code).toBe('environment_in_use');
    expect((await member.call('GET', '/session')).body.environments).toMatchObject([{ id: environment }]);
  });

  test('what a member does stands in the audit log under their address', async () => {
    const { email, member, environment } = await signedUp();
    await member.call('POST', `/environments/${environment}/v1/organizations`, { name: 'X' });
    await member.call('PATCH', `/environments/${environment}`, { name: 'Renamed' });
    const { data } = (await member.call('GET', `/environments/${environment}/v1/audit_log`)).body;
    expect(data.map(({ act, actor }: { act: string; actor: object }) => ({ act, actor }))).toEqual([
      { act: 'changeEnvironment', actor: { type: 'member', id: null, name: email } },
      { act: 'createOrganization', actor: { type: 'member', id: null, name: email } },
      { act: 'createEnvironment', actor: { type: 'member', id: null, name: email } },
    ]);
  });

  test('so does how they came in, in every environment that is open to them', async () => {
    const ada = await admin();
    const { email, member } = await invited('viewer');
    await new AMember(broker).signIn(email, 'a password of theirs');
    await member.call('POST', '/password', { current: 'a password of theirs', next: 'another password' });
    await member.call('POST', '/password_reset', { email });
    await member.call('POST', '/password_reset/confirm', { secret: await linkTo(email, 'reset'), password: 'a third password' });
    const { data } = (await ada.call('GET', `/environments/${broker.environmentId}/v1/audit_log`)).body;
    const theirs = data.filter(({ actor }: { actor: { name: string } }) => actor.name === email);
    expect(theirs.map(({ act }: { act: string }) => act)).toEqual(['resetPassword', 'changePassword', 'signIn', 'acceptInvitation']);
    expect(theirs.every((one: { targets: string[] }) => one.targets.join() === broker.environmentId)).toBe(true);
  });
});

describe('an invitation', () => {
  test('is for one address, works once, and leaves the password of somebody who is known alone', async () => {
    const ada = await admin();
    const { email } = await signedUp();
    const base = `/environments/${broker.environmentId}`;
    await ada.call('POST', `${base}/invitations`, { email, role: 'viewer' });
    const secret = await linkTo(email, 'invitation');
    expect((await new AMember(broker).call('POST', '/invitation', { secret })).body).toMatchObject({ email, role: 'viewer', known: true });
    expect((await new AMember(broker).call('POST', '/invitation/accept', { secret, password: 'a stolen account' })).status).toBe(200);
    expect((await new AMember(broker).call('POST', '/invitation/accept', { secret })).body.code).toBe('link_used');
    expect((await new AMember(broker).call('POST', '/session', { email, password: 'a stolen account' })).status).toBe(401);
    await new AMember(broker).signIn(email, 'a password of theirs');
    expect((await ada.call('POST', `${base}/invitations`, { email, role: 'viewer' })).body.code).toBe('already_member');
  });

  test('can be taken back, and the answer to the one who invites does not hold it', async () => {
    const ada = await admin();
    const email = someone();
    const base = `/environments/${broker.environmentId}`;
    const made = await ada.call('POST', `${base}/invitations`, { email, role: 'admin' });
    const secret = await linkTo(email, 'invitation');
    expect(made.text).not.toContain(secret);
    const { invitations } = (await ada.call('GET', `${base}/members`)).body;
    const { id } = invitations.find((one: { email: string }) => one.email === email);
    expect((await ada.call('DELETE', `${base}/invitations/${id}`)).status).toBe(204);
    expect((await new AMember(broker).call('POST', '/invitation', { secret })).body.code).toBe('link_used');
  });
});

describe('the look of the setup page', () => {
  test('takes a picture for what it is, and nothing else', async () => {
    const ada = await admin();
    const base = `/environments/${broker.environmentId}/appearance`;
    const look = { vendor_name: 'Northwind', color: '#0F766E', support_email: 'help@example.com' };
    const png = Buffer.from('89504e470d0a1a0a0000', 'hex');
    expect((await ada.call('PUT', base, { ...look, logo: png.toString('base64') })).status).toBe(204);
    expect((await ada.call('GET', base)).body).toEqual({
      vendor_name: 'Northwind',
      color: '#0f766e',
      has_logo: true,
      support_email: 'help@example.com',
    });
    const logo = await ada.call('GET', `${base}/logo`);
    expect([logo.headers.get('content-type'), logo.headers.get('x-content-type-options')]).toEqual(['image/png', 'nosniff']);

    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>').toString('base64');
    expect((await ada.call('PUT', base, { ...look, logo: svg })).body.errors[0].pointer).toBe('/logo');
    for (const color of ['red', '#12345', 'url(x)'])
      expect((await ada.call('PUT', base, { ...look, color })).body.errors[0].pointer).toBe('/color');
  });
});

test('what the pages read is refused where it is no question: never a fault of ours', async () => {
  const ada = await admin();
  const base = `/environments/${broker.environmentId}`;
  for (const path of [
    '/events?before=x',
    '/events?subject=nobody',
    '/events?types=nothing',
    '/requests?cursor=nonsense',
    '/requests?directory_id=x',
    '/requests?search=%00',
    '/requests/req_x',
    '/directories/dir_x/health',
    '/directories/dir_00000000000000000000000000000000/health',
    '/directories/dir_00000000000000000000000000000000/users?cursor=%FF',
    '/webhook_endpoints/we_00000000000000000000000000000000/statistics',
    '/webhook_endpoints/we_x/statistics?hours=9999',
    '/events/live?after=-1',
    '/webhook_endpoints/we_x/last_attempt',
    '/directories/dir_x/setup_links',
    '/events/evt_x',
  ]) {
    const { status } = await ada.call('GET', `${base}${path}`);
    expect([path, status < 500]).toEqual([path, true]);
  }
});
