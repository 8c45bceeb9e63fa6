import { type Static, type TProperties, type TObject, Type } from '@sinclair/typebox';
import { Ajv2020 } from 'ajv/dist/2020';
import { PageProblem } from './errors';

const ajv = new Ajv2020({ allErrors: false, strict: true, verbose: true });

/** An e-mail address, as far as anybody can tell before a mail has arrived there. */
export const Email = Type.String({ pattern: '^[^\\s@<>"]{1,64}@[^\\s@<>"]{1,255}$', description: 'This is not an e-mail address.' });

export const NameText = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '\\S',
  description: 'This needs a name, of at most 200 characters.',
});

/** Makes the reader of a body: `unknown` → the schema's type, or a refusal that names the field and says what it should be. */
export function bodyReader<P extends TProperties>(properties: P): (body: unknown) => Static<TObject<P>> {
  const validate = ajv.compile<Static<TObject<P>>>(Type.Object(properties, { additionalProperties: false }));
  return (body) => {
    if (validate(body)) return body;
    const [error] = validate.errors ?? [];
    const missing: unknown = error?.keyword === 'required' ? error.params.missingProperty : undefined;
    const field = typeof missing === 'string' ? missing : error?.instancePath.slice(1).split('/')[0];
    const description: unknown = error?.parentSchema?.description;
    const sentence =
      missing === undefined && typeof description === 'string'
        ? description
        : `${field || 'The request'} ${missing === undefined ? (error?.message ?? 'is not valid') : 'is missing'}.`;
    throw new PageProblem('invalid_request', sentence, field || undefined);
  };
}
