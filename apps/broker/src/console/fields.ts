import { Type } from '@sinclair/typebox';
import { roles } from '#accounts';
import { shortestPassword } from '#credential';
import { word } from '../frame/shapes';

// What is typed in on the console's pages. A `description` is what the page shows beside the field where it does not fit.

const address = '^[^\\s@<>"]{1,64}@[^\\s@<>"]{1,255}$';

/** An e-mail address, as far as anybody can tell before a mail has arrived there. */
export const Email = Type.String({ pattern: address, description: 'This is not an e-mail address.' });

export const EmailOrNone = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  pattern: address,
  description: 'This is not an e-mail address.',
});

export const NameText = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '\\S',
  description: 'This needs a name, of at most 200 characters.',
});

export const passwordTooShort = `A password needs at least ${shortestPassword} characters.`;
export const NewPassword = Type.String({ minLength: shortestPassword, maxLength: 1000, description: passwordTooShort });
export const GivenPassword = Type.String({ maxLength: 1000 });

/** What a link in a mail ends in. */
export const Secret = Type.String({ maxLength: 200 });

export const RoleWord = word(roles, { description: 'A member is an admin or a viewer.' });
