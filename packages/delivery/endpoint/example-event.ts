import type { BrakeJson, DirectoryJson, EventData, EventHead, EventType, GroupJson, UserJson } from '#directory';
import { publicId } from '#identifier';

// Ids of nobody: a consumer that looks one up finds nothing, and one that stores what it gets can tell it from the rest.
const nobody = '00000000-0000-7000-8000-000000000000';

/**
 * An event of a type as a vendor would get one, with made-up data and `"test": true`. Its position and sequence are 0, which
 * no event of the log has.
 */
export function exampleEvent<Type extends EventType>(
  eventId: string,
  type: Type,
  at: Date,
): EventHead<Type> & { test: true; data: EventData[Type] } {
  return {
    id: publicId('evt', eventId),
    type,
    occurred_at: at.toISOString(),
    organization_id: publicId('org', nobody),
    organization_external_id: 'example',
    directory_id: publicId('dir', nobody),
    position: 0,
    sequence: 0,
    epoch: '1',
    request_id: null,
    test: true,
    data: exampleData[type](at),
  };
}

const exampleData: { [T in EventType]: (at: Date) => EventData[T] } = {
  'directory.activated': (at) => ({ directory: exampleDirectory('active', at) }),
  'directory.disabled': (at) => ({ directory: exampleDirectory('disabled', at) }),
  'directory.deleted': (at) => ({ directory: exampleDirectory('disabled', at) }),
  'user.created': (at) => ({ user: exampleUser(at) }),
  'user.updated': (at) => ({ user: exampleUser(at), previous: { title: 'Engineer' } }),
  'user.deactivated': (at) => ({ user: { ...exampleUser(at), active: false }, previous: { active: true } }),
  'user.reactivated': (at) => ({ user: exampleUser(at), previous: { active: false } }),
  'user.deleted': (at) => ({ user: exampleUser(at) }),
  'group.created': (at) => ({ group: { ...exampleGroup(at), member_count: 0 } }),
  'group.updated': (at) => ({ group: exampleGroup(at), previous: { display_name: 'Engineers' } }),
  'group.deleted': (at) => ({ group: { ...exampleGroup(at), member_count: 0 } }),
  'group.member_added': (at) => {
    const group = exampleGroup(at);
    return { group, user: { ...exampleUser(at), groups: [{ id: group.id, display_name: group.display_name }] } };
  },
  'group.member_removed': (at) => ({ group: { ...exampleGroup(at), member_count: 0 }, user: exampleUser(at) }),
  'provisioning.failed': () => ({
    request: {
      id: publicId('req', nobody),
      method: 'POST',
      path: '/Users',
      status: 409,
      scim_type: 'uniqueness',
      detail: 'another user of this directory already has the userName "ada@example.com"',
      resource: { userName: 'ada@example.com', externalId: 'example' },
    },
  }),
  'seats.threshold_reached': () => ({ seats: { limit: 100, used: 80, percent: 80, mode: 'reject', ceiling: null } }),
  'seats.expanded': () => ({ seats: { limit: 101, previous_limit: 100, used: 101, mode: 'expand', ceiling: 200 } }),
  'directory.brake_engaged': (at) => ({ brake: exampleBrake(at) }),
  'directory.brake_released': (at) => ({ brake: exampleBrake(at) }),
  'credential.expiring': (at) => ({
    credential: {
      kind: 'oauth_client',
      id: publicId('oac', nobody),
      name: null,
      expires_at: new Date(at.getTime() + 14 * 86_400_000).toISOString(),
      last_used_at: at.toISOString(),
    },
  }),
  'feed.rewound': () => ({ epoch: '1', previous_epoch: '1' }),
};

function exampleBrake(at: Date): BrakeJson {
  return {
    max_users: 50,
    max_percent: null,
    window_seconds: 3_600,
    engaged_at: at.toISOString(),
    departures: 50,
    active_users: 950,
  };
}

function exampleDirectory(state: DirectoryJson['state'], at: Date): DirectoryJson {
  return {
    id: publicId('dir', nobody),
    organization_id: publicId('org', nobody),
    organization_external_id: 'example',
    name: 'Example directory',
    provider: 'generic',
    state,
    created_at: at.toISOString(),
    updated_at: at.toISOString(),
  };
}

function exampleUser(at: Date): UserJson {
  const emails = [{ value: 'ada@example.com', type: 'work', primary: true }];
  return {
    id: publicId('usr', nobody),
    directory_id: publicId('dir', nobody),
    organization_id: publicId('org', nobody),
    external_id: 'example',
    user_name: 'ada@example.com',
    active: true,
    email: 'ada@example.com',
    emails,
    given_name: 'Ada',
    family_name: 'Lovelace',
    display_name: 'Ada Lovelace',
    title: 'Principal Engineer',
    department: null,
    employee_number: null,
    manager: null,
    user_type: null,
    roles: [],
    groups: [],
    attributes: {},
    raw: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      externalId: 'example',
      userName: 'ada@example.com',
      active: true,
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      title: 'Principal Engineer',
      emails,
    },
    version: 0,
    created_at: at.toISOString(),
    updated_at: at.toISOString(),
  };
}

function exampleGroup(at: Date): GroupJson {
  return {
    id: publicId('grp', nobody),
    directory_id: publicId('dir', nobody),
    organization_id: publicId('org', nobody),
    external_id: null,
    display_name: 'Engineering',
    member_count: 1,
    raw: { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Engineering' },
    version: 0,
    created_at: at.toISOString(),
    updated_at: at.toISOString(),
  };
}
