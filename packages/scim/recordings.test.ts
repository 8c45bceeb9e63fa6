import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  etagOf,
  foldCase,
  foldName,
  isActive,
  listResponse,
  locationOf,
  matches,
  matchesElement,
  parseBulk,
  parseDeclaredExtension,
  parseGroup,
  parseListQuery,
  parsePatch,
  parseProjection,
  parseSearchRequest,
  parseUser,
  patchGroup,
  patchUser,
  renderResource,
  replaceGroup,
  replaceUser,
  resourceType,
  schemaDocument,
  schemaDocuments,
  schemaSet,
  ScimError,
  serviceProviderConfig,
  tolerances,
  wholeResource,
} from './index';
import type { Json, JsonObject, ListQuery, MemberChange, MemberReference, Resource, ResourceType, SchemaSet } from './index';

interface Step {
  request: { method: string; path: string; body?: unknown };
  expected?: { status?: number; scimType?: string; headers?: Record<string, string>; body?: unknown; events?: string[] };
  save?: Record<string, string>;
}
interface Recording extends Step {
  name: string;
  idp: string;
  tolerance?: string;
  source: string;
  extensions?: unknown[];
  given?: Step[];
  then?: Step[];
}

const folder = join(__dirname, 'recordings');
const recordings: Recording[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')));

describe.each(recordings)('$idp: $name', (recording) => {
  test(`is answered as recorded${recording.tolerance ? ` (${recording.tolerance})` : ''}`, () => {
    const directory = new DirectoryInMemory(schemaSet((recording.extensions ?? []).map(parseDeclaredExtension)));
    const saved: Record<string, string> = { base: baseUrl };
    for (const step of [...(recording.given ?? []), recording, ...(recording.then ?? [])]) replay(step, directory, saved);
  });
});

test('every tolerance has a recording', () => {
  const recorded = new Set(recordings.map(({ tolerance }) => tolerance));
  expect(Object.keys(tolerances).filter((name) => !recorded.has(name))).toEqual([]);
});

test('every recording names a tolerance that there is, and says where it comes from', () => {
  for (const { tolerance, source, name } of recordings) {
    expect([name, tolerance === undefined || tolerance in tolerances]).toEqual([name, true]);
    expect(source).not.toBe('');
  }
});

function replay(step: Step, directory: DirectoryInMemory, saved: Record<string, string>): void {
  const filled = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replace(/\{\{(\w+)\}\}/g, (whole, name: string) => saved[name] ?? whole));
  const { method, path, body } = filled(step.request);
  const answer = directory.answer(method, path, body);
  for (const [name, member] of Object.entries(step.save ?? {})) saved[name] = textOf(answer.body?.[member]);
  const expected = filled(step.expected ?? {});
  const seen = {
    request: `${method} ${path}`,
    status: answer.status,
    scimType: answer.body?.['scimType'],
    events: answer.events,
    detail: answer.body?.['detail'],
  };
  expect(seen).toMatchObject({
    request: `${method} ${path}`,
    ...(expected.status !== undefined && { status: expected.status }),
    ...(expected.scimType !== undefined && { scimType: expected.scimType }),
    ...(expected.events !== undefined && { events: expected.events.filter((event) => event !== 'provisioning.failed') }),
  });
  if (expected.headers?.['Location'] !== undefined) expect(answer.location).toBe(expected.headers['Location']);
  if (expected.body !== undefined) expect(answer.body).toEqual(partOf(expected.body, answer.body));
}

/** The whole answer, if the expected part of it fits; else the answer with that part in it, so that the difference shows. */
function partOf(expected: unknown, actual: unknown): unknown {
  if (Array.isArray(expected)) return Array.isArray(actual) ? expected.map((element, index) => partOf(element, actual[index])) : expected;
  if (typeof expected !== 'object' || expected === null) return expected;
  const merged: Record<string, unknown> = typeof actual === 'object' && actual !== null ? { ...actual } : {};
  for (const [name, value] of Object.entries(expected)) {
    if (value === null) delete merged[name];
    else merged[name] = partOf(value, merged[name]);
  }
  return merged;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

// ── A directory that forgets ───────────────────────────────────────────────────────────────────

const baseUrl = 'https://scim.example.com/scim/v2/dir_x';
const limits = { defaultPageSize: 100, maxPageSize: 1000 };

interface Entry {
  id: string;
  type: ResourceType;
  resource: Resource;
  members: Map<string, ResourceType>;
  version: number;
}
interface Answer {
  status: number;
  body?: JsonObject;
  location?: string;
  events: string[];
}

/** Puts the functions of this package together as a broker does; what it keeps and tells is only as real as these tests need. */
class DirectoryInMemory {
  private readonly entries = new Map<string, Entry>();
  private events: string[] = [];
  private made = 0;

  constructor(private readonly schemas: SchemaSet) {}

  answer(method: string, target: string, body: unknown): Answer {
    this.events = [];
    const url = new URL(baseUrl + target);
    try {
      return {
        ...this.route(
          method,
          url.pathname
            .slice(new URL(baseUrl).pathname.length + 1)
            .split('/')
            .map(decodeURIComponent),
          Object.fromEntries(url.searchParams),
          body,
        ),
        events: this.events,
      };
    } catch (error) {
      if (error instanceof ScimError) return { status: error.status, body: { ...error.toJSON() }, events: this.events };
      throw error;
    }
  }

  private route(method: string, [collection, id]: string[], query: Record<string, string>, body: unknown): Omit<Answer, 'events'> {
    if (collection === 'ServiceProviderConfig') {
      return {
        status: 200,
        body: serviceProviderConfig({
          baseUrl,
          limits: { ...limits, filterMaxResults: 1000, bulkMaxOperations: 1000, bulkMaxPayloadBytes: 1e6 },
          authenticationSchemes: [],
        }),
      };
    }
    if (collection === 'Schemas') {
      return {
        status: 200,
        body:
          id === undefined
            ? listResponse(schemaDocuments(baseUrl, this.schemas), { startIndex: 1, totalResults: 0 })
            : schemaDocument(id, baseUrl, this.schemas),
      };
    }
    if (collection === 'ResourceTypes') return { status: 200, body: resourceType(id ?? '', baseUrl, this.schemas) };
    const type: ResourceType = collection === 'Users' ? 'User' : 'Group';
    const projection = parseProjection(query, type, this.schemas);
    if (id === '.search') return this.list(type, parseSearchRequest(body, type, this.schemas, limits));
    if (id === undefined && method === 'GET') return this.list(type, parseListQuery(query, type, this.schemas, limits));
    if (id === undefined) {
      const entry = this.create(type, body);
      return {
        status: 201,
        body: this.render(entry, parseProjection(query, type, this.schemas)),
        location: locationOf(baseUrl, type, entry.id),
      };
    }
    const entry = this.entries.get(id);
    if (!entry || entry.type !== type) throw new ScimError(404, undefined, `There is no ${type} ${id}.`);
    if (method === 'DELETE') {
      this.entries.delete(id);
      for (const group of this.entries.values()) if (group.members.delete(id)) this.events.push('group.member_removed');
      this.events.push(type === 'User' ? 'user.deleted' : 'group.deleted');
      return { status: 204 };
    }
    if (method !== 'GET') this.change(entry, method, body);
    return { status: 200, body: this.render(entry, projection) };
  }

  private create(type: ResourceType, body: unknown): Entry {
    const parsed = type === 'User' ? { ...parseUser(body, this.schemas), members: [] } : parseGroup(body, this.schemas);
    this.made += 1;
    const entry: Entry = {
      id: `${type === 'User' ? 'usr' : 'grp'}_${this.made.toString(16).padStart(32, '0')}`,
      type,
      resource: parsed.resource,
      members: new Map(),
      version: 1,
    };
    this.checkUnique(entry, parsed.resource);
    this.entries.set(entry.id, entry);
    this.events.push(type === 'User' ? 'user.created' : 'group.created');
    for (const member of parsed.members) this.addMember(entry.members, member);
    return entry;
  }

  private change(entry: Entry, method: string, body: unknown): void {
    const { type, resource: before } = entry;
    const members = new Map(entry.members);
    const events: string[] = [];
    let after: Resource;
    if (method === 'PUT' && type === 'User') after = replaceUser(before, body, this.schemas).resource;
    else if (method === 'PUT') {
      const replaced = replaceGroup(before, body, this.schemas);
      after = replaced.resource;
      this.applyMembers(members, { kind: 'replace', members: replaced.members });
    } else if (type === 'User') after = patchUser(before, parsePatch(body, type, this.schemas).operations).resource;
    else {
      const patched = patchGroup(before, parsePatch(body, type, this.schemas).operations);
      after = patched.resource;
      for (const change of patched.memberChanges) this.applyMembers(members, change);
    }
    this.checkUnique(entry, after);
    const { active: wasActive, ...rest } = before;
    const { active, ...restAfter } = after;
    if (!isDeepStrictEqual(rest, restAfter)) events.push(type === 'User' ? 'user.updated' : 'group.updated');
    if (wasActive !== active && type === 'User') events.push(isActive(after) ? 'user.reactivated' : 'user.deactivated');
    for (const id of entry.members.keys()) if (!members.has(id)) events.push('group.member_removed');
    for (const id of members.keys()) if (!entry.members.has(id)) events.push('group.member_added');
    entry.resource = after;
    entry.members = members;
    if (events.length > 0) entry.version += 1;
    this.events.push(...events);
  }

  private applyMembers(members: Map<string, ResourceType>, change: MemberChange): void {
    if (change.kind === 'remove_where') {
      for (const [id, type] of members)
        if (matchesElement(change.filter, { value: id, type, $ref: locationOf(baseUrl, type, id) })) members.delete(id);
    } else if (change.kind === 'remove') for (const { value } of change.members) members.delete(value);
    else {
      if (change.kind !== 'add') members.clear();
      if (change.kind !== 'remove_all') for (const member of change.members) this.addMember(members, member);
    }
  }

  private addMember(members: Map<string, ResourceType>, { value }: MemberReference): void {
    const member = this.entries.get(value);
    if (!member) throw new ScimError(400, 'invalidValue', `There is nobody ${value} here.`);
    members.set(value, member.type);
  }

  private checkUnique(entry: Entry, resource: Resource): void {
    const isUser = entry.type === 'User';
    const key = isUser ? 'userName' : 'displayName';
    const fold = isUser ? foldName : foldCase;
    for (const other of this.entries.values()) {
      const isSame =
        other.id !== entry.id && other.type === entry.type && fold(textOf(other.resource[key])) === fold(textOf(resource[key]));
      const [own, others] = [resource.externalId, other.resource.externalId];
      if (isSame && (isUser || own === undefined || others === undefined || own === others)) {
        throw new ScimError(409, 'uniqueness', `Another ${entry.type} has this ${key}.`);
      }
    }
  }

  private list(type: ResourceType, query: ListQuery): Omit<Answer, 'events'> {
    const { filter } = query;
    const found = [...this.entries.values()].filter(
      (entry) => entry.type === type && (!filter || matches(filter, this.render(entry, wholeResource))),
    );
    const page = found.slice(query.startIndex - 1, query.startIndex - 1 + query.count);
    return {
      status: 200,
      body: listResponse(
        page.map((entry) => this.render(entry, query.projection)),
        { totalResults: found.length, startIndex: query.startIndex },
      ),
    };
  }

  private render({ id, type, resource, members, version }: Entry, projection: ListQuery['projection']): JsonObject {
    const groups = [...this.entries.values()].filter((entry) => entry.members.has(id));
    return renderResource(
      {
        type,
        id,
        resource,
        baseUrl,
        created: new Date(0),
        lastModified: new Date(version),
        version,
        groups: groups.map((group) => ({ id: group.id, display: textOf(group.resource['displayName']) })),
        members: [...members].map(([value, memberType]) => ({ value, type: memberType })),
      },
      projection,
      this.schemas,
    );
  }
}

test('the directory of these tests answers as one does', () => {
  const directory = new DirectoryInMemory(schemaSet());
  expect(directory.answer('GET', '/Users/nobody', undefined).status).toBe(404);
  expect(directory.answer('POST', '/Users', { userName: 'a' }).body).toMatchObject({ meta: { version: etagOf(1) } });
  expect(() => parseBulk({}, { maxOperations: 1 })).toThrow(ScimError);
});
