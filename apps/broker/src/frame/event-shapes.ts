import { type TSchema, type TUnsafe, Type } from '@sinclair/typebox';
import { type EventData, type EventHead, type EventJson, type EventType, eventTypes, providers } from '#directory';
import {
  Group,
  PreviousUserFields,
  Time,
  User,
  digits,
  nullable,
  oneOf,
  open,
  publicIdOf,
  raw,
  seatModes,
  userExample,
  word,
} from './shapes';

/** The name of a type's schema in the OpenAPI document: `user.created`, UserCreatedEvent. */
export function eventSchemaName(type: EventType): string {
  const words = type.split(/[._]/).map((part) => part.charAt(0).toUpperCase() + part.slice(1));
  return `${words.join('')}Event`;
}

/** A schema of a type's values: of no fewer fields, and of no other types. That it has no more is for its test to see. */
type Of<T> = TSchema & { static: T };

const DirectoryInEvent = open(
  'DirectoryInEvent',
  {
    id: publicIdOf('dir', 'the directory'),
    organization_id: publicIdOf('org', 'its organization'),
    organization_external_id: nullable(Type.String()),
    name: Type.String(),
    provider: word(providers),
    state: word(['pending', 'active', 'disabled']),
    created_at: Time,
    updated_at: Time,
  },
  {
    description: 'A directory as it was then, but for what depends on the installation or the hour.',
    example: {
      id: `dir_${digits}`,
      organization_id: `org_${digits}`,
      organization_external_id: 'acme',
      name: 'Acme Entra',
      provider: 'entra',
      state: 'active',
      created_at: '2026-01-31T09:00:00.000Z',
      updated_at: '2026-01-31T09:00:00.000Z',
    },
  },
);

const directory = Type.Object({ directory: DirectoryInEvent });
const user = Type.Object({ user: User });
const activity = Type.Object({ user: User, previous: Type.Object({ active: Type.Boolean() }) });
const group = Type.Object({ group: Group });

const member = Type.Unsafe<EventData['group.member_added']>({
  // What both are is said by what is required of each: there is no field by which they could be told apart.
  oneOf: [Type.Object({ group: Group, user: User }), Type.Object({ group: Group, member_group: Group })],
  description: 'The group, and the user or the nested group that is its member, as they are after it',
});

const seats = {
  limit: Type.Integer(),
  used: Type.Integer({ description: 'Active users in all directories of the organization' }),
  mode: word(seatModes),
  ceiling: nullable(Type.Integer({ description: 'How far the limit may be expanded; null: as far as it takes' })),
};

const brake = Type.Object({
  brake: Type.Object({
    max_users: nullable(Type.Integer()),
    max_percent: nullable(Type.Number()),
    window_seconds: Type.Integer(),
    engaged_at: nullable(Time),
    departures: Type.Integer({ description: 'How many had been deactivated or deleted within the window' }),
    active_users: Type.Integer({ description: 'How many users of the directory were active then' }),
  }),
});

/** What each type means, and what its `data` holds. */
const byType: { [T in EventType]: { meaning: string; data: Of<EventData[T]> } } = {
  'directory.activated': { meaning: "The identity provider's first accepted request.", data: directory },
  'directory.disabled': { meaning: 'From now on the directory refuses its identity provider.', data: directory },
  'directory.deleted': { meaning: 'The directory is gone, with everybody in it: no events tell of each.', data: directory },
  'user.created': { meaning: 'A user was added.', data: user },
  'user.updated': {
    meaning: 'Anything of a user changed but `active`.',
    data: Type.Object({
      user: User,
      previous: PreviousUserFields,
      cause: Type.Optional(word(['mapping'], { description: 'The mapping changed, and nothing that the identity provider did' })),
    }),
  },
  'user.deactivated': { meaning: '`active` became false: the user should lose access now.', data: activity },
  'user.reactivated': { meaning: '`active` became true.', data: activity },
  'user.deleted': { meaning: 'A user was deleted, having left all groups before.', data: user },
  'group.created': { meaning: 'A group was added.', data: group },
  'group.updated': {
    meaning: 'Anything of a group changed but its members.',
    data: Type.Object({
      group: Group,
      previous: Type.Object(
        {
          display_name: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'] })),
          external_id: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'] })),
          raw: Type.Optional(raw('Attributes that only SCIM tells of')),
        },
        { description: 'The fields that changed, as they were' },
      ),
    }),
  },
  'group.deleted': { meaning: 'A group was deleted, all members having left it before.', data: group },
  'group.member_added': { meaning: 'A user, or another group, became a member of a group.', data: member },
  'group.member_removed': { meaning: 'A user, or another group, is no longer a member of a group.', data: member },
  'provisioning.failed': {
    meaning: 'A write of the identity provider was refused.',
    data: Type.Object({
      request: Type.Object({
        id: publicIdOf('req', 'the request'),
        method: Type.String(),
        path: Type.String({ description: 'Below the base URL' }),
        status: Type.Integer(),
        scim_type: nullable(Type.String({ description: "SCIM's own code of the error" })),
        detail: Type.String({ description: 'Why, as the identity provider was told' }),
        resource: Type.Unsafe<EventData['provisioning.failed']['request']['resource']>({
          ...Type.Object({
            userName: Type.Optional(Type.String()),
            displayName: Type.Optional(Type.String()),
            externalId: Type.Optional(Type.String()),
          }),
          type: ['object', 'null'],
          description: 'Whom it was to be about, by the names that were sent; null: none was',
        }),
        deactivation_refused: Type.Optional(
          Type.Literal(true, {
            description: 'Somebody who is active was to be deactivated or deleted by it, and is active still. There where that is so',
          }),
        ),
      }),
    }),
  },
  'seats.threshold_reached': {
    meaning: 'An organization has used so many of its seats, by a user of this directory: 80 or 100 percent.',
    data: Type.Object({ seats: Type.Object({ ...seats, percent: Type.Integer() }) }),
  },
  'seats.expanded': {
    meaning: "An organization's seats were not enough, and its limit was expanded.",
    data: Type.Object({ seats: Type.Object({ ...seats, previous_limit: Type.Integer() }) }),
  },
  'directory.brake_engaged': { meaning: 'So many users have left that nobody else may until the brake is released.', data: brake },
  'directory.brake_released': { meaning: 'Users may leave again.', data: brake },
  'credential.expiring': {
    meaning: 'A credential of the directory will end by itself: two weeks before, and once more a day before.',
    data: Type.Object({
      credential: Type.Object({
        kind: word(['bearer_token', 'oauth_client']),
        id: Type.String({ description: "The token's, or that of the client whose secret it is" }),
        name: nullable(Type.String()),
        expires_at: Time,
        last_used_at: nullable(Time),
      }),
    }),
  },
  'feed.rewound': {
    meaning:
      'The database was set back to an earlier state, and what came after that is no more: list the users and groups of the directory anew. ' +
      'The first event of the new epoch, sent whatever types are asked for. From here on what bears its `epoch` is newer than all else.',
    data: Type.Object({
      epoch: Type.String({ description: 'The epoch that begins with this event' }),
      previous_epoch: Type.String({ description: 'The one that the database was set back to' }),
    }),
  },
};

const head: { [Field in keyof Omit<EventHead, 'type'>]-?: Of<EventHead[Field]> } = {
  id: publicIdOf('evt', 'an event'),
  occurred_at: Time,
  organization_id: publicIdOf('org', 'the organization'),
  organization_external_id: nullable(Type.String()),
  directory_id: publicIdOf('dir', 'the directory'),
  position: Type.Integer({ description: '1, 2, 3 … within the environment' }),
  sequence: Type.Integer({ description: '1, 2, 3 … within the directory' }),
  epoch: Type.String({
    description:
      'Opaque: the epoch in which its `sequence` was drawn. Another one begins, with `feed.rewound`, where the database is set back',
  }),
  request_id: nullable(Type.String({ description: 'The request that caused it' })),
  test: Type.Optional(Type.Literal(true, { description: 'An example event, which stands in no log; its position and sequence are 0' })),
};

/** An event, by webhook and by API alike: one of a shape for each type. */
export const Event: TUnsafe<EventJson> = oneOf(
  'type',
  Object.fromEntries(
    eventTypes.map((type) => [
      type,
      Type.Unsafe<EventJson>(
        Type.Object(
          { ...head, type: Type.Literal(type), data: byType[type].data },
          { title: eventSchemaName(type), description: byType[type].meaning },
        ),
      ),
    ]),
  ),
  {
    title: 'Event',
    description: 'A change that is committed. The same by webhook and by API. Types may be added at any time.',
    examples: [
      {
        id: `evt_${digits}`,
        type: 'user.updated',
        occurred_at: '2026-01-31T09:00:00.000Z',
        organization_id: `org_${digits}`,
        organization_external_id: 'acme',
        directory_id: `dir_${digits}`,
        position: 90_210,
        sequence: 42,
        epoch: '1',
        request_id: `req_${digits}`,
        data: { user: userExample, previous: { title: null } },
      },
    ],
  },
);
