import { groupName, type Person, person } from './people';

export interface Play {
  provider: 'entra' | 'okta';
  users: number;
  groups: number;
  /** After the first sync: somebody is promoted, changes teams, is deactivated, comes back, leaves. */
  laterChanges: boolean;
  /** Two users that cannot be provisioned, for the failures to be seen. */
  failures: boolean;
  domain: string;
}

export interface Progress {
  done: number;
  of: number;
  /** What is being done, in a few words. */
  step: string;
  failed: number;
}

/** Sends one SCIM request and gives what came back. */
export type Send = (method: string, path: string, body?: object) => Promise<{ status: number; body: unknown }>;

/**
 * Plays an identity provider's session against a directory, request for request as Entra or Okta makes them: a test of the
 * connection, the first sync with a match before each create, then the changes of a working day.
 */
export async function play(o: Play, send: Send, onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<Progress> {
  const dialect = o.provider === 'entra' ? entra : okta;
  const people = Array.from({ length: o.users }, (_, i) => person(i, o.domain));
  const steps = o.users + o.groups + (o.laterChanges ? 6 : 0) + (o.failures ? 2 : 0);
  const progress: Progress = { done: 0, of: steps, step: 'Testing the connection', failed: 0 };
  const ids = new Map<string, string>();

  const request: Send = async (method, path, body) => {
    signal.throwIfAborted();
    const answer = await send(method, path, body);
    if (answer.status >= 400) progress.failed += 1;
    if (answer.status === 401) throw new Error('The directory does not accept the token any more.');
    if (answer.status >= 500) throw new Error(`The broker answered ${answer.status}.`);
    return answer;
  };
  const step = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    progress.step = name;
    onProgress({ ...progress });
    await work();
    progress.done += 1;
    onProgress({ ...progress });
  };

  onProgress({ ...progress });
  await dialect.test(request);

  for (const one of people) {
    await step(`Adding ${one.userName}`, async () => {
      const found = await request('GET', `/Users?filter=${encodeURIComponent(`userName eq "${one.userName}"`)}${dialect.paging}`);
      const id = idIn(found.body) ?? idIn((await request('POST', '/Users', dialect.user(one))).body);
      if (id !== undefined) ids.set(one.userName, id);
    });
  }

  const groups: { id: string; members: string[] }[] = [];
  for (let n = 0; n < o.groups; n++) {
    const name = groupName(n);
    await step(`Adding the group ${name}`, async () => {
      const created = idIn((await request('POST', '/Groups', dialect.group(name))).body);
      // The n-th group has everybody whose number leaves n by the number of groups, and the first group of all some more.
      const members = people
        .filter((_, i) => i % o.groups === n || (n === 0 && i % 7 === 0))
        .flatMap(({ userName }) => ids.get(userName) ?? []);
      if (created === undefined) return;
      groups.push({ id: created, members });
      for (let i = 0; i < members.length; i += 100)
        await request('PATCH', `/Groups/${created}`, dialect.addMembers(members.slice(i, i + 100)));
    });
  }

  if (o.failures) {
    const [first] = people;
    await step('Adding somebody whose name is taken', () =>
      request('POST', '/Users', dialect.user({ ...(first ?? person(0, o.domain)), externalId: '00000000-0000-4000-8000-ffffffffffff' })),
    );
    await step('Adding somebody without a user name', () =>
      request('POST', '/Users', { ...dialect.user(person(o.users + 1, o.domain)), userName: '' }),
    );
  }
  if (o.laterChanges) await laterChanges(people, ids, groups, dialect, request, step);

  progress.step = 'Done';
  onProgress({ ...progress });
  return progress;
}

async function laterChanges(
  people: Person[],
  ids: Map<string, string>,
  groups: { id: string; members: string[] }[],
  dialect: Dialect,
  request: Send,
  step: (name: string, work: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const nth = (n: number): { who: Person; id: string } | undefined => {
    const who = people[Math.min(n, people.length - 1)];
    const id = who && ids.get(who.userName);
    return who && id !== undefined ? { who, id } : undefined;
  };
  const [promoted, leaver, returner, deleted] = [nth(0), nth(2), nth(3), nth(people.length - 1)];
  const group = groups.at(-1);
  const mover = group?.members[0];

  await step(
    'Promoting somebody',
    async () => promoted && dialect.change(request, promoted, { title: `Head of ${promoted.who.department}` }),
  );
  await step(
    'Moving somebody out of a group',
    async () => group && mover && request('PATCH', `/Groups/${group.id}`, dialect.removeMember(mover)),
  );
  await step('Deactivating two people', async () => {
    if (leaver) await request('PATCH', `/Users/${leaver.id}`, dialect.setActive(false));
    if (returner) await request('PATCH', `/Users/${returner.id}`, dialect.setActive(false));
  });
  await step('Bringing one of them back', async () => returner && request('PATCH', `/Users/${returner.id}`, dialect.setActive(true)));
  await step(
    'Renaming a group',
    async () => group && request('PATCH', `/Groups/${group.id}`, dialect.rename(`${groupName(groups.length - 1)} (all sites)`)),
  );
  await step('Deleting somebody', async () => deleted && people.length > 4 && request('DELETE', `/Users/${deleted.id}`));
}

interface Dialect {
  paging: string;
  test: (request: Send) => Promise<unknown>;
  user: (person: Person) => object;
  group: (name: string) => object;
  addMembers: (ids: string[]) => object;
  removeMember: (id: string) => object;
  setActive: (active: boolean) => object;
  rename: (name: string) => object;
  change: (request: Send, one: { who: Person; id: string }, to: { title: string }) => Promise<unknown>;
}

const patch = (...operations: object[]): object => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations });
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const entra: Dialect = {
  paging: '',
  // Entra asks for somebody who cannot be there.
  test: (request) => request('GET', `/Users?filter=${encodeURIComponent(`userName eq "${crypto.randomUUID()}"`)}`),
  user: (one) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise],
    externalId: one.externalId,
    userName: one.userName,
    active: true,
    displayName: `${one.givenName} ${one.familyName}`,
    title: one.title,
    emails: [{ primary: true, type: 'work', value: one.userName }],
    meta: { resourceType: 'User' },
    name: { formatted: `${one.givenName} ${one.familyName}`, familyName: one.familyName, givenName: one.givenName },
    [enterprise]: { department: one.department },
  }),
  group: (name) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group', 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
    externalId: crypto.randomUUID(),
    displayName: name,
    meta: { resourceType: 'Group' },
  }),
  addMembers: (ids) => patch({ op: 'Add', path: 'members', value: ids.map((value) => ({ $ref: null, value })) }),
  removeMember: (id) => patch({ op: 'Remove', path: 'members', value: [{ $ref: null, value: id }] }),
  setActive: (active) => patch({ op: 'Replace', path: 'active', value: active ? 'True' : 'False' }),
  rename: (name) => patch({ op: 'Replace', path: 'displayName', value: name }),
  change: (request, { id }, { title }) => request('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'title', value: title })),
};

const okta: Dialect = {
  paging: '&startIndex=1&count=100',
  test: (request) => request('GET', '/Users?startIndex=1&count=2'),
  user: (one) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: one.userName,
    name: { givenName: one.givenName, familyName: one.familyName },
    emails: [{ primary: true, value: one.userName, type: 'work' }],
    displayName: `${one.givenName} ${one.familyName}`,
    title: one.title,
    locale: 'en-US',
    externalId: `00u${one.externalId.slice(-12)}`,
    groups: [],
    active: true,
  }),
  group: (name) => ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: name, members: [] }),
  addMembers: (ids) => patch({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) }),
  removeMember: (id) => patch({ op: 'remove', path: `members[value eq "${id}"]` }),
  setActive: (active) => patch({ op: 'replace', value: { active } }),
  rename: (displayName) => patch({ op: 'replace', value: { displayName } }),
  // Okta reads the user, and writes all of it back.
  change: async (request, { id }, { title }) => {
    const { body } = await request('GET', `/Users/${id}`);
    return request('PUT', `/Users/${id}`, { ...(typeof body === 'object' ? body : {}), title });
  },
};

/** The id of a resource, or of the first one of a list. */
function idIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  if ('Resources' in body && Array.isArray(body.Resources)) return idIn(body.Resources[0]);
  return 'id' in body && typeof body.id === 'string' ? body.id : undefined;
}
