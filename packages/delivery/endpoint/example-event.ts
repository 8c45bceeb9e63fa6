import type { EventType, GroupJson, UserJson } from '#directory';
import { publicId } from '#identifier';

// Ids of nobody: a consumer that looks one up finds nothing, and one that stores what it gets can tell it from the rest.
const nobody = '00000000-0000-7000-8000-000000000000';

/**
 * An event of a type as a vendor would get one, with made-up data and `"test": true`. Its position and sequence are 0, which
 * no event of the log has.
 */
export function exampleEvent(eventId: string, type: EventType, at: Date): object {
  return {
    id: publicId('evt', eventId),
    type,
    occurred_at: at.toISOString(),
    organization_id: publicId('org', nobody),
    organization_external_id: 'example',
    directory_id: publicId('dir', nobody),
    position: 0,
    sequence: 0,
    request_id: null,
    test: true,
    data: exampleData(type, at),
  };
}

function exampleData(type: EventType, at: Date): object {
  const user = exampleUser(at);
  const group = exampleGroup(at);
  switch (type) {
    case 'directory.activated':
      return { directory: exampleDirectory('active', at) };
    case 'directory.disabled':
    case 'directory.deleted':
      return { directory: exampleDirectory('disabled', at) };
    case 'user.created':
    case 'user.deleted':
      return { user };
    case 'user.updated':
      return { user, previous: { title: 'Engineer' } };
    case 'user.deactivated':
      return { user: { ...user, active: false }, previous: { active: true } };
    case 'user.reactivated':
      return { user, previous: { active: false } };
    case 'group.created':
    case 'group.deleted':
      return { group };
    case 'group.updated':
      return { group, previous: { display_name: 'Engineers' } };
    case 'group.member_added':
      return { group, user: { ...user, groups: [{ id: group.id, display_name: group.display_name }] } };
    case 'group.member_removed':
      return { group: { ...group, member_count: 0 }, user };
    case 'provisioning.failed':
      return {
        request: {
          id: publicId('req', nobody),
          method: 'POST',
          path: '/Users',
          status: 409,
          scim_type: 'uniqueness',
          detail: 'another user of this directory already has the userName "ada@example.com"',
        },
      };
    case 'seats.threshold_reached':
      return { seats: { limit: 100, used: 80, percent: 80 } };
    case 'seats.expanded':
      return { seats: { limit: 101, previous_limit: 100, used: 101 } };
    case 'directory.brake_engaged':
    case 'directory.brake_released':
      return { brake: { max_users: 50, max_percent: null, window_seconds: 3_600 } };
    case 'credential.expiring':
      return {
        credential: {
          kind: 'oauth_client',
          id: publicId('oac', nobody),
          expires_at: new Date(at.getTime() + 14 * 86_400_000).toISOString(),
        },
      };
  }
}

function exampleDirectory(state: string, at: Date): object {
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
