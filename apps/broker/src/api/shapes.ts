import { type Static, Type } from '@sinclair/typebox';
import { actorTypes } from '#accounts';
import { grantTypes } from '#directory';
import { MappingSchema } from '#mapping';
import {
  ApiKey,
  AssignedRole,
  Attributes,
  EventTypeName,
  Group,
  Time,
  User,
  digits,
  nullable,
  open,
  word,
  groupExample,
  oneOf,
  publicIdOf,
  userExample,
} from '../frame/shapes';

// What the API answers besides the resources of frame/shapes.ts, as schemas, and apart from the routes: the console takes its types
// from here, and is not to know more of the broker than this.

export const BearerToken = open(
  'BearerToken',
  {
    id: publicIdOf('tok', 'a bearer token'),
    name: nullable(Type.String({ description: 'null: the one that `POST …/bearer_token` replaces' })),
    created_at: Time,
    expires_at: nullable(Time),
    last_used_at: nullable(Time),
  },
  {
    description: 'A live bearer token of a directory, without its secret.',
    example: { id: `tok_${digits}`, name: 'Entra', created_at: '2026-01-31T09:00:00.000Z', expires_at: null, last_used_at: null },
  },
);

export const OAuthClient = open(
  'OAuthClient',
  {
    id: publicIdOf('oac', 'an OAuth client'),
    client_id: Type.String({ description: 'What the identity provider calls Client ID; the same as `id`' }),
    grant_type: word(grantTypes),
    redirect_uris: Type.Array(Type.String()),
    token_url: Type.String({ format: 'uri' }),
    authorization_url: Type.Optional(Type.String({ format: 'uri', description: 'Of an `authorization_code` client alone' })),
    secrets: Type.Array(Type.Object({ created_at: Time, expires_at: nullable(Time) }), {
      description: 'The live ones, oldest first: two while the secret is being changed',
    }),
    created_at: Time,
    last_used_at: nullable(Time),
  },
  {
    description: 'What an identity provider calls itself by when it asks for an access token to a directory.',
    example: {
      id: `oac_${digits}`,
      client_id: `oac_${digits}`,
      grant_type: 'client_credentials',
      redirect_uris: [],
      token_url: `https://causeway.example.com/oauth/dir_${digits}/token`,
      secrets: [{ created_at: '2026-01-31T09:00:00.000Z', expires_at: null }],
      created_at: '2026-01-31T09:00:00.000Z',
      last_used_at: null,
    },
  },
);

export const ClientSecret = Type.String({ description: '`cws_…`' });

const yearSeconds = 365 * 24 * 60 * 60;

const brakeLimits = {
  max_users: nullable(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'So many may be deactivated or deleted within the window' }),
  ),
  max_percent: nullable(
    Type.Number({ exclusiveMinimum: 0, maximum: 100, description: 'The same, of the users who were active when the window began' }),
  ),
  window_seconds: Type.Integer({ minimum: 1, maximum: yearSeconds }),
};

export const BrakeLimits = Type.Unsafe<{ max_users?: number | null; max_percent?: number | null; window_seconds: number } | null>({
  ...Type.Object(
    { ...brakeLimits, max_users: Type.Optional(brakeLimits.max_users), max_percent: Type.Optional(brakeLimits.max_percent) },
    { additionalProperties: false },
  ),
  type: ['object', 'null'],
  description: 'At least one of the two limits, or null: no brake',
  examples: [{ max_users: 50, max_percent: 10, window_seconds: 3600 }],
});

export const Brake = Type.Unsafe<Static<typeof BrakeFields> | null>({
  ...Type.Object({
    ...brakeLimits,
    engaged_at: nullable(Type.String({ ...Time, description: 'Since when nobody is deactivated or deleted; null: it is not engaged' })),
    departures: Type.Integer({ description: 'How many have been, within the window' }),
  }),
  type: ['object', 'null'],
  title: 'Brake',
  description: 'Keeps a mistake in an identity provider from removing everybody. Null: off.',
  examples: [{ max_users: 50, max_percent: null, window_seconds: 3600, engaged_at: null, departures: 3 }],
});

const BrakeFields = Type.Object({
  max_users: nullable(Type.Integer()),
  max_percent: nullable(Type.Number()),
  window_seconds: Type.Integer(),
  engaged_at: nullable(Time),
  departures: Type.Integer(),
});

const mappingExample: Static<typeof MappingSchema> = {
  attributes: [
    {
      name: 'plan',
      type: 'string',
      from: ['userType', 'urn:ietf:params:scim:schemas:extension:2.0:Metadata:plan'],
      required: true,
      allowed_values: ['Premium', 'Standard'],
    },
    {
      name: 'folders',
      type: 'string_list',
      from: 'urn:ietf:params:scim:schemas:extension:2.0:CustomExtensionName:folders',
      transform: [{ split: ',' }, 'trim'],
    },
    { name: 'metadata', type: 'object', from: 'urn:ietf:params:scim:schemas:extension:2.0:Metadata:*' },
  ],
  roles: { mode: 'one', default: 'member', rules: [{ role: 'admin', group: 'IT Admins' }, { role_from: 'roles[primary eq true].value' }] },
  rules: { invalid_value: 'reject', missing_required: 'reject', foreign_domain: 'warn', email_elsewhere: 'ignore', unknown_path: 'reject' },
};

export const AttributeMapping = Type.Object(MappingSchema.properties, {
  title: 'AttributeMapping',
  description: `${MappingSchema.description} Nothing is mapped and nothing refused until one is saved.`,
  additionalProperties: false,
  examples: [mappingExample],
});

export const DirectoryAttributeMapping = Type.Object(
  {
    ...MappingSchema.properties,
    inherited: Type.Optional(
      Type.Boolean({ description: "The directory has none of its own: this is its environment's. Not looked at in a PUT" }),
    ),
  },
  {
    title: 'DirectoryAttributeMapping',
    description: 'What holds for one directory.',
    additionalProperties: false,
    examples: [mappingExample],
  },
);

const values = { attributes: Attributes, roles: Type.Array(AssignedRole) };

const ProblemOfUser = Type.Object({
  rule: word(['invalid_value', 'missing_required', 'foreign_domain', 'email_elsewhere']),
  attribute: Type.String({ description: 'Your name for it; `roles` and `email` where a role or an address is at fault' }),
  path: Type.String({ description: 'What the identity provider knows it by' }),
  wanted: Type.String({ description: 'What would be right' }),
  action: word(['reject', 'warn', 'ignore']),
});

export const Preview = open(
  'AttributeMappingPreview',
  {
    changed: Type.Integer({ description: 'Users whose attributes or roles would change' }),
    failing: Type.Integer({
      description: 'Active users who break a rule whose action is `reject`: they stay, and their next write would be refused',
    }),
    users: Type.Integer({ description: 'How many were looked at' }),
    complete: Type.Boolean({ description: 'Whether those are all; 10,000 at most are looked at, fewer where patterns take long' }),
    reasons: Type.Array(Type.Intersect([ProblemOfUser, Type.Object({ users: Type.Integer() })]), {
      description: 'Which rules are broken, by how many; most first',
    }),
    costly_patterns: Type.Array(Type.Object({ attribute: Type.String(), pattern: Type.String(), users: Type.Integer() }), {
      description: 'Patterns that take more steps than all of a user may have, and of how many: their values are an `invalid_value`',
    }),
    examples: Type.Array(
      Type.Object({
        user: Type.Object({
          id: publicIdOf('usr', 'the user'),
          user_name: Type.String(),
          directory_id: publicIdOf('dir', 'its directory'),
        }),
        before: Type.Object(values),
        after: Type.Object(values),
        problems: Type.Array(
          Type.Intersect([
            ProblemOfUser,
            Type.Object({
              sent: Type.Unsafe<unknown>({ description: 'The value at fault, as it was sent; null: none was' }),
              detail: Type.String({ description: 'What the identity provider would be told' }),
            }),
          ]),
        ),
      }),
      { description: 'Up to 10 users who fail, then up to 10 who change' },
    ),
  },
  {
    description: 'What a draft would do to the users that are stored. Nothing is stored.',
    example: { changed: 12, failing: 0, users: 40, complete: true, reasons: [], costly_patterns: [], examples: [] },
  },
);

export const Remap = open(
  'Remap',
  {
    id: publicIdOf('rmp', 'the re-mapping'),
    directory_id: nullable(publicIdOf('dir', 'the directory whose users are mapped anew; null: of every one without a mapping of its own')),
    state: word(['running', 'finished', 'superseded'], { description: '`superseded`: a newer one has taken its place' }),
    users_total: nullable(Type.Integer({ description: 'How many there were when it began; null: not counted yet' })),
    users_done: Type.Integer(),
    users_changed: Type.Integer(),
    users_failing: Type.Integer({ description: 'Active ones who break a rule whose action is `reject`' }),
    created_at: Time,
    finished_at: nullable(Time),
  },
  {
    description: 'Users being mapped anew, because a mapping was saved or a schema extension declared or withdrawn.',
    example: {
      id: `rmp_${digits}`,
      directory_id: null,
      state: 'running',
      users_total: 100_000,
      users_done: 42_500,
      users_changed: 42_500,
      users_failing: 3,
      created_at: '2026-01-31T09:00:00.000Z',
      finished_at: null,
    },
  },
);

export const EndpointHeaders = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string', maxLength: 4096 },
  maxProperties: 20,
  description: 'Sent with every webhook, for a gateway that asks for one. Kept encrypted',
});

export const SigningSecret = Type.String({
  description: 'Verifies the `webhook-signature` (Standard Webhooks). Shown this once',
  examples: ['whsec_…'],
});
export const PublicKey = Type.String({ description: 'Verifies the `v1a` signatures (Ed25519)', examples: ['whpk_…'] });

export const Endpoint = open(
  'WebhookEndpoint',
  {
    id: publicIdOf('we', 'the endpoint'),
    url: Type.String(),
    event_types: nullable(Type.Array(EventTypeName, { description: 'null: every type' })),
    organization_id: nullable(publicIdOf('org', 'the only organization whose events it gets; null: all')),
    description: nullable(Type.String()),
    ordering: word(['directory', 'none']),
    state: word(['active', 'failing', 'disabled']),
    headers: EndpointHeaders,
    max_parallel: Type.Integer(),
    public_key: PublicKey,
    failing_since: nullable(Time),
    disabled_at: nullable(Time),
    disabled_reason: nullable(
      word(['gone', 'failing', 'by_hand'], { description: '`gone`: it answered 410; `failing`: nothing but failures for 5 days' }),
    ),
    created_at: Time,
    updated_at: Time,
  },
  {
    description: 'Where you receive webhooks.',
    example: {
      id: `we_${digits}`,
      url: 'https://example.com/webhooks/causeway',
      event_types: null,
      organization_id: null,
      description: null,
      ordering: 'directory',
      state: 'active',
      headers: {},
      max_parallel: 8,
      public_key: 'whpk_L1Xmxi+KGyiAU1s7oTBiJn8QmyhCPVJ7crajOpNEXP0=',
      failing_since: null,
      disabled_at: null,
      disabled_reason: null,
      created_at: '2026-01-31T09:00:00.000Z',
      updated_at: '2026-01-31T09:00:00.000Z',
    },
  },
);

export const Delivery = open(
  'Delivery',
  {
    event_id: publicIdOf('evt', 'the event'),
    type: EventTypeName,
    directory_id: nullable(publicIdOf('dir', 'its directory')),
    sequence: Type.Integer(),
    test: Type.Boolean({ description: 'An example event, which stands in no log' }),
    state: word(['pending', 'succeeded', 'parked']),
    next_attempt_at: nullable(Time),
    attempts: Type.Array(
      Type.Object({
        at: Time,
        status: nullable(Type.Integer({ description: 'null: nothing was answered' })),
        duration_ms: Type.Number(),
        error: nullable(Type.String()),
        response_body: nullable(Type.String()),
      }),
    ),
  },
  {
    description: 'One event owed to one endpoint, and how that went.',
    example: {
      event_id: `evt_${digits}`,
      type: 'user.updated',
      directory_id: `dir_${digits}`,
      sequence: 42,
      test: false,
      state: 'pending',
      next_attempt_at: '2026-01-31T09:00:35.000Z',
      attempts: [
        { at: '2026-01-31T09:00:05.000Z', status: 503, duration_ms: 12, error: 'the endpoint answered 503', response_body: 'try later' },
      ],
    },
  },
);

export const AuditEntry = open(
  'AuditEntry',
  {
    id: publicIdOf('act', 'the entry'),
    at: Time,
    actor: Type.Object({
      type: word(actorTypes, { description: '`it_admin` is whoever holds a setup link' }),
      id: nullable(Type.String({ description: 'The API key, where it was one' })),
      name: nullable(Type.String({ description: 'As it was then: the name of the key, the address of the member' })),
    }),
    act: Type.String({ description: 'The operation, by its `operationId` in this document' }),
    targets: Type.Array(Type.String(), { description: 'Ids of what it was done to, the outermost first' }),
    fields: Type.Array(Type.String(), { description: 'Names of the fields that were given. Never what was in them' }),
    request_id: nullable(Type.String()),
    remote_address: nullable(Type.String()),
    user_agent: nullable(Type.String()),
  },
  {
    description: 'Something that was changed: who did it, what, when, and from where.',
    example: {
      id: `act_${digits}`,
      at: '2026-01-31T09:00:00.000Z',
      actor: { type: 'api_key', id: `key_${digits}`, name: 'backend' },
      act: 'changeDirectory',
      targets: [`dir_${digits}`],
      fields: ['state'],
      request_id: `req_${digits}`,
      remote_address: '203.0.113.7',
      user_agent: 'node',
    },
  },
);

export const IssuedApiKey = Type.Object({ ...ApiKey.properties, key: Type.String({ description: '`cwk_…`' }) });
export const IssuedBearerToken = Type.Object({ ...BearerToken.properties, token: Type.String({ description: '`cwt_…`' }) });
export const IssuedOAuthClient = Type.Object({ ...OAuthClient.properties, client_secret: ClientSecret });
export const IssuedEndpoint = Type.Object({ ...Endpoint.properties, secret: SigningSecret });
export const ReplacedSecret = Type.Object({ secret: SigningSecret, public_key: PublicKey });
export const IssuedToken = Type.Object({ token: Type.String({ description: '`cwt_…`' }) });
export const TestSent = Type.Object({ event_id: publicIdOf('evt', 'the example event') });
export const RemapBegun = Type.Object({ remap_id: publicIdOf('rmp', 'the re-mapping') });
export const SetupLink = Type.Object({ url: Type.String({ format: 'uri' }), expires_at: Time });

// A user or a group, whole and marked by `type`.
const UserMember = open(
  'UserMember',
  { type: Type.Literal('user'), ...User.properties },
  { description: 'A user who is a member of a group.', example: { type: 'user', ...userExample } },
);
const NestedGroup = open(
  'NestedGroup',
  { type: Type.Literal('group'), ...Group.properties },
  { description: 'A group that is a member of another.', example: { type: 'group', ...groupExample } },
);
export const GroupMember = oneOf('type', { user: UserMember, group: NestedGroup });
