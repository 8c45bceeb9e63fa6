import { Type } from '@sinclair/typebox';
import { roles } from '#accounts';
import { Event } from '../frame/event-shapes';
import { Time, nullable, publicIdOf, word } from '../frame/shapes';
import { Provider, WholeRequest as RequestOfBoth } from '../pages/shapes';

// What the console is answered, besides what the API's routes answer it, as schemas. The page takes its types from here.

const Uuid = Type.String();
const nullableText = nullable(Type.String());
const RoleOf = word(roles);

export const MemberEnvironment = Type.Object({
  id: publicIdOf('env', 'an environment'),
  name: Type.String(),
  role: RoleOf,
  created_at: Time,
});

/** Who is signed in, and what is theirs; what the page must know of the installation. */
export const Session = Type.Object({
  member: Type.Unsafe<{ id: string; email: string } | null>({
    ...Type.Object({ id: Uuid, email: Type.String() }),
    type: ['object', 'null'],
  }),
  environments: Type.Array(MemberEnvironment),
  sign_up: word(['open', 'closed']),
  mail_reaches: Type.Boolean({ description: 'Whether mails reach people; otherwise they are written to the log' }),
  public_url: Type.String(),
});

export const Mailed = Type.Object({ mail_reaches: Type.Boolean() });

/** An invitation as whoever was sent it finds it. */
export const OpenedInvitation = Type.Object({
  email: Type.String(),
  role: RoleOf,
  environment_name: Type.String(),
  known: Type.Boolean({ description: 'Whether they have a password already' }),
});

/** The places where a member is signed in. */
export const SignedInPlaces = Type.Object({
  data: Type.Array(Type.Object({ id: Uuid, current: Type.Boolean(), created_at: Time, last_seen_at: Time, user_agent: nullableText })),
});

export const MembersAndInvitations = Type.Object({
  members: Type.Array(Type.Object({ id: Uuid, email: Type.String(), role: RoleOf, since: Time, last_seen_at: nullable(Time) })),
  invitations: Type.Array(
    Type.Object({ id: Uuid, email: Type.String(), role: RoleOf, invited_by: nullableText, created_at: Time, expires_at: Time }),
  ),
});

export const Invited = Type.Object({ email: Type.String(), expires_at: Time, mail_reaches: Type.Boolean() });

/** How the setup pages of an environment look. */
export const SetupAppearance = Type.Object({
  vendor_name: Type.String(),
  color: nullableText,
  has_logo: Type.Boolean(),
  support_email: nullableText,
});

/** An environment at a glance. */
export const Overview = Type.Object({
  organizations: Type.Integer(),
  directories: Type.Object({ total: Type.Integer(), pending: Type.Integer(), active: Type.Integer(), disabled: Type.Integer() }),
  active_users: Type.Integer(),
  endpoints: Type.Object({ total: Type.Integer(), failing: Type.Integer(), disabled: Type.Integer() }),
  events: Type.Object({ total: Type.Integer(), last_day: Type.Integer() }),
  failing_directories: Type.Array(
    Type.Object({
      id: publicIdOf('dir', 'a directory'),
      name: Type.String(),
      organization_id: publicIdOf('org', 'its organization'),
      organization_name: Type.String(),
      provider: Provider,
      failed: Type.Integer(),
      last_request_at: nullable(Time),
    }),
    { description: 'Of which something failed in the last 24 hours, the worst first' },
  ),
  failing_endpoints: Type.Array(
    Type.Object({
      id: publicIdOf('we', 'a webhook endpoint'),
      url: Type.String(),
      state: word(['failing', 'disabled']),
      reason: nullableText,
      since: nullable(Time),
    }),
    { description: 'Which do not get their events' },
  ),
});

/** A page of the log, read backwards. */
export const NewestEvents = Type.Object({
  data: Type.Array(Event),
  next_cursor: nullable(Type.Integer({ description: 'The position before which to go on; null: the log begins there' })),
  head: Type.Integer({ description: 'The end of the log, from which it can be followed' }),
});

/** A SCIM exchange, whole, with what it changed. */
export const WholeRequest = Type.Object({
  ...RequestOfBoth.properties,
  events: Type.Array(Type.Object({ id: publicIdOf('evt', 'an event'), type: Type.String(), sequence: Type.Integer() })),
});

/** A user as a list shows one: enough to find somebody by, without the resource. */
export const ListedUser = Type.Object({
  id: publicIdOf('usr', 'the user'),
  user_name: Type.String(),
  display_name: nullableText,
  email: nullableText,
  active: Type.Boolean(),
  updated_at: Time,
});

export const ListedGroup = Type.Object({
  id: publicIdOf('grp', 'the group'),
  display_name: Type.String(),
  member_count: Type.Integer(),
  updated_at: Time,
});

export const SetupLinks = Type.Object({ data: Type.Array(Type.Object({ created_at: Time, expires_at: Time })) });

/** How a webhook endpoint has been answering, in equal stretches of time. */
export const EndpointStatistics = Type.Object({
  hours: Type.Integer(),
  attempts: Type.Integer(),
  succeeded: Type.Integer(),
  pending: Type.Integer({ description: 'Events owed to it and not delivered yet' }),
  pending_capped: Type.Boolean({ description: 'There are at least so many' }),
  parked: Type.Integer(),
  buckets: Type.Array(
    Type.Object({
      at: Time,
      attempts: Type.Integer(),
      succeeded: Type.Integer(),
      median_ms: nullable(Type.Number({ description: 'Of those that were answered' })),
      p95_ms: nullable(Type.Number()),
    }),
  ),
});

const Attempt = Type.Object({
  event_id: publicIdOf('evt', 'the event'),
  at: Time,
  status: nullable(Type.Integer()),
  error: nullableText,
  response_body: nullableText,
});

/** What an endpoint answered last, within a day. */
export const LastAttempt = Type.Object({ data: nullable(Attempt) });

/** How many events a replay would send again. */
export const ReplayPreview = Type.Object({
  events: Type.Integer(),
  capped: Type.Boolean({ description: 'There are at least so many' }),
  first_at: nullable(Time),
});
