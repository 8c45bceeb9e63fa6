import express, { type Request } from 'express';
import { ofWholeBodies } from '../frame/whole-body';
import { refuseFormOtherThanUtf8 } from '../frame/utf-8';
import { OAuthRefusal } from './errors';

/** The reader of forms. Parameters are few and short; the limit leaves room for a long `state`. */
export const readForm = ofWholeBodies(
  express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 50, verify: refuseFormOtherThanUtf8 }),
);

/** The parameters of a form, each of them once (RFC 6749 §3.2). Empty ones are as good as none (§3.1). @throws OAuthRefusal */
export function formOf(req: Request): Map<string, string> {
  if (!req.is('application/x-www-form-urlencoded')) {
    throw new OAuthRefusal('invalid_request', 'Send the parameters as application/x-www-form-urlencoded.');
  }
  const form = parametersOf(req.body);
  if (!form) throw new OAuthRefusal('invalid_request', 'A parameter is there more than once.');
  return form;
}

/** The same of anything that was read into names and values; `undefined` where a name is there twice. */
export function parametersOf(values: unknown): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (const [name, value] of Object.entries(values ?? {})) {
    if (typeof value !== 'string') return undefined;
    if (value !== '') parameters.set(name, value);
  }
  return parameters;
}
