/**
 * The set-ups that vendors describe to their customers' IT admins, each from the vendor's settings to what the vendor gets, with the
 * requests that the identity provider makes by them. Broker and worker run as in `npm start`; mail goes to a real SMTP server.
 */
import { aMailServer, eventually, type IdentityProvider, identityProvider, type MailServer, type ScimAnswer } from '#testing';
import { aSystem, type System } from './a-system';

const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

let system: System;
let mail: MailServer;

beforeAll(async () => {
  mail = await aMailServer();
  system = await aSystem({ smtpUrl: mail.url, mail: { gatherMs: 500, quietMs: 3_000 } });
});

afterAll(async () => {
  await system.stop();
  await mail.close();
});

interface Customer {
  organizationId: string;
  directoryId: string;
  baseUrl: string;
}

let customers = 0;

async function aCustomer(provider: string, organization: object = {}): Promise<Customer> {
  customers += 1;
  const made = await system.api('POST', '/v1/organizations', {
    name: `Customer ${customers}`,
    contacts: [`it@customer${customers}.example`],
    ...organization,
  });
  const directory = await system.api('POST', '/v1/directories', { organization_id: made.id, provider });
  return { organizationId: made.id, directoryId: directory.id, baseUrl: `${system.url}/scim/v2/${directory.id}` };
}

const map = (customer: Customer, mapping: object) =>
  system.api('PUT', `/v1/directories/${customer.directoryId}/attribute_mapping`, mapping);
const usersOf = async (customer: Customer) => (await system.api('GET', `/v1/directories/${customer.directoryId}/users`)).data;

async function eventsOf(customer: Customer, ...types: string[]) {
  return (
    await system.api('GET', `/v1/events?directory_id=${customer.directoryId}&limit=500${types.length > 0 ? `&types=${types.join()}` : ''}`)
  ).data;
}

function ok(answer: ScimAnswer, status: number): any {
  expect({ status: answer.status, text: answer.status === status ? '' : answer.text }).toEqual({ status, text: '' });
  return answer.body;
}

const refusal = (status: number, detail: unknown, scimType?: string) => ({
  status,
  body: {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType !== undefined && { scimType }),
    detail,
  },
});

const mailsTo = (address: string) => mail.received.filter(({ to }) => to.includes(address));

/** How Entra goes about its work. */
class Entra {
  constructor(readonly idp: IdentityProvider) {}

  /** Nobody has that name, so an empty list is right. */
  async testConnection(): Promise<void> {
    expect(ok(await this.idp.get('/Users?filter=userName+eq+%22b14a4c5e-3c79-4d1b-9f3f-52a1c0f4a1d2%22'), 200)).toMatchObject({
      totalResults: 0,
      Resources: [],
    });
  }

  /** Looks for the user, and creates it where it is not there: the answer of that. */
  async provision(user: { userName: string; [attribute: string]: unknown }): Promise<ScimAnswer> {
    const found = ok(await this.idp.get(`/Users?filter=userName+eq+%22${encodeURIComponent(user.userName)}%22`), 200);
    expect(found.totalResults).toBe(0);
    return this.idp.post('/Users', { schemas: [userUrn, enterpriseUrn], active: true, meta: { resourceType: 'User' }, ...user });
  }

  patch(path: string, ...operations: object[]): Promise<ScimAnswer> {
    return this.idp.patch(path, { schemas: [patchUrn], Operations: operations });
  }

  disable(id: string): Promise<ScimAnswer> {
    return this.patch(`/Users/${id}`, { op: 'Replace', path: 'active', value: 'False' });
  }

  async group(displayName: string, externalId: string, members: string[]): Promise<string> {
    ok(await this.idp.get(`/Groups?excludedAttributes=members&filter=displayName+eq+%22${encodeURIComponent(displayName)}%22`), 200);
    const { id } = ok(
      await this.idp.post('/Groups', {
        schemas: [groupUrn, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
        externalId,
        displayName,
        meta: { resourceType: 'Group' },
      }),
      201,
    );
    for (const value of members) {
      const { status } = await this.patch(`/Groups/${id}`, { op: 'Add', path: 'members', value: [{ $ref: null, value }] });
      expect([200, 204]).toContain(status);
    }
    return id;
  }
}

/** By the five attributes that the guides leave mapped, and the key. */
function person(name: string, externalId: string) {
  const [given, family] = name.split(' ') as [string, string];
  const email = `${given.toLowerCase()}@customer.example`;
  return {
    externalId,
    userName: email,
    emails: [{ primary: true, type: 'work', value: email }],
    name: { givenName: given, familyName: family },
  };
}

const fiveAttributes = {
  attributes: [
    { name: 'login', type: 'string', from: 'userName', required: true, transform: ['lower'] },
    { name: 'enabled', type: 'boolean', from: 'active' },
    { name: 'work_email', type: 'string', from: 'emails[type eq "work"].value', required: true },
    { name: 'first_name', type: 'string', from: 'name.givenName', required: true },
    { name: 'last_name', type: 'string', from: 'name.familyName', required: true },
  ],
  rules: { email_elsewhere: 'reject' },
};

describe('entra-oauth-client-credentials.txt: a workspace whose seats run out', () => {
  async function connect(seats: object): Promise<{ customer: Customer; entra: Entra }> {
    const customer = await aCustomer('entra', seats);
    await map(customer, fiveAttributes);
    const client = await system.api('POST', `/v1/directories/${customer.directoryId}/oauth_clients`, { grant_type: 'client_credentials' });
    const response = await fetch(client.token_url.replace(system.publicUrl, system.url), {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: client.client_id, client_secret: client.client_secret }),
    });
    const { access_token: token, expires_in: lives } = (await response.json()) as { access_token: string; expires_in: number };
    expect([response.status, lives >= 3_600 && lives <= 6 * 3_600]).toEqual([200, true]);
    const entra = new Entra(identityProvider({ baseUrl: customer.baseUrl, token }));
    await entra.testConnection();
    return { customer, entra };
  }

  test('with auto-charge off: the one too many is refused with 403 that says how many of how many; word goes by mail when it fails and when it is over', async () => {
    const { customer, entra } = await connect({ seat_limit: 2 });
    const ada = ok(await entra.provision(person('Ada Lovelace', 'o-1')), 201);
    ok(await entra.provision(person('Bob Brown', 'o-2')), 201);
    const cyd = person('Cyd Charisse', 'o-3');
    const refused = await entra.provision(cyd);
    expect({ status: refused.status, body: refused.body }).toEqual(
      refusal(
        403,
        'No seat is left: 2 of 2 seats of this organization are taken. Deactivate a user who needs none, or ask the application’s vendor for more seats.',
      ),
    );

    const seats = await eventually(async () => {
      const events = await eventsOf(customer, 'seats.threshold_reached', 'provisioning.failed');
      return events.length === 3 && events;
    });
    expect(seats.map((event: any) => event.data.seats?.percent ?? event.data.request.status)).toEqual([80, 100, 403]);
    expect(seats[2].data.request).toMatchObject({
      method: 'POST',
      path: '/Users',
      resource: { userName: 'cyd@customer.example', externalId: 'o-3' },
    });

    const it = `it@customer${customers}.example`;
    const begun = await eventually(() => mailsTo(it)[0] ?? false);
    expect(begun.text).toContain('1 ×  No seat is left: 2 of 2 seats of this organization are taken.');
    expect(begun.text).toContain(
      'What to do: Remove somebody who does not need access any more from Enterprise applications › your application › Users and groups',
    );
    await eventually(() => mailsTo(it).length === 2);
    expect(mailsTo(it)[1]!.headers.get('subject')).toMatch(/are being made again$/);

    // Somebody leaves, and Entra's next cycle brings the third in; nobody was thrown out.
    ok(await entra.disable(ada.id), 200);
    ok(await entra.provision(cyd), 201);
    expect((await usersOf(customer)).map((user: any) => [user.attributes.login, user.active])).toEqual([
      ['ada@customer.example', false],
      ['bob@customer.example', true],
      ['cyd@customer.example', true],
    ]);
    const back = await entra.patch(`/Users/${ada.id}`, { op: 'Replace', path: 'active', value: 'True' });
    expect(back.status).toBe(403);
  });

  test('with auto-charge on: seats are added one by one up to the limit of it, each with an event', async () => {
    const { customer, entra } = await connect({ seat_limit: 1, seat_mode: 'expand', seat_ceiling: 3 });
    for (const [i, name] of ['Dan Drum', 'Eve Eyre', 'Fay Fox'].entries()) ok(await entra.provision(person(name, `x-${i}`)), 201);
    const refused = await entra.provision(person('Guy Gray', 'x-4'));
    expect([refused.status, refused.text]).toEqual([
      403,
      expect.stringContaining('3 of 3 seats of this organization are taken, and seats are added automatically up to 3 only'),
    ]);
    expect(await system.api('GET', `/v1/organizations/${customer.organizationId}`)).toMatchObject({
      seat_limit: 3,
      seats_used: 3,
      seat_mode: 'expand',
      seat_ceiling: 3,
    });
    const expanded = await eventually(async () => {
      const events = await eventsOf(customer, 'seats.expanded');
      return events.length === 2 && events;
    });
    expect(expanded.map((event: any) => [event.data.seats.previous_limit, event.data.seats.limit])).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  test('only the mapped attributes reach the vendor’s own, whatever else the admin left mapped; an unmapped one is named', async () => {
    const { customer, entra } = await connect({});
    ok(await entra.provision({ ...person('Hal Hill', 'y-1'), title: 'Pilot', displayName: 'Hal', preferredLanguage: 'en-US' }), 201);
    expect((await usersOf(customer))[0].attributes).toEqual({
      login: 'hal@customer.example',
      enabled: true,
      work_email: 'hal@customer.example',
      first_name: 'Hal',
      last_name: 'Hill',
    });
    const { name: _, ...nameless } = person('Ivy Irwin', 'y-2');
    const refused = await entra.provision(nameless);
    expect({ status: refused.status, body: refused.body }).toEqual(
      refusal(
        400,
        expect.stringMatching(/^name\.givenName is required and has no value: .* name\.familyName is required and has no value: /),
        'invalidValue',
      ),
    );
  });
});

describe('okta-oauth-authorization-code.txt: five attributes, and somebody who is in another workspace', () => {
  /** The admin opens the setup link, is sent to the authorization page by Okta, and allows it. */
  async function authorize(customer: Customer): Promise<{ token: string; refresh: () => Promise<string> }> {
    const callback = 'https://system-admin.okta.com/admin/app/cpc/acme_readai_1/oauth/callback';
    const client = await system.api('POST', `/v1/directories/${customer.directoryId}/oauth_clients`, {
      grant_type: 'authorization_code',
      redirect_uris: [callback],
    });
    const { url } = await system.api('POST', `/v1/directories/${customer.directoryId}/setup_link`, {});
    const local = (address: string) => address.replace(system.publicUrl, system.url);
    const opened = await fetch(local(url), { redirect: 'manual' });
    const cookie = opened.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const asked = new URLSearchParams({ response_type: 'code', client_id: client.client_id, redirect_uri: callback, state: 's1' });
    const page = await (await fetch(`${local(client.authorization_url)}?${asked.toString()}`, { headers: { cookie } })).text();
    const fields = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(
      ([, name = '', value = '']): [string, string] => [name, value.replaceAll('&amp;', '&')],
    );
    const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1] ?? '';
    const allowed = await fetch(new URL(local(action), system.url), {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: new URLSearchParams([...fields, ['decision', 'allow']]),
    });
    const code = new URL(allowed.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const grant = async (parameters: Record<string, string>) => {
      const given = await fetch(local(client.token_url), {
        method: 'POST',
        body: new URLSearchParams({ ...parameters, client_id: client.client_id, client_secret: client.client_secret }),
      });
      const tokens = (await given.json()) as { access_token: string; refresh_token: string };
      expect([given.status, typeof tokens.access_token, typeof tokens.refresh_token]).toEqual([200, 'string', 'string']);
      return tokens;
    };
    let { access_token: token, refresh_token: refreshToken } = await grant({
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback,
    });
    return {
      token,
      refresh: async () => {
        ({ access_token: token, refresh_token: refreshToken } = await grant({ grant_type: 'refresh_token', refresh_token: refreshToken }));
        return token;
      },
    };
  }

  const byOkta = (name: string) => {
    const { emails, ...rest } = person(name, `00u${name.length}`);
    return {
      schemas: [userUrn],
      ...rest,
      emails: emails.map((email) => ({ ...email, primary: true })),
      active: true,
      groups: [],
      password: 'b3D%2f!xq',
    };
  };

  test('users are pushed, updated and deactivated; one who is active elsewhere is refused until they are no longer', async () => {
    const customer = await aCustomer('okta');
    await map(customer, fiveAttributes);
    const { token: first, refresh } = await authorize(customer);
    const okta = identityProvider({ baseUrl: customer.baseUrl, token: first });
    const find = (userName: string) => okta.get(`/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}&startIndex=1&count=100`);
    ok(await okta.get('/Users?startIndex=1&count=2'), 200);

    expect(ok(await find('joe@customer.example'), 200).totalResults).toBe(0);
    const joe = ok(await okta.post('/Users', byOkta('Joe Jones')), 201);
    const read = ok(await okta.get(`/Users/${joe.id}`), 200);
    ok(await okta.put(`/Users/${joe.id}`, { ...read, name: { ...read.name, familyName: 'Jonas' } }), 200);
    expect((await usersOf(customer))[0].attributes).toEqual({
      login: 'joe@customer.example',
      enabled: true,
      work_email: 'joe@customer.example',
      first_name: 'Joe',
      last_name: 'Jonas',
    });

    const elsewhere = await aCustomer('generic');
    const { token } = await system.api('POST', `/v1/directories/${elsewhere.directoryId}/bearer_token`, {});
    const other = identityProvider({ baseUrl: elsewhere.baseUrl, token });
    const kim = ok(
      await other.post('/Users', { schemas: [userUrn], userName: 'kim', emails: [{ value: 'KIM@customer.example', type: 'home' }] }),
      201,
    );
    const refused = await okta.post('/Users', byOkta('Kim King'));
    expect({ status: refused.status, body: refused.body }).toEqual(
      refusal(
        409,
        'emails[type eq "work"].value: "kim@customer.example" is not free: an active user of another organization has it. Deactivate the user there first, or change the address in your identity provider.',
        'uniqueness',
      ),
    );
    expect(await eventually(async () => (await eventsOf(customer, 'provisioning.failed'))[0] ?? false)).toMatchObject({
      data: { request: { status: 409, scim_type: 'uniqueness' } },
    });
    const [request] = await eventually(async () => {
      const { data } = await system.api('GET', `/v1/directories/${customer.directoryId}/requests?outcome=failed`);
      return data.length === 1 && data;
    });
    expect(request).toMatchObject({
      explanation: 'Somebody with this e-mail address is an active user of another organization.',
      fix: expect.stringContaining('Retry Selected'),
    });
    ok(await other.delete(`/Users/${kim.id}`), 204);
    ok(await okta.post('/Users', byOkta('Kim King')), 201);

    // Some hours later, with a new access token: Joe is unassigned.
    const later = identityProvider({ baseUrl: customer.baseUrl, token: await refresh() });
    ok(await later.patch(`/Users/${joe.id}`, { schemas: [patchUrn], Operations: [{ op: 'replace', value: { active: false } }] }), 200);
    expect(await system.api('GET', `/v1/access?email=joe@customer.example&organization_id=${customer.organizationId}`)).toMatchObject({
      status: 'deactivated',
    });
    // That the vendor has mapped "active" makes its change one of the attributes as well.
    const types = await eventually(async () => {
      const all = (await eventsOf(customer)).map((event: any) => event.type);
      return all.length === 7 && all;
    });
    expect(types).toEqual([
      'directory.activated',
      'user.created',
      'user.updated',
      'provisioning.failed',
      'user.created',
      'user.updated',
      'user.deactivated',
    ]);
  });
});

describe('okta-oauth-authorization-code.txt: seats', () => {
  test('with auto-charge off the one too many is an error in Okta, which tries again when told to; it then passes if a seat is free', async () => {
    const customer = await aCustomer('okta', { seat_limit: 1 });
    await map(customer, fiveAttributes);
    const { token } = await system.api('POST', `/v1/directories/${customer.directoryId}/bearer_token`, {});
    const okta = identityProvider({ baseUrl: customer.baseUrl, token });
    const pushed = (name: string) => okta.post('/Users', { schemas: [userUrn], ...person(name, `00u-${name}`), active: true });
    const lou = ok(await pushed('Lou Lane'), 201);
    const refused = await pushed('Mia Monk');
    expect({ status: refused.status, body: refused.body }).toEqual(refusal(403, expect.stringMatching(/^No seat is left: 1 of 1 seats/)));
    const [request] = await eventually(async () => {
      const { data } = await system.api('GET', `/v1/directories/${customer.directoryId}/requests?outcome=failed`);
      return data.length === 1 && data;
    });
    expect(request.fix).toContain('Retry Selected for the task in Dashboard › Tasks');
    ok(await okta.put(`/Users/${lou.id}`, { ...lou, active: false }), 200);
    ok(await pushed('Mia Monk'), 201);
  });

  test('with auto-charge on a seat is added, up to the limit', async () => {
    const customer = await aCustomer('okta', { seat_limit: 0, seat_mode: 'expand', seat_ceiling: 1 });
    const { token } = await system.api('POST', `/v1/directories/${customer.directoryId}/bearer_token`, {});
    const okta = identityProvider({ baseUrl: customer.baseUrl, token });
    ok(await okta.post('/Users', { schemas: [userUrn], ...person('Ned Nox', '00u-n'), active: true }), 201);
    expect((await okta.post('/Users', { schemas: [userUrn], ...person('Oda Orr', '00u-o'), active: true })).status).toBe(403);
    expect(await system.api('GET', `/v1/organizations/${customer.organizationId}`)).toMatchObject({ seat_limit: 1, seats_used: 1 });
  });
});

describe('entra-key-by-api-groups-metadata.txt: a key made by API, externalId from objectId, groups and metadata', () => {
  const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
  const mapping = {
    attributes: [
      { name: 'object_id', type: 'string', from: 'externalId', required: true, pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
      { name: 'teams', type: 'string_list', from: 'groups.display' },
      { name: 'metadata', type: 'object', from: `${metadata}:*` },
    ],
    roles: {
      mode: 'many',
      default: 'chat.user',
      rules: [
        { role: 'chat.admin', group: 'Chat Admins' },
        { role: 'chat.data', group: 'Data' },
      ],
    },
  };
  const objectId = (i: number) => `0a21f0f2-8d2a-4f8e-bf98-7363c4aed4e${i}`;

  test('groups give roles and are told with user.updated; metadata comes and goes; Entra’s standard externalId is refused with the reason', async () => {
    const customer = await aCustomer('entra');
    await map(customer, mapping);
    const { token } = await system.api('POST', `/v1/directories/${customer.directoryId}/bearer_token`, {});
    const entra = new Entra(identityProvider({ baseUrl: customer.baseUrl, token }));
    await entra.testConnection();

    const wrong = await entra.provision({ ...person('Lea Lamb', 'lea.lamb'), displayName: 'Lea' });
    expect({ status: wrong.status, body: wrong.body }).toEqual(
      refusal(400, expect.stringContaining('externalId: "lea.lamb" is not a text that matches ^[0-9a-f]{8}'), 'invalidValue'),
    );
    const lea = ok(
      await entra.provision({
        ...person('Lea Lamb', objectId(1)),
        displayName: 'Lea',
        [`${metadata}:department`]: 'Research',
        [`${metadata}:costCenter`]: '4711',
      }),
      201,
    );
    const max = ok(await entra.provision(person('Max Moss', objectId(2))), 201);
    const admins = await entra.group('Chat Admins', objectId(8), [lea.id, max.id]);
    await entra.group('Data', objectId(9), [lea.id]);

    expect((await usersOf(customer)).map(({ attributes, roles }: any) => [attributes, roles.map(({ role }: any) => role)])).toEqual([
      [
        { object_id: objectId(1), teams: ['Chat Admins', 'Data'], metadata: { department: 'Research', costCenter: '4711' } },
        ['chat.admin', 'chat.data'],
      ],
      [{ object_id: objectId(2), teams: ['Chat Admins'] }, ['chat.admin']],
    ]);
    ok(
      await entra.patch(
        `/Users/${lea.id}`,
        { op: 'Remove', path: `${metadata}:costCenter` },
        { op: 'Add', path: `${metadata}:site`, value: 'BER' },
      ),
      200,
    );
    expect([200, 204]).toContain(
      (await entra.patch(`/Groups/${admins}`, { op: 'Remove', path: 'members', value: [{ $ref: null, value: lea.id }] })).status,
    );
    expect([200, 204]).toContain(
      (await entra.patch(`/Groups/${admins}`, { op: 'Replace', path: 'displayName', value: 'Former Admins' })).status,
    );
    // Groups have metadata too.
    expect([200, 204]).toContain((await entra.patch(`/Groups/${admins}`, { op: 'Add', path: `${metadata}:owner`, value: 'IT' })).status);
    expect((await system.api('GET', `/v1/directory_groups/${admins}`)).raw).toMatchObject({
      externalId: objectId(8),
      displayName: 'Former Admins',
      [metadata]: { owner: 'IT' },
    });
    expect((await usersOf(customer)).map(({ attributes, roles }: any) => [attributes, roles.map(({ role }: any) => role)])).toEqual([
      [{ object_id: objectId(1), teams: ['Data'], metadata: { department: 'Research', site: 'BER' } }, ['chat.data']],
      [{ object_id: objectId(2), teams: ['Former Admins'] }, ['chat.user']],
    ]);
    const types = await eventually(async () => {
      const all = (await eventsOf(customer)).map((event: any) => event.type);
      return all.length === 18 && all;
    });
    expect(types).toEqual([
      'directory.activated',
      'provisioning.failed',
      'user.created',
      'user.created',
      'group.created',
      'group.member_added',
      'user.updated',
      'group.member_added',
      'user.updated',
      'group.created',
      'group.member_added',
      'user.updated',
      'user.updated',
      'group.member_removed',
      'user.updated',
      'group.updated',
      'user.updated',
      'group.updated',
    ]);
  });
});

describe('azure-user-types-folders-metadata-sign-on.txt: user types, folders, metadata, roles, and a group of 17', () => {
  const folders = 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName:folders';
  const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
  const mapping = {
    attributes: [
      { name: 'user_type', type: 'string', from: 'userType', required: true, allowed_values: ['Premium', 'Standard'] },
      { name: 'folders', type: 'string_list', from: folders, transform: [{ split: ',' }, 'trim'] },
      { name: 'metadata', type: 'object', from: `${metadata}:*` },
      { name: 'groups', type: 'string_list', from: 'groups.display' },
    ],
    roles: {
      mode: 'one',
      default: 'App',
      rules: [{ role_from: 'roles[primary eq true].value', allowed_values: ['ReadOnly', 'User', 'Admin', 'EnterpriseAdmin'] }],
    },
  };

  test('all of it becomes what the vendor asked for, and what is not exactly right is refused with what would be', async () => {
    const customer = await aCustomer('entra');
    await map(customer, mapping);
    await system.api('PATCH', `/v1/directories/${customer.directoryId}`, { basic_auth: true });
    const { token } = await system.api('POST', `/v1/directories/${customer.directoryId}/bearer_token`, {});
    // The portal shows a user name and a password; Entra is given the password as its secret token, other clients send both.
    const password = Buffer.from(`${customer.directoryId}:${token}`).toString('base64');
    const basic = identityProvider({ baseUrl: customer.baseUrl });
    ok(await basic.send({ method: 'GET', path: '/Users?count=1', headers: { authorization: `Basic ${password}` } }), 200);
    const entra = new Entra(identityProvider({ baseUrl: customer.baseUrl, token }));
    await entra.testConnection();

    const premium = ok(
      await entra.provision({
        ...person('Nia North', 'z-1'),
        userType: 'Premium',
        [folders]: ['Folder 1', ' Folder 2'],
        [`${metadata}:CostCenter`]: '4711',
        [`${metadata}:Site Code`]: 'BER',
        roles: [{ primary: 'True', value: 'EnterpriseAdmin', display: 'Enterprise administrators' }],
      }),
      201,
    );
    ok(await entra.provision({ ...person('Ole Oak', 'z-2'), userType: 'Standard', [folders]: 'Folder 1, Folder 2' }), 201); // Split() was forgotten
    expect((await usersOf(customer)).map(({ attributes, roles }: any) => [attributes, roles])).toEqual([
      [
        { user_type: 'Premium', folders: ['Folder 1', 'Folder 2'], metadata: { CostCenter: '4711', 'Site Code': 'BER' } },
        [{ role: 'EnterpriseAdmin', rule: 0 }],
      ],
      [{ user_type: 'Standard', folders: ['Folder 1', 'Folder 2'] }, [{ role: 'App', rule: -1 }]],
    ]);

    const wrongType = await entra.provision({ ...person('Pia Park', 'z-3'), userType: 'premium' });
    expect({ status: wrongType.status, body: wrongType.body }).toEqual(
      refusal(
        400,
        'userType: "premium" is not one of "Premium", "Standard". Change the value or the mapping in your identity provider.',
        'invalidValue',
      ),
    );
    const noType = await entra.provision(person('Pia Park', 'z-3'));
    expect([noType.status, noType.text]).toEqual([
      400,
      expect.stringContaining('userType is required and has no value: it must be one of'),
    ]);
    const wrongRole = await entra.provision({
      ...person('Pia Park', 'z-3'),
      userType: 'Premium',
      roles: [{ primary: true, value: 'Readonly' }],
    });
    expect([wrongRole.status, wrongRole.text]).toEqual([
      400,
      expect.stringContaining('roles[primary eq true].value: \\"Readonly\\" is not one of'),
    ]);

    ok(
      await entra.patch(
        `/Users/${premium.id}`,
        { op: 'Replace', path: 'userType', value: 'Standard' },
        { op: 'Add', path: folders, value: ['Folder 3'] },
        { op: 'Remove', path: `${metadata}:CostCenter` },
        { op: 'Add', path: 'roles[primary eq "True"].value', value: 'ReadOnly' },
      ),
      200,
    );
    expect((await usersOf(customer))[0]).toMatchObject({
      attributes: { user_type: 'Standard', folders: ['Folder 1', 'Folder 2', 'Folder 3'], metadata: { 'Site Code': 'BER' } },
      roles: [{ role: 'ReadOnly', rule: 0 }],
    });

    // The e-mail address is the user name, and so nobody else's. Users can be imported from here.
    const again = await entra.idp.post('/Users', { schemas: [userUrn], ...person('Nia North', 'z-9'), userType: 'Premium' });
    expect({ status: again.status, body: again.body }).toEqual(
      refusal(
        409,
        'Another user of this directory already has the userName "nia@customer.example". Match on it instead, or send another userName.',
        'uniqueness',
      ),
    );
    const imported = ok(await entra.idp.get('/Users?startIndex=1&count=100'), 200);
    expect(imported.Resources.map((user: any) => [user.userName, user.userType, user[folders.slice(0, folders.lastIndexOf(':'))]])).toEqual(
      [
        ['nia@customer.example', 'Standard', { folders: ['Folder 1', ' Folder 2', 'Folder 3'] }],
        ['ole@customer.example', 'Standard', { folders: 'Folder 1, Folder 2' }],
      ],
    );

    // Somebody whose type is taken away is refused, and can be switched off all the same.
    const cleared = await entra.patch(`/Users/${premium.id}`, { op: 'Remove', path: 'userType' });
    expect(cleared.status).toBe(400);
    ok(
      await entra.patch(`/Users/${premium.id}`, { op: 'Remove', path: 'userType' }, { op: 'Replace', path: 'active', value: 'False' }),
      200,
    );
  });

  test('a group of 17 has 17 members, each of whom has it', async () => {
    const customer = await aCustomer('entra');
    await map(customer, mapping);
    const { token } = await system.api('POST', `/v1/directories/${customer.directoryId}/bearer_token`, {});
    const entra = new Entra(identityProvider({ baseUrl: customer.baseUrl, token }));
    const ids: string[] = [];
    for (let i = 0; i < 17; i += 1)
      ids.push(ok(await entra.provision({ ...person(`User${i} Sales`, `s-${i}`), userType: i % 2 ? 'Premium' : 'Standard' }), 201).id);
    const id = await entra.group('Sales and Marketing', 's-g', ids);
    expect(await system.api('GET', `/v1/directory_groups/${id}`)).toMatchObject({ display_name: 'Sales and Marketing', member_count: 17 });
    expect((await system.api('GET', `/v1/directory_groups/${id}/members`)).data.map((member: any) => member.id)).toEqual(ids);
    expect((await usersOf(customer)).every((user: any) => user.attributes.groups[0] === 'Sales and Marketing')).toBe(true);
    const events = await eventually(async () => {
      const all = await eventsOf(customer, 'group.member_added', 'user.updated');
      return all.length === 34 && all;
    });
    expect(events.map((event: any) => event.type)).toEqual(Array.from({ length: 17 }, () => ['group.member_added', 'user.updated']).flat());
  });
});

describe('ssoready-entra-bearer-token.txt: an environment, an organization, a directory, a token', () => {
  test('the token is shown once, and a new one ends it at once', async () => {
    const customer = await aCustomer('entra');
    const { token } = await system.api('POST', `/v1/directories/${customer.directoryId}/bearer_token`, {});
    await new Entra(identityProvider({ baseUrl: customer.baseUrl, token })).testConnection();
    expect(JSON.stringify(await system.api('GET', `/v1/directories/${customer.directoryId}`))).not.toContain(token);

    const { token: next } = await system.api('POST', `/v1/directories/${customer.directoryId}/bearer_token`, {});
    const old = await identityProvider({ baseUrl: customer.baseUrl, token }).get('/Users');
    expect([old.status, old.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Bearer')]);
    const entra = new Entra(identityProvider({ baseUrl: customer.baseUrl, token: next }));
    const user = ok(await entra.provision({ ...person('Quin Quay', 'q-1'), displayName: 'Quin' }), 201);
    ok(await entra.patch(`/Users/${user.id}`, { op: 'Replace', path: 'name.givenName', value: 'Quinn' }), 200);
    ok(await entra.disable(user.id), 200);
    const events = await eventually(async () => {
      const all = await eventsOf(customer);
      return all.length === 4 && all;
    });
    expect(events.map((event: any) => event.type)).toEqual(['directory.activated', 'user.created', 'user.updated', 'user.deactivated']);
    expect(await usersOf(customer)).toMatchObject([{ external_id: 'q-1', given_name: 'Quinn', active: false, attributes: {}, roles: [] }]);
  });
});
