/** A warning in PostgreSQL's log calls somebody who looks after it. No request is reason for one: what is refused least of all. */
import pg from 'pg';
import { isObject } from '#scim';
import { createTestDatabase, type ScimAnswer, type TestDatabase } from '#testing';
import { aBroker, type TestBroker, type TestDirectory } from '../a-broker';
import { aListeningWire, type ListeningWire } from './a-listening-wire';

let db: TestDatabase;
let wire: ListeningWire;
let broker: TestBroker;
let idp: TestDirectory['idp'];

beforeAll(async () => {
  db = await createTestDatabase();
  wire = await aListeningWire(db.url);
  broker = await aBroker({ databaseUrl: wire.url });
  ({ idp } = await broker.aDirectory());
});
beforeEach(() => void wire.takeNotices());
afterAll(() => wire.stop());

const user = (userName: string) => ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName });
const group = (displayName: string) => ({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName });
const patch = (operation: object) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] });
const idOf = ({ body }: ScimAnswer): string => (isObject(body) ? String(body.id) : '');

test('a warning would be heard here', async () => {
  const client = new pg.Client({ connectionString: wire.url });
  await client.connect();
  await client.query('rollback');
  await client.end();
  expect(wire.takeNotices()).toEqual(['WARNING: there is no transaction in progress']);
});

test('a name that is taken is refused without one, alone and among others who wait for the directory', async () => {
  const [ada, eng] = [idOf(await idp.post('/Users', user('ada'))), idOf(await idp.post('/Groups', group('Eng')))];
  await idp.post('/Users', user('bob'));
  await idp.post('/Groups', group('Ops'));
  const alone = [
    await idp.post('/Users', user('ADA')),
    await idp.patch(`/Users/${ada}`, patch({ op: 'replace', path: 'userName', value: 'bob' })),
    await idp.put(`/Users/${ada}`, user('bob')),
    await idp.post('/Groups', group('eng')),
    await idp.patch(`/Groups/${eng}`, patch({ op: 'replace', path: 'displayName', value: 'ops' })),
  ];
  const together = await Promise.all(Array.from({ length: 8 }, () => idp.post('/Users', user('cyd'))));
  expect(alone.map(({ status }) => status)).toEqual([409, 409, 409, 409, 409]);
  expect(together.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  expect(wire.takeNotices()).toEqual([]);
});

test('so is what is refused for other reasons, before and after something was written', async () => {
  const eng = idOf(await idp.post('/Groups', group('Refused')));
  const nobody = { value: '01990000-0000-7000-8000-000000000000' };
  const answers = [
    await idp.delete('/Users/usr_01990000000070008000000000000000'),
    await idp.patch(`/Groups/${eng}`, patch({ op: 'add', path: 'members', value: [nobody] })),
    await idp.patch(`/Groups/${eng}`, patch({ op: 'replace', path: 'nonsense', value: 'x' })),
  ];
  expect(answers.map(({ status }) => status)).toEqual([404, 400, 400]);
  const taken = { body: { name: 'Acme', external_id: 'acme' } };
  expect((await broker.call('POST', '/v1/organizations', taken)).status).toBe(201);
  expect((await broker.call('POST', '/v1/organizations', taken)).status).toBe(409);
  expect(wire.takeNotices()).toEqual([]);
});
