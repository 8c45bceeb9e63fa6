/**
 * What the broker is for, end to end: an identity provider's session goes in over SCIM, and the vendor gets exactly the right events, in
 * order, with dense numbers, the same JSON by API and by webhook. Broker and worker run as in `npm start`.
 */
import { type IdentityProvider, eventually, identityProvider, redisUrl, startVendor, type Vendor, verified } from '#testing';
import { aSystem, type System } from './a-system';

interface Event {
  id: string;
  type: string;
  position: number;
  sequence: number;
  directory_id: string;
  data: {
    user?: { user_name: string; active: boolean; version: number };
    group?: { display_name: string; member_count: number; version: number };
    previous?: object;
  };
}

describe.each([{ queue: 'PostgreSQL', redis: undefined }, ...(redisUrl() ? [{ queue: 'Redis', redis: redisUrl() }] : [])])(
  'with the queue on $queue',
  ({ redis }) => {
    let system: System;
    let vendor: Vendor;

    beforeAll(async () => {
      system = await aSystem({ redisUrl: redis });
      vendor = await startVendor();
    });
    afterAll(async () => {
      await system.stop();
      await vendor.close();
    });

    async function connect(provider: string): Promise<{ idp: IdentityProvider; directoryId: string; secret: string }> {
      const organization = await system.api('POST', '/v1/organizations', { name: provider, external_id: provider });
      const directory = await system.api('POST', '/v1/directories', { organization_id: organization.id, provider });
      const { token } = await system.api('POST', `/v1/directories/${directory.id}/bearer_token`, {});
      const endpoint = await system.api('POST', '/v1/webhook_endpoints', { url: vendor.url, organization_id: organization.id });
      const baseUrl = `${system.url}/scim/v2/${directory.id}`;
      return { idp: identityProvider({ baseUrl, token }), directoryId: directory.id, secret: endpoint.secret };
    }

    /** All of a directory's events by API, once the last of them has also come by webhook; and nothing else has. */
    async function eventsOf(directoryId: string, secret: string, expected: string[]): Promise<Event[]> {
      const { data } = await eventually(async () => {
        const page = await system.api('GET', `/v1/events?directory_id=${directoryId}&limit=500`);
        expect(page.data).toHaveLength(expected.length);
        return page as { data: Event[] };
      });
      expect(data.map((event) => event.type)).toEqual(expected);
      expect(data.map((event) => event.sequence)).toEqual(data.map((_, i) => i + 1));

      const received = await eventually(async () => {
        const ours = vendor.received.filter((delivery) => delivery.body.includes(directoryId));
        expect(ours).toHaveLength(expected.length);
        return ours;
      });
      const byWebhook = received.map((delivery) => verified(secret, delivery) as Event);
      expect(byWebhook).toEqual(data);
      expect(received.map((delivery) => delivery.headers['webhook-id'])).toEqual(data.map((event) => event.id));
      return data;
    }

    test('a session of Entra gives the events of what it did', async () => {
      const { idp, directoryId, secret } = await connect('entra');
      const patch = (path: string, ...Operations: object[]) =>
        idp.patch(path, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });
      const ok = async (answer: Promise<{ status: number; body: unknown }>, status: number): Promise<any> => {
        const { status: got, body } = await answer;
        expect({ status: got, body: got === status ? undefined : body }).toEqual({ status, body: undefined });
        return body;
      };

      // Test connection, then five users, each matched first.
      await ok(idp.get('/Users?filter=userName+eq+%22b14a4c5e-0000-4000-8000-000000000000%22'), 200);
      const users: string[] = [];
      for (const [i, name] of ['ada', 'bob', 'cyd', 'dan', 'eve'].entries()) {
        const match = await ok(idp.get(`/Users?filter=userName+eq+%22${name}%40acme.com%22`), 200);
        expect(match).toMatchObject({ totalResults: 0, Resources: [] });
        const created = await ok(
          idp.post('/Users', {
            schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
            externalId: `object-${i}`,
            userName: `${name}@acme.com`,
            active: true,
            displayName: name,
            emails: [{ primary: true, type: 'work', value: `${name}@acme.com` }],
            meta: { resourceType: 'User' },
            name: { formatted: name, familyName: 'X', givenName: name },
            roles: [],
          }),
          201,
        );
        users.push(created.id);
      }
      const group = await ok(
        idp.post('/Groups', {
          schemas: [
            'urn:ietf:params:scim:schemas:core:2.0:Group',
            'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group',
          ],
          externalId: 'object-g',
          displayName: 'Engineering',
          meta: { resourceType: 'Group' },
        }),
        201,
      );
      for (const id of users) {
        const { status } = await patch(`/Groups/${group.id}`, { op: 'Add', path: 'members', value: [{ $ref: null, value: id }] });
        expect([200, 204]).toContain(status);
      }
      const check = await ok(
        idp.get(`/Groups?excludedAttributes=members&filter=id+eq+%22${group.id}%22+and+members+eq+%22${users[2]}%22`),
        200,
      );
      expect(check.totalResults).toBe(1);
      expect(check.Resources[0].members).toBeUndefined();

      const [ada] = users;
      await ok(
        patch(`/Users/${ada}`, { op: 'Replace', path: 'displayName', value: 'Ada L.' }, { op: 'Add', path: 'title', value: 'Countess' }),
        200,
      );
      await ok(
        patch(`/Users/${ada}`, { op: 'Replace', path: 'displayName', value: 'Ada L.' }, { op: 'Add', path: 'title', value: 'Countess' }),
        200,
      );
      await ok(patch(`/Users/${ada}`, { op: 'Replace', path: 'active', value: 'False' }), 200);
      expect((await ok(idp.get(`/Users/${ada}`), 200)).active).toBe(false);
      await ok(patch(`/Users/${ada}`, { op: 'Replace', path: 'active', value: 'True' }), 200);
      await patch(`/Groups/${group.id}`, { op: 'Remove', path: 'members', value: [{ $ref: null, value: users[0] }] });
      await patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${users[1]}"]` });
      await ok(idp.delete(`/Users/${users[2]}`), 204);
      await ok(idp.delete(`/Users/${users[2]}`), 404);
      await ok(idp.delete(`/Groups/${group.id}`), 204);

      const events = await eventsOf(directoryId, secret, [
        'directory.activated',
        ...Array.from({ length: 5 }, () => 'user.created'),
        'group.created',
        ...Array.from({ length: 5 }, () => 'group.member_added'),
        'user.updated',
        'user.deactivated',
        'user.reactivated',
        'group.member_removed',
        'group.member_removed',
        'group.member_removed',
        'user.deleted',
        'group.member_removed',
        'group.member_removed',
        'group.deleted',
      ]);
      expect(events.slice(7, 12).map((event) => event.data.group?.member_count)).toEqual([1, 2, 3, 4, 5]);
      expect(events[12]!.data).toMatchObject({
        user: { title: 'Countess', display_name: 'Ada L.' },
        previous: { title: null, display_name: 'ada' },
      });
      expect(events[12]!.data.previous).toEqual({ title: null, display_name: 'ada' });
      for (const event of events.slice(1)) {
        if (event.data.user) expect(event.data.user.version).toBe(event.sequence);
        if (event.data.group) expect(event.data.group.version).toBe(event.sequence);
      }
    });

    test('a session of Okta gives the events of what it did', async () => {
      const { idp, directoryId, secret } = await connect('okta');
      const filter = encodeURIComponent('userName eq "grace@acme.com"');
      expect((await idp.get(`/Users?filter=${filter}&startIndex=1&count=100`)).body).toMatchObject({ totalResults: 0 });
      const created = (
        await idp.post('/Users', {
          schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
          userName: 'grace@acme.com',
          name: { givenName: 'Grace', familyName: 'Hopper' },
          emails: [{ primary: true, value: 'grace@acme.com', type: 'work' }],
          displayName: 'Grace Hopper',
          locale: 'en-US',
          externalId: '00u1',
          groups: [],
          password: 'cobol-1959',
          active: true,
        })
      ).body as { id: string };
      expect(JSON.stringify(created)).not.toContain('cobol');

      const read = (await idp.get(`/Users/${created.id}`)).body as Record<string, unknown>;
      expect((await idp.put(`/Users/${created.id}`, { ...read, title: 'Rear Admiral', groups: [] })).status).toBe(200);
      expect((await idp.put(`/Users/${created.id}`, { ...read, title: 'Rear Admiral', groups: [] })).status).toBe(200);

      const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
      expect((await idp.patch(`/Users/${created.id}`, { schemas, Operations: [{ op: 'replace', value: { active: false } }] })).status).toBe(
        200,
      );
      expect((await idp.get(`/Users/${created.id}`)).body).toMatchObject({
        active: false,
        title: 'Rear Admiral',
        name: { givenName: 'Grace' },
      });
      expect((await idp.patch(`/Users/${created.id}`, { schemas, Operations: [{ op: 'replace', value: { active: true } }] })).status).toBe(
        200,
      );

      const group = (
        await idp.post('/Groups', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Navy', members: [] })
      ).body as { id: string };
      const path = `/Groups/${group.id}`;
      await idp.patch(path, { schemas, Operations: [{ op: 'replace', value: { id: group.id, displayName: 'US Navy' } }] });
      await idp.patch(path, {
        schemas,
        Operations: [
          { op: 'remove', path: `members[value eq "${created.id}"]` },
          { op: 'add', path: 'members', value: [{ value: created.id, display: 'grace@acme.com' }] },
        ],
      });
      await idp.patch(path, {
        schemas,
        Operations: [{ op: 'replace', path: 'members', value: [{ value: created.id, display: 'grace@acme.com' }] }],
      });
      await idp.patch(path, { schemas, Operations: [{ op: 'replace', path: 'members', value: [] }] });
      expect((await idp.delete(path)).status).toBe(204);

      await eventsOf(directoryId, secret, [
        'directory.activated',
        'user.created',
        'user.updated',
        'user.deactivated',
        'user.reactivated',
        'group.created',
        'group.updated',
        'group.member_added',
        'group.member_removed',
        'group.deleted',
      ]);
    });
  },
);
