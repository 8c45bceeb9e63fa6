import type { Resource } from '#scim';
import { profileOf } from './profile';

const home = { value: 'ada@home.example', type: 'home' };
const work = { value: 'ada@work.example', type: 'work' };

test.each<[string, Resource[], string | null]>([
  ['the primary one', [work, { ...home, primary: true }], home.value],
  ['else the one for work', [home, work], work.value],
  ['else the first', [home, { value: 'ada@other.example' }], home.value],
  ['not a primary one without a value', [{ type: 'work', primary: true }, home], home.value],
  ['not one for work without a value', [{ type: 'work', display: 'Ada' }, home], home.value],
  ['not a first one without a value', [{ type: 'other' }, home], home.value],
  ['none where no value is', [{ type: 'work', primary: true }], null],
])('the e-mail is %s', (_what, emails, email) => {
  expect(profileOf({ userName: 'ada', active: true, emails }).email).toBe(email);
});
