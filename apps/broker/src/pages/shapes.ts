import { type Static, Type } from '@sinclair/typebox';
import { providers } from '#directory';
import { Time, nullable, publicIdOf, word } from '../frame/shapes';

// What both of our pages show and ask for, as schemas. The pages take their types from here.

const nullableText = nullable(Type.String());

export const outcomes = ['succeeded', 'failed'] as const;

const listedRequest = {
  id: publicIdOf('req', 'the request'),
  directory_id: publicIdOf('dir', 'its directory'),
  at: Time,
  method: Type.String(),
  path: Type.String(),
  status: Type.Integer(),
  outcome: word(outcomes),
  scim_type: nullableText,
  detail: nullableText,
  duration_ms: Type.Number(),
  subject: nullable(Type.String({ description: 'Whom it was about, as the body says: a userName or a displayName' })),
};

/** A SCIM exchange as a list shows one. */
export const ListedRequest = Type.Object(listedRequest);
export type ListedRequest = Static<typeof ListedRequest>;

/** The same, whole, but for the events that it made: those are the vendor's affair. */
export const WholeRequest = Type.Object({
  ...listedRequest,
  explanation: nullable(Type.String({ description: 'Of a failed one: what happened, in plain words' })),
  fix: nullable(Type.String({ description: 'What puts it right in that identity provider' })),
  notes: Type.Array(Type.String()),
  user_agent: nullableText,
  request_body: Type.Unknown(),
  response_body: Type.Unknown(),
});

export const Failure = Type.Object({
  status: Type.Integer(),
  scim_type: nullableText,
  method: Type.String(),
  resource: Type.String({ description: '`Users`, `Groups`, …' }),
  detail: nullableText,
  count: Type.Integer(),
  last_at: Time,
  request_id: publicIdOf('req', 'the newest of them'),
  subject: nullableText,
  explanation: nullableText,
  fix: nullableText,
});

/** How a directory has been doing for the last 24 hours. */
export const DirectoryHealth = Type.Object({
  users: Type.Integer(),
  active_users: Type.Integer(),
  groups: Type.Integer(),
  operations: Type.Integer({ description: 'Requests' }),
  operations_capped: Type.Boolean({ description: 'There are at least so many' }),
  failed: Type.Integer(),
  last_success_at: nullable(Time),
  last_failure_at: nullable(Time),
  failures: Type.Array(Failure, { description: 'What failed, the commonest first: alike ones counted together' }),
  refused_departures: Type.Array(
    Type.Object({
      user_id: publicIdOf('usr', 'the user'),
      user_name: Type.String(),
      refused_at: Time,
      request_id: publicIdOf('req', 'the request'),
    }),
    { description: 'Who was to be deactivated or deleted, and is active still because the request was refused' },
  ),
  shared_group_names: Type.Array(
    Type.Object({ display_name: Type.String(), groups: Type.Integer(), oldest_id: publicIdOf('grp', 'the oldest of them') }),
    { description: 'Names that several groups have; a role rule means the oldest' },
  ),
});

export const Provider = word(providers);

// A page's queries. A parameter that is empty is not set, and one that is not known is not looked at.

export const text = (name: string) => Type.Optional(Type.String({ maxLength: 500, description: `${name} is too long, or no text.` }));

export const wholeNumber = (name: string, minimum: number, maximum: number) =>
  Type.Optional(Type.Integer({ minimum, maximum, description: `${name} is a whole number from ${minimum} to ${maximum}.` }));

/** What the lists of our pages ask for. */
export const paging = {
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'limit is a whole number from 1 to 200.' }),
  cursor: text('cursor'),
};

/** An outcome that is asked for; another word asks for none. */
export function outcomeIn(word: string | undefined): (typeof outcomes)[number] | undefined {
  return outcomes.find((outcome) => outcome === word);
}
