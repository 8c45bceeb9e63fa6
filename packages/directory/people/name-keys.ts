/** The keys of users who were stored when names were compared in another way. */
import { foldName, foldResource, coreSchemas, type Json, type JsonObject, type Resource } from '#scim';
import { publicId } from '#identifier';
import { firstId, prepared, type Queryable } from '#postgres';
import { emailKeysOf, sameJson } from '../resource/profile';
import { lockHead } from '../writing/hold';

/** Users of one directory whose userNames are the same by now, and are kept apart as before. */
export interface NamesAlike {
  directoryId: string;
  userIds: string[];
}

interface NamedUser {
  id: string;
  user_name_key: string;
  email_keys: string[];
  folded: JsonObject;
  resource: Resource;
}

// Of names in plain ASCII, which are nearly all, the key has not changed. One walk over the table; nothing is locked.
const directoriesToKeyAgain = prepared<{ directory_id: string }>(
  'directories_to_key_again',
  `
  select distinct directory_id
    from users
   where ${isNotPlain('users')}
   order by directory_id`,
);

/** SQL: a name or an address in other letters than ASCII's, or with blanks around it. */
function isNotPlain(users: string): string {
  return `(${users}.resource->>'userName' !~ '^[!-~]([ -~]*[!-~])?$' or (${users}.resource->'emails')::text ~ '[^ -~]|" | "')`;
}

const usersToKeyAgain = prepared<NamedUser>(
  'users_to_key_again',
  `
  select u.id, u.user_name_key, u.email_keys, u.folded, u.resource
    from users u
   where u.directory_id = $1
     and u.id > $2
     and ${isNotPlain('u')}
   order by u.id
   limit 1000`,
);

const holdersOfNames = prepared<{ id: string; user_name_key: string }>(
  'holders_of_user_names',
  `
  select id, user_name_key
    from users
   where directory_id = $1
     and user_name_key = any ($2::text[])`,
);

// An id is nobody's name: whoever moves to the key of somebody who moves on need not wait for them.
const letGoOfNames = prepared(
  'let_go_of_user_names',
  `
  update users
     set user_name_key = ' ' || id::text
   where directory_id = $1
     and id = any ($2::uuid[])`,
);

const updateKeys = prepared(
  'update_name_keys',
  `
  update users u
     set user_name_key = n.user_name_key,
         email_keys = array(select json_array_elements_text(n.email_keys::json)),
         folded = u.folded || n.folded::jsonb
    from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) as n (id, user_name_key, email_keys, folded)
   where u.directory_id = $1
     and u.id = n.id`,
);

/**
 * Gives users the keys that foldName makes of their names and addresses. To be called in a transaction, which holds the directories
 * whose users have others until it ends. Nothing that anybody is shown changes, so there are no events.
 *
 * Whoever would get a key that somebody else has, or would get as well, keeps the one that they have, and is answered: nobody can
 * tell here which of them is meant to be there.
 */
export async function keyNamesAgain(db: Queryable): Promise<NamesAlike[]> {
  const alike: NamesAlike[] = [];
  for (const { directory_id: directoryId } of await directoriesToKeyAgain.run(db, [])) {
    await lockHead.run(db, [directoryId]);
    alike.push(...(await keyDirectory(db, directoryId)));
  }
  return alike;
}

async function keyDirectory(db: Queryable, directoryId: string): Promise<NamesAlike[]> {
  const users: NamedUser[] = [];
  for (let last = firstId; ;) {
    const page = await usersToKeyAgain.run(db, [directoryId, last]);
    users.push(...page);
    if (page.length < 1000) break;
    last = page.at(-1)!.id;
  }
  const wanted = new Map(users.map((user) => [user.id, foldName(textOf(user.resource.userName))]));
  const holders = await holdersOfNames.run(db, [directoryId, [...new Set(wanted.values())]]);
  const others = holders.filter(({ id }) => !wanted.has(id));
  const { keys, alike } = settle(users, wanted, others);

  const moving = users.filter(({ id, user_name_key }) => keys.get(id) !== user_name_key);
  if (moving.length > 0) await letGoOfNames.run(db, [directoryId, moving.map(({ id }) => id)]);
  const changed = users.filter(
    ({ id, user_name_key, email_keys, folded, resource }) =>
      keys.get(id) !== user_name_key ||
      !sameJson(emailKeysOf(resource), email_keys) ||
      !sameJson({ ...folded, ...foldedNames(resource) }, folded),
  );
  await updateKeys.run(db, [
    directoryId,
    changed.map(({ id }) => id),
    changed.map(({ id }) => keys.get(id)),
    changed.map(({ resource }) => JSON.stringify(emailKeysOf(resource))),
    changed.map(({ resource }) => JSON.stringify(foldedNames(resource))),
  ]);
  return alike.map((ids) => ({ directoryId: publicId('dir', directoryId), userIds: ids.map((id) => publicId('usr', id)) }));
}

/**
 * Who gets which key, so that no two have the same. Whoever stays where they are may be in somebody else's way by that: it is gone
 * through until nobody is.
 */
function settle(
  users: readonly NamedUser[],
  wanted: ReadonlyMap<string, string>,
  others: readonly { id: string; user_name_key: string }[],
): { keys: Map<string, string>; alike: string[][] } {
  const keys = new Map(wanted);
  const alike: string[][] = [];
  for (;;) {
    const holders = new Map<string, string[]>();
    for (const { id, user_name_key: key } of others) holders.set(key, [id]);
    for (const [id, key] of keys) holders.set(key, [...(holders.get(key) ?? []), id]);
    const stuck = users.filter(({ id, user_name_key }) => {
      const key = keys.get(id);
      return key !== user_name_key && (holders.get(key ?? '')?.length ?? 0) > 1;
    });
    if (stuck.length === 0) return { keys, alike };
    for (const key of new Set(stuck.map(({ id }) => keys.get(id) ?? ''))) alike.push(holders.get(key) ?? []);
    for (const { id, user_name_key } of stuck) keys.set(id, user_name_key);
  }
}

/** The part of the folded resource that holds names and addresses. */
function foldedNames({ userName, emails }: Resource): JsonObject {
  const { schemas: _core, ...folded } = foldResource({ ...(userName && { userName }), ...(emails && { emails }) }, 'User', coreSchemas);
  return folded;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
