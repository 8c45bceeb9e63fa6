import { bounds } from '#bounds';
import type { Resource } from './resource';
import { checkSize } from './size';
import { enterpriseUserUrn } from './urns';

const text = (bytes: number): string => 'x'.repeat(bytes);
/** Of 1 MiB as JSON, but for `less` bytes. */
const large = (less = 0): Resource => {
  const resource: Resource = { userName: 'ada', roles: Array.from({ length: 20 }, () => ({ value: text(50_000) })) };
  const left = bounds.resourceBytes - JSON.stringify({ ...resource, title: '' }).length - less;
  return { ...resource, title: text(left) };
};

function refusal(after: Resource, before?: Resource): string {
  try {
    checkSize('User', after, before);
    return 'taken';
  } catch (error) {
    expect(error).toMatchObject({ status: 400, scimType: 'invalidValue' });
    return (error as Error).message;
  }
}

test.each<[string, (value: string) => Resource]>([
  ['title', (title) => ({ title })],
  ['name.givenName', (givenName) => ({ name: { givenName } })],
  ['emails.value', (value) => ({ emails: [{ value: 'a@acme.com' }, { value }] })],
  [`${enterpriseUserUrn}:department`, (department) => ({ [enterpriseUserUrn]: { department } })],
  [`${enterpriseUserUrn}:manager.displayName`, (displayName) => ({ [enterpriseUserUrn]: { manager: { displayName } } })],
  ['urn:acme:any:notes.of', (of) => ({ 'urn:acme:any': { notes: [[{ of }]] } })],
])('G23 one value, here %s, has 64 KiB at most', (name, resource) => {
  expect(refusal(resource(text(65_536)))).toBe('taken');
  expect(refusal(resource(text(65_537)))).toContain(`${name} has 65537 bytes, and 65536 are the most`);
});

test('bytes are counted, and not characters', () => {
  expect(refusal({ title: 'ł'.repeat(32_768) })).toBe('taken');
  expect(refusal({ title: 'ł'.repeat(32_769) })).toContain('has 65538 bytes');
});

test('a photo as data URI has 256 KiB at most, and one by its URL is a value like others', () => {
  const photo = (start: string, bytes: number) => refusal({ photos: [{ type: 'photo', value: start + text(bytes - start.length) }] });
  expect(photo('data:image/png;base64,', 262_144)).toBe('taken');
  expect(photo('data:image/png;base64,', 262_145)).toContain('photos.value has 262145 bytes, and 262144 are the most');
  expect(photo('https://', 65_537)).toContain('65536 are the most');
});

test('G23 all of it has 1 MiB at most, and its largest attribute is named', () => {
  expect(refusal(large())).toBe('taken');
  expect(refusal(large(-1))).toContain(`1048577 bytes, and 1048576 are the most. roles alone has 1000`);
});

describe('of what is too large already', () => {
  const before = { ...large(), title: text(100_000), nickName: text(70_000) };

  test.each<[string, Resource]>([
    ['is deactivated', { ...before, active: false }],
    ['stays as it is', before],
    ['loses a little', { ...before, title: text(99_999) }],
    ['has something small changed', { ...before, userName: 'eva' }],
  ])('whoever %s is taken', (_what, after) => {
    expect(refusal(after, before)).toBe('taken');
    expect(refusal(after, { ...before, active: true })).toBe('taken');
  });

  test.each<[string, Resource, string]>([
    ['one value', { ...before, title: text(100_001) }, 'title has 100001 bytes'],
    ['another value', { ...before, displayName: text(65_537), title: text(1) }, 'displayName has 65537 bytes'],
    ['a second value', { ...before, photos: [{ value: text(65_537) }], title: text(1) }, 'photos.value has 65537 bytes'],
    ['all of it', { ...before, userName: 'adas' }, 'are the most. roles alone has'],
  ])('%s cannot be enlarged', (_what, after, expected) => {
    expect(refusal(after, before)).toContain(expected);
  });
});
