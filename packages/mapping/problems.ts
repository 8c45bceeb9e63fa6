import { type Json, ScimError, foldCase, isJsonObject, quoted } from '#scim';
import { wantedOfType } from './convert';
import type { Action, AttributeMapping, Mapping, RuleName } from './mapping-schema';

/** A rule of the mapping that a user breaks, and what the vendor wants done about it. */
export interface Problem {
  readonly kind: RuleName;
  /** the vendor's name for it; `roles` and `email` where a role or an address is at fault */
  readonly attribute: string;
  /** the SCIM attribute as the identity provider knows it; several, of which any will do, are joined by " or " */
  readonly path: string;
  /** the value at fault, as it was sent; of a list, the element; null: nothing was */
  readonly sent: Json;
  /** what would be right, in words that complete "… is not …" and "it must be …" */
  readonly wanted: string;
  readonly action: Action;
}

/** What the identity provider is answered when a problem's action is `reject`: read by an IT admin in Entra's or Okta's log. */
export function problemError({ kind, path, sent, wanted }: Problem): ScimError {
  switch (kind) {
    case 'invalid_value':
      return new ScimError(
        400,
        'invalidValue',
        `${path}: ${shown(sent)} is not ${wanted}. Change the value or the mapping in your identity provider.`,
      );
    case 'missing_required':
      return new ScimError(
        400,
        'invalidValue',
        `${path} is required and has no value: it must be ${wanted}. Give the user a value, and map it, in your identity provider.`,
      );
    case 'foreign_domain':
      return new ScimError(
        400,
        'invalidValue',
        `${path}: ${shown(sent)} is not ${wanted}. Change the address in your identity provider, or ask the application’s vendor to add its domain to your organization.`,
      );
    case 'email_elsewhere':
      return new ScimError(
        409,
        'uniqueness',
        `${path}: ${shown(sent)} is not ${wanted}. Deactivate the user there first, or change the address in your identity provider.`,
      );
  }
}

/** An e-mail address of a user, and what the identity provider knows it by, such as `emails[type eq "work"].value`. */
export interface Address {
  readonly value: string;
  readonly path: string;
}

/**
 * The addresses outside the organization's domains, each once. Domains are compared without case and as a whole: eu.acme.com is
 * not acme.com. None where the rule is `ignore`, and none where the organization has no domains: then nothing is foreign.
 */
export function foreignDomains(mapping: Mapping, emails: readonly Address[], domains: readonly string[]): Problem[] {
  const action = mapping.rules.foreign_domain;
  if (action === 'ignore' || domains.length === 0) return [];
  const own = new Set(domains.map(foldCase));
  const wanted = `an address at ${listed(domains)}`;
  return eachOnce(emails)
    .filter(({ value }) => !own.has(foldCase(value.slice(value.lastIndexOf('@') + 1))))
    .map(({ value, path }) => ({ kind: 'foreign_domain', attribute: 'email', path, sent: value, wanted, action }));
}

/**
 * What there is to say of an address that is active in another organization, which only the database knows. Whose it is stays
 * unsaid: one customer must not learn who another is.
 */
export function emailElsewhere(mapping: Mapping, { value, path }: Address): Problem {
  return {
    kind: 'email_elsewhere',
    attribute: 'email',
    path,
    sent: value,
    wanted: 'free: an active user of another organization has it',
    action: mapping.rules.email_elsewhere,
  };
}

/** By value: an address that stands there twice is at fault once. */
export function eachOnce(emails: readonly Address[]): Address[] {
  const seen = new Set<string>();
  return emails.filter(({ value }) => !seen.has(value) && seen.add(value));
}

/** What an identity provider is to send for an attribute, in words as of Problem.wanted. */
export function wantedOf({ type, allowed_values: allowed, pattern }: AttributeMapping): string {
  if (allowed) return `one of ${listed(allowed)}`;
  return pattern === undefined ? wantedOfType[type] : `a text that matches ${pattern}`;
}

/** Values for a sentence: the first few of them. */
export function listed(values: readonly (string | number)[]): string {
  const first = values
    .slice(0, 10)
    .map((value) => shown(value))
    .join(', ');
  return values.length > 10 ? `${first} or ${values.length - 10} more` : first;
}

function shown(value: Json): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `a list of ${value.length} values`;
  return isJsonObject(value) ? 'an object' : String(value);
}
