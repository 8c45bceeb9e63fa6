import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { eraseAttempts } from '#delivery';
import { announceExpiringCredentials, type EventJson, type EventType, eraseDue, eventTypes, remapUsers, rewindFeeds } from '#directory';
import { parsePublicId } from '#identifier';
import { eventually } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';
import { aClosedDocument } from '../frame/a-closed-document';
import { routes } from './routes';

const never = new AbortController().signal;
const day = 86_400_000;

let broker: TestBroker;
let directory: TestDirectory;
/** Of every type, and of each every kind of `data` that it may have. */
let events: EventJson[];
/** The same, with a person in them erased. */
let erased: EventJson[];

beforeAll(async () => {
  broker = await aBroker();
  broker.sequence();
  directory = await broker.aDirectory();
  await takeSeats();
  await brakeDepartures();
  const person = await changePeople();
  await refuseWrites();
  await mapAnew();
  await letCredentialsExpire();
  await rewindFeeds(broker.db.pool);
  await endPeople(person);
  await endDirectory();
  events = await wholeLog();
  await call('DELETE', `/v1/directory_users/${person.user}/personal_data`);
  await broker.db.pool.query(`update erasures set created_at = created_at - interval '3 seconds'`);
  await eraseDue(broker.db.pool, (about) => eraseAttempts(broker.db.pool, about), never);
  erased = await wholeLog();
});

test.each(eventTypes)('%s is as its schema describes it, to the last field', (type) => {
  const made = [events, erased].flatMap((log) => log.filter((event) => event.type === type));
  expect(made.length).toBeGreaterThan(0);
  for (const event of made) expectDescribed(event);
});

test('of those events are some of whom somebody was erased', () => {
  const speaking = (log: EventJson[]) => log.filter((event) => JSON.stringify(event).includes('Lovelace')).length;
  expect([speaking(events) > 0, speaking(erased)]).toEqual([true, 0]);
});

test.each(eventTypes)('an example of %s has exactly the fields of a real one', async (type) => {
  const example = await exampleOf(type);
  expect(example).toMatchObject({ type, test: true, position: 0, sequence: 0 });
  expectDescribed(example);
  const { test: _, ...unmarked } = example;
  const fields = events.filter((event) => event.type === type).map((event) => fieldsOf(event).join(' '));
  expect(fields).toContain(fieldsOf(unmarked).join(' '));
});

test('a field that is missing, or one too many, is seen', () => {
  const [event] = events.filter(({ type }) => type === 'directory.brake_engaged');
  if (event?.type !== 'directory.brake_engaged') throw new Error('nothing was engaged');
  const { active_users: _, ...brake } = event.data.brake;
  expect(faults({ ...event, data: { brake } })).toEqual(["/data/brake must have required property 'active_users'"]);
  expect(faults({ ...event, data: { ...event.data, reason: 'x' } })).toEqual(['/data must NOT have unevaluated properties']);
  expect(faults({ ...event, colour: 'red' })).toEqual([' must NOT have unevaluated properties']);
});

// ── What the schemas say ───────────────────────────────────────────────────────────────────────

const document: any = aClosedDocument(routes);
const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ ...document, $id: 'openapi' });
const validators = new Map<string, ValidateFunction>();

/** By the discriminator, as a client finds the schema. */
function validatorOf(type: string): ValidateFunction {
  const pointer: string = document.components.schemas.Event.discriminator.mapping[type];
  const validator = validators.get(type) ?? ajv.compile({ $ref: `openapi${pointer}` });
  validators.set(type, validator);
  return validator;
}

function faults(event: { type: string; [field: string]: unknown }): string[] {
  const validate = validatorOf(event.type);
  return validate(event) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function expectDescribed(event: EventJson): void {
  expect({ faults: faults({ ...event }), event }).toEqual({ faults: [], event });
}

/** What an event is made of: its fields, those of `data`, and theirs; not what a person has, who may have anything. */
function fieldsOf(event: Omit<EventJson, 'test'>): string[] {
  const within = (path: string, value: unknown, depth: number): string[] => {
    if (depth === 0 || typeof value !== 'object' || value === null || Array.isArray(value) || /\.(previous|resource)$/.test(path))
      return [path];
    return Object.entries(value).flatMap(([name, inner]) => within(`${path}.${name}`, inner, depth - 1));
  };
  return within('', event, 3).sort();
}

// ── Events of every type ───────────────────────────────────────────────────────────────────────

async function wholeLog(): Promise<EventJson[]> {
  const { rows } = await broker.db.pool.query<{ last: number }>('select count(*)::int as last from events');
  const last = rows[0]?.last;
  return eventually(async () => {
    const { data } = (await broker.call('GET', '/v1/events?limit=1000')).body;
    return data.length === last && data;
  });
}

async function exampleOf(type: EventType): Promise<EventJson> {
  const endpoint = (await broker.call('POST', '/v1/webhook_endpoints', { body: { url: 'https://example.com/hooks' } })).body;
  const sent = await broker.call('POST', `/v1/webhook_endpoints/${endpoint.id}/test`, { body: { type } });
  const { rows } = await broker.db.pool.query<{ test_event: string }>('select test_event from delivery_exceptions where event_id = $1', [
    parsePublicId('evt', sent.body.event_id),
  ]);
  return JSON.parse(rows[0]?.test_event ?? '');
}

const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';

async function made(path: string, body: object): Promise<string> {
  const answer = await directory.idp.post(path, body);
  expect(answer.status).toBe(201);
  return (answer.body as { id: string }).id;
}

const aUser = (userName: string, more: object = {}) => made('/Users', { schemas: [userUrn], userName, active: true, ...more });
const aGroup = (displayName: string, members: string[] = []) =>
  made('/Groups', { schemas: [groupUrn], displayName, members: members.map((value) => ({ value })) });

async function patch(path: string, ...Operations: object[]): Promise<void> {
  const answer = await directory.idp.patch(path, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });
  expect(answer.status).toBeLessThan(300);
}

async function call(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await broker.call(method, path, body === undefined ? {} : { body });
  expect(answer.status).toBeLessThan(300);
}

async function takeSeats(): Promise<void> {
  const organization = `/v1/organizations/${directory.organizationId}`;
  await call('PATCH', organization, { seat_limit: 1, seat_mode: 'expand', seat_ceiling: 2 });
  await aUser('first@acme.com');
  await aUser('second@acme.com');
  await call('PATCH', organization, { seat_limit: null, seat_ceiling: null });
}

async function brakeDepartures(): Promise<void> {
  const brake = `/v1/directories/${directory.id}/brake`;
  await call('PUT', brake, { max_users: 1, window_seconds: 600 });
  await patch(`/Users/${await aUser('third@acme.com')}`, { op: 'replace', path: 'active', value: false });
  await call('POST', `${brake}/release`);
  await call('PUT', brake, null);
}

async function changePeople(): Promise<{ user: string; group: string }> {
  const user = await aUser('ada@acme.com', {
    schemas: [userUrn, enterpriseUrn],
    externalId: '00u1815',
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ value: 'ada@acme.com', type: 'work', primary: true, display: 'Ada' }],
    userType: 'Premium',
    [enterpriseUrn]: { department: 'Engines', employeeNumber: '1', manager: { value: '7' } },
  });
  await patch(`/Users/${user}`, { op: 'add', path: 'title', value: 'Countess' }, { op: 'replace', path: 'active', value: false });
  await patch(`/Users/${user}`, { op: 'add', path: 'nickName', value: 'Lovelace' }, { op: 'replace', path: 'active', value: true });
  await patch(`/Users/${user}`, { op: 'replace', path: 'emails[type eq "work"].value', value: 'lovelace@acme.com' });
  const group = await aGroup('Eng', [user, await aGroup('Interns')]);
  await patch(`/Groups/${group}`, { op: 'replace', value: { displayName: 'Engineering', externalId: 'g-1' } });
  return { user, group };
}

async function refuseWrites(): Promise<void> {
  await directory.idp.post('/Users', { schemas: [userUrn], userName: 'ada@acme.com', externalId: 'another' });
  await directory.idp.post('/Groups', { schemas: [groupUrn] });
}

async function mapAnew(): Promise<void> {
  await call('PUT', '/v1/attribute_mapping', {
    attributes: [{ name: 'plan', type: 'string', from: 'userType' }],
    roles: { mode: 'many', default: 'member', rules: [{ role: 'engineer', group: 'Engineering' }] },
  });
  await remapUsers(broker.db.pool, never);
}

async function letCredentialsExpire(): Promise<void> {
  const path = `/v1/directories/${directory.id}`;
  await call('POST', `${path}/bearer_tokens`, { name: 'yearly', expires_in: 365 * 86_400 });
  const { id } = (await broker.call('POST', `${path}/oauth_clients`, { body: { grant_type: 'client_credentials' } })).body;
  await call('POST', `${path}/oauth_clients/${id}/rotate_secret`);
  await announceExpiringCredentials(broker.db.pool, new Date(Date.now() + 6.5 * day));
  await announceExpiringCredentials(broker.db.pool, new Date(Date.now() + 351.5 * day));
}

async function endPeople({ user, group }: { user: string; group: string }): Promise<void> {
  expect((await directory.idp.delete(`/Groups/${group}`)).status).toBe(204);
  expect((await directory.idp.delete(`/Users/${user}`)).status).toBe(204);
}

async function endDirectory(): Promise<void> {
  await call('PATCH', `/v1/directories/${directory.id}`, { state: 'disabled' });
  await call('DELETE', `/v1/directories/${directory.id}`);
}
