/** Takes a person out of JSON that tells of them: what events and requests hold. Pure. */
import { foldCase, type Json, type JsonObject, isJsonObject } from '#scim';

/** By what a person is known, all of it folded. */
export interface Person {
  /** The public id, `usr_…`, which stays. */
  userId: string;
  /** userNames and e-mail addresses: taken out of any text. */
  names: string[];
  /** What the identity provider called them by, which may be as short as "7": taken out only where it stands by itself. */
  externalIds: string[];
}

export const erasedText = '[erased]';

// One character would be found everywhere, and a short number names many things besides a person.
const shortestName = 2;
const shortestReference = 6;

/** What the documents say a person is called: those in which they are the user. */
export function identify(person: Person, documents: readonly Json[]): Person {
  const names = new Set(person.names);
  const externalIds = new Set(person.externalIds);
  const take = (into: Set<string>, value: Json | undefined): void => {
    if (typeof value === 'string' && value.length >= shortestName) into.add(foldCase(value));
  };
  const takeFrom = (source: JsonObject): void => {
    for (const name of ['user_name', 'userName', 'email']) take(names, source[name]);
    for (const email of Array.isArray(source.emails) ? source.emails : []) if (isJsonObject(email)) take(names, email.value);
    for (const name of ['external_id', 'externalId']) if (typeof source[name] === 'string') externalIds.add(foldCase(source[name]));
    if (isJsonObject(source.raw)) takeFrom(source.raw);
  };
  for (const document of documents) {
    if (!isJsonObject(document) || !isJsonObject(document.user) || document.user.id !== person.userId) continue;
    takeFrom(document.user);
    if (isJsonObject(document.previous)) takeFrom(document.previous);
  }
  return { ...person, names: [...names], externalIds: [...externalIds] };
}

/** What to look for in the text of a row, in lower case, to find out whether it may speak of the person at all. */
export function tracesOf(person: Person): string[] {
  const spellings = [...person.names, ...longIds(person)].flatMap((name) => [
    name,
    JSON.stringify(name).slice(1, -1),
    encodeURIComponent(name),
  ]);
  return [...new Set([person.userId, ...spellings.map((text) => text.toLowerCase())])];
}

function longIds({ externalIds }: Person): string[] {
  return externalIds.filter((id) => id.length >= shortestReference);
}

/** The same without the person; the very same value where it does not speak of them. */
export function withoutPerson(value: Json, person: Person): Json {
  const name = namePattern(person);
  const ids = new Set([person.userId, ...person.names, ...longIds(person)]);
  const own = new Set(person.externalIds);

  const clean = (inner: Json): Json => {
    if (typeof inner === 'string') return name ? inner.replace(name, erasedText) : inner;
    if (Array.isArray(inner)) return same(inner, inner.map(clean));
    if (!isJsonObject(inner)) return inner;
    if (inner.id === person.userId && 'user_name' in inner) return erasedUser(inner);
    if (typeof inner.userName === 'string' && person.names.includes(foldCase(inner.userName))) return erasedResource(inner);
    const { user } = inner;
    const isTheirs = isJsonObject(user) && user.id === person.userId;
    const isAbout = isWriteOf(inner, person);
    // A reference: a manager, a member. The id of our making stays; what they are called goes.
    const refersToThem = typeof inner.value === 'string' && ids.has(foldCase(inner.value));
    const cleanMember = (key: string, member: Json): Json => {
      if (isTheirs && key === 'previous' && isJsonObject(member)) return erasedPrevious(member);
      if (isAbout && key === 'resource' && isJsonObject(member)) return erasedResource(member);
      if (typeof member !== 'string' || member === person.userId) return clean(member);
      if (isAbout && key === 'detail') return erasedText;
      if (refersToThem && /^(value|display|displayName|\$ref)$/i.test(key)) return erasedText;
      if (key === 'manager' && ids.has(foldCase(member))) return erasedText;
      if (/^external_?id$/i.test(key) && own.has(foldCase(member))) return erasedText;
      return clean(member);
    };
    return sameObject(
      inner,
      Object.fromEntries(Object.entries(inner).map(([key, member]): [string, Json] => [key, cleanMember(key, member)])),
    );
  };
  return clean(value);
}

/** Whether a request is one about the person: its refusal quotes what was sent of them, under whatever name. */
function isWriteOf({ path, resource }: JsonObject, person: Person): boolean {
  if (typeof path !== 'string') return false;
  if (path.includes(person.userId)) return true;
  if (!/^\/users\b/i.test(path) || !isJsonObject(resource)) return false;
  const { userName, externalId } = resource;
  return typeof userName === 'string'
    ? person.names.includes(foldCase(userName))
    : typeof externalId === 'string' && person.externalIds.includes(foldCase(externalId));
}

/** The path of a request without the person: the ids in it stay, and its query goes where it names them. */
export function pathWithoutPerson(path: string, person: Person): string {
  const [place = '', ...rest] = path.split('?');
  if (rest.length === 0) return path;
  const query = decoded(rest.join('?'));
  const speaks =
    person.names.some((name) => foldCase(query).includes(name)) || person.externalIds.some((id) => foldCase(query).includes(`"${id}"`));
  return speaks ? `${place}?${erasedText}` : path;
}

function decoded(query: string): string {
  try {
    return decodeURIComponent(query.replaceAll('+', ' '));
  } catch {
    return query;
  }
}

/** In a text, whole: ada@acme.com is not found in nada@acme.com. */
function namePattern({ names }: Person): RegExp | undefined {
  if (names.length === 0) return undefined;
  const alternatives = [...names].sort((a, b) => b.length - a.length).map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?<![\\p{L}\\p{N}._%+@-])(?:${alternatives.join('|')})(?![\\p{L}\\p{N}_%+@-]|\\.[\\p{L}\\p{N}])`, 'giu');
}

/** A user as the log shows one who is forgotten: the shape stays, and of what was in it ids, numbers and times. */
function erasedUser(user: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(user).map(([key, value]): [string, Json] => [key, erasedField(key, value)]));
}

/** What an identity provider sent of them: which attributes, and nothing that was in them. */
function erasedResource(resource: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(resource).map(([key, value]): [string, Json] => [key, typeof value === 'string' ? erasedText : null]),
  );
}

const kept = new Set(['id', 'directory_id', 'organization_id', 'active', 'version', 'created_at', 'updated_at']);

function erasedField(key: string, value: Json): Json {
  if (kept.has(key)) return value;
  if (key === 'user_name') return erasedText;
  if (Array.isArray(value)) return [];
  return isJsonObject(value) ? {} : null;
}

/** Which fields changed is no secret; what was in them is. */
function erasedPrevious(previous: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(previous).map(([key, value]): [string, Json] => [key, key === 'active' ? value : null]));
}

function same(before: Json[], after: Json[]): Json[] {
  return after.every((element, i) => element === before[i]) ? before : after;
}

function sameObject(before: JsonObject, after: JsonObject): JsonObject {
  return Object.keys(before).every((key) => before[key] === after[key]) ? before : after;
}
