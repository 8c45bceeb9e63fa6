import { type MappingBody, parseMapping } from '#mapping';
import { newId } from '#identifier';
import type { Resource } from '#scim';
import { aDirectory, anOrganization, testDatabase } from '#testing';
import {
  changeGroup,
  changeUser,
  createGroup,
  createUser,
  deleteGroup,
  deleteUser,
  findUser,
  getOrganization,
  getRemap,
  type OrganizationChanges,
  remapUsers,
  type Remap,
  type ResolvedMemberChange,
  saveMapping,
  type ScimDirectory,
  type StoredGroup,
  type StoredUser,
} from '../index';

export interface Logged {
  sequence: number;
  type: string;
  request_id: string | null;
  data: any;
}

/** A directory, and short names for what tests do to it. */
export interface MappedDirectory {
  directory: ScimDirectory;
  /** What the last write let through, in words. */
  notes: string[];
  map: (body: MappingBody, scope?: 'environment' | 'directory') => Promise<string | undefined>;
  create: (userName: string, more?: Resource) => Promise<StoredUser>;
  change: (user: StoredUser, changes: Resource) => Promise<StoredUser>;
  remove: (user: StoredUser) => Promise<void>;
  find: (user: StoredUser) => Promise<StoredUser>;
  group: (displayName: string, members?: StoredUser[], more?: Resource) => Promise<StoredGroup>;
  changeGroup: (group: StoredGroup, changes: Resource) => Promise<StoredGroup>;
  removeGroup: (group: StoredGroup) => Promise<void>;
  members: (group: StoredGroup, kind: 'add' | 'remove' | 'replace', users: StoredUser[]) => Promise<StoredGroup>;
  /** Puts a group into another, or into itself. */
  nest: (group: { id: string }, member: { id: string }) => Promise<StoredGroup>;
  rename: (group: StoredGroup, displayName: string) => Promise<StoredGroup>;
  /** Every event of the directory, whose sequences are found to be dense. */
  log: () => Promise<Logged[]>;
  types: () => Promise<string[]>;
}

/** The request that makes every change here. */
export const request = newId();

export async function aMappedDirectory({
  mapping,
  of,
  ...organization
}: { mapping?: MappingBody; of?: ScimDirectory } & OrganizationChanges = {}): Promise<MappedDirectory> {
  const { pool } = await testDatabase();
  const directory = await anotherDirectory(of, organization);
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(text);
  const members = (users: StoredUser[]) => users.map(({ id }) => ({ id, type: 'User' as const }));
  const setMembers = (group: StoredGroup, changes: ResolvedMemberChange[]) =>
    changeGroup(pool, directory, request, group.id, ({ resource }) => ({ resource, memberChanges: changes }));
  const log = async (): Promise<Logged[]> => {
    const { rows } = await pool.query<Logged>(
      'select sequence, type, request_id, data from events where directory_id = $1 order by sequence',
      [directory.id],
    );
    expect(rows.map((row) => row.sequence)).toEqual(rows.map((_, i) => i + 1));
    return rows;
  };
  const mapped: MappedDirectory = {
    directory,
    notes,
    map: async (body, scope = 'environment') => {
      const saved = await saveMapping(
        pool,
        { environmentId: directory.environmentId, ...(scope === 'directory' && { directoryId: directory.id }) },
        parseMapping(body),
        request,
      );
      return saved?.remapId;
    },
    create: (userName, more = {}) => {
      notes.length = 0;
      return createUser(pool, directory, request, { userName, active: true, ...more }, note);
    },
    change: (user, changes) => {
      notes.length = 0;
      return changeUser(pool, directory, request, user.id, ({ resource }) => ({ ...resource, ...changes }), note);
    },
    remove: (user) => deleteUser(pool, directory, request, user.id, () => {}),
    find: (user) => findUser(pool, directory, user.id),
    group: (displayName, users = [], more = {}) => createGroup(pool, directory, request, { displayName, ...more }, members(users)),
    changeGroup: (group, changes) =>
      changeGroup(pool, directory, request, group.id, ({ resource }) => ({ resource: { ...resource, ...changes }, memberChanges: [] })),
    removeGroup: (group) => deleteGroup(pool, directory, request, group.id, () => {}),
    members: (group, kind, users) => setMembers(group, [{ kind, members: members(users) }]),
    nest: (group, { id }) =>
      changeGroup(pool, directory, request, group.id, ({ resource }) => ({
        resource,
        memberChanges: [{ kind: 'add', members: [{ id, type: 'Group' }] }],
      })),
    rename: (group, displayName) =>
      changeGroup(pool, directory, request, group.id, ({ resource }) => ({ resource: { ...resource, displayName }, memberChanges: [] })),
    log,
    types: async () => (await log()).map(({ type }) => type),
  };
  if (mapping) await mapped.map(mapping);
  return mapped;
}

/** Of the same organization where there is one. */
async function anotherDirectory(of: ScimDirectory | undefined, organization: OrganizationChanges): Promise<ScimDirectory> {
  const { pool } = await testDatabase();
  const same = of && (await getOrganization(pool, of));
  return (await aDirectory({ organization: same ?? (await anOrganization(organization)) })).directory;
}

/** Maps everybody anew who is to be, and answers what became of one such work. */
export async function remapAll(environmentId: string, remapId: string | undefined): Promise<Remap> {
  const { pool } = await testDatabase();
  await remapUsers(pool, new AbortController().signal);
  const remap = remapId === undefined ? undefined : await getRemap(pool, { environmentId, remapId });
  if (!remap) throw new Error('there is no such re-mapping');
  return remap;
}
