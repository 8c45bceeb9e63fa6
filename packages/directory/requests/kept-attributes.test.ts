import { aDirectory, testDatabase } from '#testing';
import { newId } from '#identifier';
import { parseMapping } from '#mapping';
import { alwaysKept, keepAttributes, keptAttributes, notKept, UsedAttributes } from './kept-attributes';
import { saveMapping } from '../people/mappings';

const metadata = 'urn:ietf:params:scim:schemas:extension:2.0:Metadata';
const custom = 'urn:ietf:params:scim:schemas:extension:2.0:Custom';

test('of a user what everybody needs is kept, and of the rest its names', () => {
  expect(
    keepAttributes(
      {
        schemas: ['urn'],
        userName: 'ada',
        name: { givenName: 'Ada' },
        phoneNumbers: [{ value: '1' }],
        photos: ['x'],
        nickName: 'A',
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'R' },
        [metadata]: { site: 'BER', salary: 7 },
        [`${metadata}:grade`]: 9,
      },
      new Set([...alwaysKept, `${metadata.toLowerCase()}:site`]),
    ),
  ).toEqual({
    schemas: ['urn'],
    userName: 'ada',
    name: { givenName: 'Ada' },
    phoneNumbers: notKept,
    photos: notKept,
    nickName: notKept,
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'R' },
    [metadata]: { site: 'BER', salary: notKept },
    [`${metadata}:grade`]: notKept,
  });
});

test('of operations their values are looked at by path, and without one by name', () => {
  expect(
    keepAttributes(
      {
        schemas: ['urn'],
        Operations: [
          { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '1' },
          { op: 'Replace', path: 'name.givenName', value: 'Ada' },
          { op: 'Add', path: 'emails[type eq "work"].value', value: 'a@b.c' },
          { op: 'Add', path: `${custom}:folders`, value: ['1'] },
          { op: 'Add', path: `${metadata}:site`, value: 'BER' },
          { op: 'replace', value: { active: false, nickName: 'A', 'name.familyName': 'L' } },
          { op: 'replace', value: '{"active":false,"nickName":"A"}' },
          { op: 'replace', value: 'nickName=A' },
          { method: 'POST', path: '/Users', data: { userName: 'ada', nickName: 'A' } },
        ],
      },
      new Set([...alwaysKept, `${custom.toLowerCase()}`]),
    ),
  ).toEqual({
    schemas: ['urn'],
    Operations: [
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: notKept },
      { op: 'Replace', path: 'name.givenName', value: 'Ada' },
      { op: 'Add', path: 'emails[type eq "work"].value', value: 'a@b.c' },
      { op: 'Add', path: `${custom}:folders`, value: ['1'] },
      { op: 'Add', path: `${metadata}:site`, value: notKept },
      { op: 'replace', value: { active: false, nickName: notKept, 'name.familyName': 'L' } },
      { op: 'replace', value: `{"active":false,"nickName":"${notKept}"}` },
      { op: 'replace', value: notKept },
      { method: 'POST', path: '/Users', data: { userName: 'ada', nickName: notKept } },
    ],
  });
});

test('what a mapping reads is kept from the moment that it is saved', async () => {
  const { pool } = await testDatabase();
  const { directory } = await aDirectory();
  const { directory: other } = await aDirectory();
  const used = new UsedAttributes({ atMost: 1 });
  const kept = async () => (await keptAttributes(pool, [directory.id, other.id], used)).get(directory.id);
  expect(await kept()).toEqual(alwaysKept);

  await saveMapping(
    pool,
    { environmentId: directory.environmentId },
    parseMapping({
      attributes: [
        { name: 'nick', type: 'string', from: 'nickName' },
        { name: 'metadata', type: 'object', from: `${metadata}:*` },
      ],
    }),
    newId(),
  );
  expect(await kept()).toEqual(new Set([...alwaysKept, 'nickname', metadata.toLowerCase()]));

  await saveMapping(
    pool,
    { environmentId: directory.environmentId, directoryId: directory.id },
    parseMapping({ roles: { rules: [{ role_from: 'x509Certificates[primary eq true].value' }] } }),
    newId(),
  );
  expect(await kept()).toEqual(new Set([...alwaysKept, 'x509certificates']));
  expect((await keptAttributes(pool, [other.id], used)).get(other.id)).toEqual(alwaysKept);
});
