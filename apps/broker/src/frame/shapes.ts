import { type Static, type TSchema, type TUnsafe, Type } from '@sinclair/typebox';
import { type PreviousUser, type UserJson, eventTypes, providers } from '#directory';

// The JSON that the API speaks, as schemas. One with a `title` becomes a component of the OpenAPI document under that name.

/** One of some words. A union of literals would say the same, but answer a wrong word with a riddle. */
export function word<const W extends readonly string[]>(words: W, options: { description?: string } = {}): TUnsafe<W[number]> {
  return Type.Unsafe<W[number]>({ type: 'string', enum: [...words], ...options });
}

/** The schema's values, or null. */
export function nullable<S extends TSchema>(schema: S): TUnsafe<Static<S> | null> {
  const { type, enum: words, ...rest } = schema;
  const types = new Set([type, 'null'].flat());
  return Type.Unsafe<Static<S> | null>({ ...rest, type: [...types], ...(words && { enum: [...words, null] }) });
}

/** Those of every id in an example. */
export const digits = '01997a3c5f0e7d0a8b1c2d3e4f506172';

export function publicIdOf(prefix: string, of: string): TSchema & TUnsafe<string> {
  return Type.Unsafe<string>({ type: 'string', description: `The id of ${of}`, examples: [`${prefix}_${digits}`] });
}

export const Time = Type.String({
  format: 'date-time',
  description: 'RFC 3339, UTC, with milliseconds',
  examples: ['2026-01-31T09:00:00.000Z'],
});

/** A name for people. */
export const Name = Type.String({ minLength: 1, maxLength: 200 });

/** An object without a fixed set of fields. */
export const AnyObject = Type.Unsafe<object>({ type: 'object', additionalProperties: true });

export const Limit = Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'How many at most' });
export const PageCursor = Type.Optional(Type.String({ maxLength: 200, description: '`next_cursor` of the page before' }));

/** What the queries of all lists have. */
export const paging = { limit: Limit, cursor: PageCursor };

/** One page of a list. */
export function Page<S extends TSchema>(item: S) {
  return closed({
    data: Type.Array(item),
    next_cursor: nullable(Type.String({ description: 'Where the next page begins; null on the last one' })),
  });
}

/** An object that has these fields and no others. */
export function closed<P extends Record<string, TSchema>>(properties: P, options: { examples?: object[] } = {}) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** An object that may have more fields than these one day: what we answer, not what we accept. */
export function open<P extends Record<string, TSchema>>(title: string, properties: P, about: { description: string; example: object }) {
  return Type.Object(properties, { title, description: about.description, examples: [about.example] });
}

/** One of several shapes, each with a title, told apart by a field; by the field's value, which is which. */
export function oneOf<S extends TSchema>(field: string, shapes: Record<string, S>, about: object = {}): TUnsafe<Static<S>> {
  return Type.Unsafe<Static<S>>({
    ...about,
    type: 'object',
    oneOf: Object.values(shapes),
    discriminator: {
      propertyName: field,
      mapping: Object.fromEntries(Object.entries(shapes).map(([value, { title }]) => [value, `#/components/schemas/${title}`])),
    },
  });
}

const made = { created_at: '2026-01-31T09:00:00.000Z', updated_at: '2026-01-31T09:00:00.000Z' };

export const Problem = open(
  'Problem',
  {
    type: Type.String({ format: 'uri', description: 'A page that explains the code' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What was wrong with this request' }),
    code: Type.String({ description: 'For programs', examples: ['not_found'] }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.Optional(Type.String({ description: 'JSON pointer (RFC 6901) into the body', examples: ['/name'] })),
          parameter: Type.Optional(Type.String({ description: 'Name of a parameter of the query' })),
          detail: Type.String(),
        }),
      ),
    ),
    cursor: Type.Optional(Type.String({ description: 'Of `cursor_expired` and `feed_rewound`: the place to go on from' })),
  },
  {
    description: 'An error, as RFC 9457 has it.',
    example: {
      type: 'https://causeway.example.com/docs/errors#invalid_request',
      title: 'The request is not valid',
      status: 400,
      detail: '/name: is required',
      code: 'invalid_request',
      errors: [{ pointer: '/name', detail: 'is required' }],
    },
  },
);

export const Environment = open(
  'Environment',
  { id: publicIdOf('env', 'an environment'), name: Type.String(), created_at: Time },
  {
    description: "A vendor's workspace: its keys, its webhook endpoints and its log.",
    example: { id: `env_${digits}`, name: 'production', created_at: made.created_at },
  },
);

export const ApiKey = open(
  'ApiKey',
  {
    id: publicIdOf('key', 'an API key'),
    name: Type.String(),
    created_at: Time,
    last_used_at: nullable(Time),
  },
  {
    description: 'A key to an environment, without its secret.',
    example: { id: `key_${digits}`, name: 'backend', created_at: made.created_at, last_used_at: null },
  },
);

export const seatModes = ['reject', 'expand', 'observe'] as const;

export const Organization = open(
  'Organization',
  {
    id: publicIdOf('org', 'an organization'),
    name: Type.String(),
    external_id: nullable(Type.String({ description: "The organization's id at the vendor" })),
    domains: Type.Array(Type.String()),
    contacts: Type.Array(Type.String()),
    metadata: AnyObject,
    seat_limit: nullable(Type.Integer()),
    seat_mode: word(seatModes),
    seat_ceiling: nullable(Type.Integer()),
    seats_used: Type.Integer({ description: 'Active users in all of its directories' }),
    created_at: Time,
    updated_at: Time,
  },
  {
    description: "A vendor's customer.",
    example: {
      id: `org_${digits}`,
      name: 'Acme',
      external_id: 'acme',
      domains: ['acme.com'],
      contacts: ['it@acme.com'],
      metadata: {},
      seat_limit: null,
      seat_mode: 'reject',
      seat_ceiling: null,
      seats_used: 3,
      ...made,
    },
  },
);

export const Directory = open(
  'Directory',
  {
    id: publicIdOf('dir', 'a directory'),
    organization_id: publicIdOf('org', 'its organization'),
    organization_external_id: nullable(Type.String()),
    name: Type.String(),
    provider: word(providers),
    state: word(['pending', 'active', 'disabled'], { description: '`pending` until the first accepted request of the identity provider' }),
    basic_auth: Type.Boolean({ description: 'Whether the bearer token is also taken as the password of HTTP Basic' }),
    base_url: Type.String({ format: 'uri', description: 'What an identity provider calls the Base URL or Tenant URL' }),
    has_bearer_token: Type.Boolean(),
    last_request_at: nullable(Time),
    created_at: Time,
    updated_at: Time,
  },
  {
    description: 'One connection to the identity provider of an organization.',
    example: {
      id: `dir_${digits}`,
      organization_id: `org_${digits}`,
      organization_external_id: 'acme',
      name: 'Acme Entra',
      provider: 'entra',
      state: 'active',
      basic_auth: false,
      base_url: `https://causeway.example.com/scim/v2/dir_${digits}`,
      has_bearer_token: true,
      last_request_at: made.updated_at,
      ...made,
    },
  },
);

const nullableText = nullable(Type.String());

export const userExample = {
  id: `usr_${digits}`,
  directory_id: `dir_${digits}`,
  organization_id: `org_${digits}`,
  external_id: '7b3c',
  user_name: 'ada@acme.com',
  active: true,
  email: 'ada@acme.com',
  emails: [{ value: 'ada@acme.com', type: 'work', primary: true }],
  given_name: 'Ada',
  family_name: 'Lovelace',
  display_name: 'Ada Lovelace',
  title: 'Engineer',
  department: null,
  employee_number: null,
  manager: null,
  user_type: null,
  roles: [],
  groups: [{ id: `grp_${digits}`, display_name: 'Eng' }],
  attributes: {},
  raw: { userName: 'ada@acme.com' },
  version: 41,
  ...made,
};

export const AssignedRole = Type.Object({
  role: Type.String(),
  rule: Type.Integer({ description: 'Which rule of the mapping gave it, from 0; -1: none did, it is the default' }),
  group_id: Type.Optional(publicIdOf('grp', 'the group that it came from')),
});

/** What a mapping makes of a user. */
export const Attributes = Type.Unsafe<UserJson['attributes']>({
  type: 'object',
  additionalProperties: {
    description: 'Of the type that the mapping gives it: a text, a number, true or false, a list of texts, an object',
  },
  description: 'Your attributes, by the names that the mapping gives them; one without a value is left out',
});

/** What an identity provider has stored. */
export const raw = (description: string) => Type.Unsafe<UserJson['raw']>({ type: 'object', additionalProperties: true, description });

/** What is made of a user's SCIM resource and the mapping. */
const profile = {
  external_id: nullableText,
  user_name: Type.String(),
  active: Type.Boolean(),
  email: nullableText,
  emails: Type.Unsafe<UserJson['emails']>(
    Type.Array(
      Type.Object({
        value: Type.Optional(Type.String()),
        type: Type.Optional(Type.String({ examples: ['work'] })),
        primary: Type.Optional(Type.Boolean()),
        display: Type.Optional(Type.String()),
      }),
    ),
  ),
  given_name: nullableText,
  family_name: nullableText,
  display_name: nullableText,
  title: nullableText,
  department: nullableText,
  employee_number: nullableText,
  manager: nullable(Type.String({ description: "The manager's id, as the identity provider gave it" })),
  user_type: nullableText,
  roles: Type.Array(AssignedRole),
  attributes: Attributes,
};

export const User = open(
  'User',
  {
    id: publicIdOf('usr', 'a directory user'),
    directory_id: publicIdOf('dir', 'its directory'),
    organization_id: publicIdOf('org', 'its organization'),
    ...profile,
    groups: Type.Array(Type.Object({ id: publicIdOf('grp', 'a group'), display_name: Type.String() })),
    raw: raw('The SCIM resource as stored'),
    version: Type.Integer({ description: '`sequence` of the last event that changed the user' }),
    created_at: Time,
    updated_at: Time,
  },
  { description: 'A user that an identity provider has pushed.', example: userExample },
);

export const PreviousUserFields = Type.Unsafe<PreviousUser>({
  ...Type.Object(
    Object.fromEntries(
      Object.entries({ ...profile, raw: raw('Attributes that only SCIM tells of') }).map(([name, schema]) => [
        name,
        Type.Optional(nullable(schema)),
      ]),
    ),
  ),
  title: 'PreviousUser',
  description: 'The fields of a user that changed, as they were. Null, where they were not, is also what is left of an erased person.',
  examples: [{ title: null }],
});

export const groupExample = {
  id: `grp_${digits}`,
  directory_id: `dir_${digits}`,
  organization_id: `org_${digits}`,
  external_id: null,
  display_name: 'Eng',
  member_count: 3,
  raw: { displayName: 'Eng' },
  version: 40,
  ...made,
};

export const Group = open(
  'Group',
  {
    id: publicIdOf('grp', 'a directory group'),
    directory_id: publicIdOf('dir', 'its directory'),
    organization_id: publicIdOf('org', 'its organization'),
    external_id: nullableText,
    display_name: Type.String(),
    member_count: Type.Integer(),
    raw: raw('The SCIM resource as stored, without members'),
    version: Type.Integer({ description: '`sequence` of the last event that changed the group' }),
    created_at: Time,
    updated_at: Time,
  },
  {
    description: 'A group that an identity provider has pushed.',
    example: groupExample,
  },
);

export const EventTypeName = word(eventTypes);
