/**
 * Forgetting a person: what the log, the requests and the attempts hold of them is erased; ids, numbers and times stay, so that
 * nothing is missing from a log that counts.
 *
 * A user who still exists stays as their identity provider has them, and what it sends from then on is kept again: they are to be
 * deleted there first.
 */
import type { Pool } from 'pg';
import type { Json } from '#scim';
import { idAt, publicId } from '#identifier';
import { erasedText, identify, pathWithoutPerson, type Person, tracesOf, withoutPerson } from './erased-person';
import { firstId, prepared } from '#postgres';

/** Where the erasure of a person stands. */
export interface Erasure {
  userId: string;
  state: 'kept' | 'erasing' | 'erased';
  requestedAt: Date | null;
  erasedAt: Date | null;
}

const selectErasure = prepared<{ id: string; created_at: Date | null; finished_at: Date | null }>(
  'get_erasure',
  `
  select k.id, e.created_at, e.finished_at
    from (select u.id, u.environment_id
            from users u
           where u.environment_id = $1
             and u.id = $2
           union
          select d.user_id, d.environment_id
            from departed_users d
           where d.environment_id = $1
             and d.user_id = $2) k
    left join erasures e on e.user_id = k.id and e.environment_id = k.environment_id`,
);

/** `undefined` where the environment never had such a user. */
export async function getErasure(pool: Pool, query: { environmentId: string; userId: string }): Promise<Erasure | undefined> {
  const [row] = await selectErasure.run(pool, [query.environmentId, query.userId]);
  if (!row) return undefined;
  return {
    userId: row.id,
    state: row.created_at === null ? 'kept' : row.finished_at === null ? 'erasing' : 'erased',
    requestedAt: row.created_at,
    erasedAt: row.finished_at,
  };
}

// Asked for again when it is done, it is done again: there may be more by now.
const askForErasure = prepared(
  'ask_for_erasure',
  `
  insert into erasures (user_id, environment_id, directory_id)
  select k.id, k.environment_id, k.directory_id
    from (select u.id, u.environment_id, u.directory_id
            from users u
           where u.environment_id = $1
             and u.id = $2
           union
          select d.user_id, d.environment_id, d.directory_id
            from departed_users d
           where d.environment_id = $1
             and d.user_id = $2) k
  on conflict (user_id) do update
     set created_at = now(),
         up_to_sequence = null,
         phase = 'collect',
         sequence = 0,
         request_id = null,
         person = null,
         lease_until = null,
         finished_at = null
   where erasures.finished_at is not null`,
);

/** Asks for a person to be forgotten; `eraseDue` does it. `undefined` where the environment never had such a user. */
export async function erasePersonalData(pool: Pool, query: { environmentId: string; userId: string }): Promise<Erasure | undefined> {
  await askForErasure.run(pool, [query.environmentId, query.userId]);
  return getErasure(pool, query);
}

// ── Doing it ───────────────────────────────────────────────────────────────────────────────────

interface ErasureRow {
  user_id: string;
  environment_id: string;
  directory_id: string;
  created_at: Date;
  up_to_sequence: number | null;
  phase: 'collect' | 'events' | 'requests' | 'done';
  sequence: number;
  request_id: string | null;
  person: (Person & { requestIds: string[] }) | null;
}

const erasureColumns = `
         e.user_id, e.environment_id, e.directory_id, e.created_at, e.up_to_sequence, e.phase, e.sequence, e.request_id, e.person`;

const leaseSeconds = 30;
// One that lies further ahead is of a clock that was set back since.
const furthestLease = `interval '${2 * leaseSeconds} seconds'`;

// A little late: requests are written down some tenths of a second after they are answered.
const claimErasure = prepared<ErasureRow>(
  'claim_erasure',
  `
  update erasures e
     set lease_until = now() + interval '${leaseSeconds} seconds'
   where e.user_id = (select user_id
                        from erasures
                       where finished_at is null
                         and created_at < now() - interval '2 seconds'
                         and (lease_until is null or lease_until < now() or lease_until > now() + ${furthestLease})
                       order by created_at
                       limit 1
                         for update skip locked)
  returning ${erasureColumns}`,
);

const storeStep = prepared<
  ErasureRow,
  {
    userId: string;
    upTo: number | null;
    phase: ErasureRow['phase'];
    sequence: number | null;
    requestId: string | null;
    person: string | null;
  }
>(
  'store_erasure_step',
  `
  update erasures e
     set up_to_sequence = :upTo,
         phase = :phase,
         sequence = :sequence,
         request_id = :requestId,
         person = :person,
         lease_until = now() + interval '${leaseSeconds} seconds',
         finished_at = case when :phase = 'done' then now() end
   where e.user_id = :userId
  returning ${erasureColumns}`,
);

/** Erases what was delivered of events: the answers of webhook endpoints may repeat them. */
export type EraseAttempts = (about: { environmentId: string; eventIds: string[] }) => Promise<void>;

/**
 * Forgets who is to be forgotten, page by page of their directory's log and requests, until nobody is left or `stop` says so. To
 * be called now and then, by any number of processes; every page may be done twice, and goes on where a killed process was.
 */
export async function eraseDue(pool: Pool, eraseAttempts: EraseAttempts, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    let [at] = await claimErasure.run(pool, []);
    if (!at) return;
    while (at && at.phase !== 'done') {
      if (stop.aborted) return releaseErasure.run(pool, [at.user_id]).then(() => {});
      const next = await step(pool, at, eraseAttempts);
      if (next === 'later') {
        await releaseErasure.run(pool, [at.user_id]);
        return;
      }
      const { user_id: userId, up_to_sequence: upTo, phase, sequence, request_id: requestId, person }: ErasureRow = { ...at, ...next };
      [at] = await storeStep.run(pool, { userId, upTo, phase, sequence, requestId, person: person && JSON.stringify(person) });
    }
  }
}

const releaseErasure = prepared(
  'release_erasure',
  `
  update erasures
     set lease_until = null
   where user_id = $1`,
);

type Step = Partial<ErasureRow> | 'later';

function step(pool: Pool, at: ErasureRow, eraseAttempts: EraseAttempts): Promise<Step> {
  switch (at.phase) {
    case 'collect':
      return collect(pool, at);
    case 'events':
      return eraseEvents(pool, at, eraseAttempts);
    case 'requests':
      return eraseRequests(pool, at);
    case 'done':
      throw new Error('nothing is left to be erased');
  }
}

const headOf = prepared<{ sequence: number }>(
  'head_to_erase',
  `
  select greatest((select sequence from directory_heads where directory_id = $1),
                  (select sequence from directory_published where directory_id = $1), 0) as sequence`,
);

const logPage = prepared<{ id: string; sequence: number; type: string; request_id: string | null; data: Json | null }>(
  'events_to_erase',
  `
  select f.event_id as id, f.sequence, f.type, e.request_id,
         case when exists (select 1 from unnest($4::text[]) as t (trace) where strpos(lower(e.data::text), t.trace) > 0) then e.data end as data
    from event_feed f
    join events e on e.id = f.event_id
   where f.directory_id = $1
     and f.sequence > $2
     and f.sequence <= $3
   order by f.sequence
   limit 1000`,
);

const currentUser = prepared<{ profile: Json; resource: Json }>(
  'user_to_identify',
  `
  select profile, resource
    from users
   where directory_id = $1
     and id = $2`,
);

/** Reads what they were ever called, before any of it goes. */
async function collect(pool: Pool, at: ErasureRow): Promise<Step> {
  const userId = publicId('usr', at.user_id);
  const upTo = at.up_to_sequence ?? (await headOf.run(pool, [at.directory_id]))[0]?.sequence ?? 0;
  let person = at.person ?? { userId, names: [], externalIds: [], requestIds: [] };
  if (at.sequence === 0) {
    const [now] = await currentUser.run(pool, [at.directory_id, at.user_id]);
    if (now) person = { ...person, ...identify(person, [{ user: { ...object(now.profile), id: userId, raw: now.resource } }]) };
  }
  const page = await logPage.run(pool, [at.directory_id, at.sequence, upTo, [userId]]);
  const theirs = page.filter(({ data }) => data !== null);
  const requestIds = theirs
    .filter(({ type, request_id: id }) => type.startsWith('user.') && id !== null)
    .map(({ request_id: id }) => id ?? '');
  person = {
    ...person,
    ...identify(
      person,
      theirs.map(({ data }) => data),
    ),
    requestIds: [...new Set([...person.requestIds, ...requestIds])],
  };
  const last = page.at(-1)?.sequence ?? at.sequence;
  if (page.length === 1000) return { up_to_sequence: upTo, sequence: last, person };
  // What is committed and has no position yet is waited for; what the log has forgotten is not there to be.
  if (last < upTo && !(await isPublished(pool, at.directory_id, upTo))) return 'later';
  return { up_to_sequence: upTo, sequence: 0, person, phase: 'events' };
}

const published = prepared<{ published: boolean }>(
  'is_published',
  `
  select coalesce((select sequence from directory_published where directory_id = $1), 0) >= $2 as published`,
);

async function isPublished(pool: Pool, directoryId: string, sequence: number): Promise<boolean> {
  return (await published.run(pool, [directoryId, sequence]))[0]?.published ?? false;
}

// The one place where events are changed.
const overwriteEvents = prepared(
  'erase_events',
  `
  update events e
     set data = n.data::json,
         bytes = octet_length(n.data)
    from unnest($1::uuid[], $2::text[]) as n (id, data)
   where e.id = n.id`,
);

async function eraseEvents(pool: Pool, at: ErasureRow, eraseAttempts: EraseAttempts): Promise<Partial<ErasureRow>> {
  const person = personOf(at);
  const page = await logPage.run(pool, [at.directory_id, at.sequence, at.up_to_sequence, tracesOf(person)]);
  const changed = page.flatMap(({ id, data }) => {
    const clean = data === null ? null : withoutPerson(data, person);
    return clean === data ? [] : [{ id, data: JSON.stringify(clean) }];
  });
  if (changed.length > 0) await overwriteEvents.run(pool, [changed.map(({ id }) => id), changed.map(({ data }) => data)]);
  const spoken = page.filter(({ data }) => data !== null).map(({ id }) => id);
  if (spoken.length > 0) await eraseAttempts({ environmentId: at.environment_id, eventIds: spoken });
  const last = page.at(-1)?.sequence;
  return page.length === 1000 ? { sequence: last ?? at.sequence } : { phase: 'requests' };
}

interface RequestRow {
  id: string;
  method: string;
  path: string;
  detail: string | null;
  request_body: Json | null;
  response_body: Json | null;
  speaks: boolean;
}

const requestPage = prepared<RequestRow>(
  'requests_to_erase',
  `
  select r.id, r.method, r.path,
         case when s.speaks then r.detail end as detail,
         case when s.speaks then r.request_body end as request_body,
         case when s.speaks then r.response_body end as response_body,
         s.speaks
    from requests r
   cross join lateral (select r.id = any ($5::uuid[])
                              or exists (select 1
                                           from unnest($4::text[]) as t (trace)
                                          where strpos(lower(concat_ws(' ', r.path, r.detail, r.request_body::text, r.response_body::text, r.notes::text)), t.trace) > 0)
                              as speaks) s
   where r.directory_id = $1
     and r.id > $2
     and r.id < $3
   order by r.id
   limit 1000`,
);

const overwriteRequests = prepared(
  'erase_requests',
  `
  update requests r
     set path = n.path,
         detail = n.detail,
         notes = '{}',
         request_body = n.request_body::json,
         response_body = n.response_body::json
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) as n (id, path, detail, request_body, response_body)
   where r.id = n.id`,
);

// Ids are made by brokers, whose clocks may differ from the database's. What is younger came after it was asked for.
const clocksApartMs = 10_000;

async function eraseRequests(pool: Pool, at: ErasureRow): Promise<Partial<ErasureRow>> {
  const person = personOf(at);
  const own = new Set(at.person?.requestIds);
  const until = idAt(new Date(at.created_at.getTime() + clocksApartMs));
  const page = await requestPage.run(pool, [at.directory_id, at.request_id ?? firstId, until, tracesOf(person), [...own]]);
  const speaking = page.filter(({ speaks }) => speaks);
  if (speaking.length > 0) {
    const clean = speaking.map((row) => erasedRequest(row, person, own.has(row.id)));
    await overwriteRequests.run(pool, [
      clean.map(({ id }) => id),
      clean.map(({ path }) => path),
      clean.map(({ detail }) => detail),
      clean.map((row) => row.request_body && JSON.stringify(row.request_body)),
      clean.map((row) => row.response_body && JSON.stringify(row.response_body)),
    ]);
  }
  const last = page.at(-1);
  if (last && page.length === 1000) return { request_id: last.id };
  await forgetTombstone.run(pool, [at.environment_id, at.user_id]);
  return { phase: 'done', person: null };
}

// That somebody left stays; by which address they could be found again does not.
const forgetTombstone = prepared(
  'forget_tombstone',
  `
  update departed_users
     set email_hashes = '{}'
   where environment_id = $1
     and user_id = $2`,
);

/** A request that was about the person goes whole, names and all; of one that only mentions them, what mentions them. */
function erasedRequest(row: RequestRow, person: Person, isTheirs: boolean): RequestRow {
  const path = pathWithoutPerson(row.path, person);
  const body = row.request_body === null ? null : withoutPerson(row.request_body, person);
  const ofUsers = /^\/(users|bulk)\b/i.test(row.path);
  if (isTheirs ? ofUsers : row.path.toLowerCase().includes(person.userId) || (ofUsers && body !== row.request_body)) {
    return {
      ...row,
      path,
      detail: row.detail && erasedText,
      request_body: row.request_body && erasedText,
      response_body: row.response_body && erasedText,
    };
  }
  const detail = row.detail === null ? null : withoutPerson(row.detail, person);
  return {
    ...row,
    path,
    detail: typeof detail === 'string' ? detail : null,
    request_body: body,
    response_body: row.response_body === null ? null : withoutPerson(row.response_body, person),
  };
}

function personOf({ person }: ErasureRow): Person {
  if (!person) throw new Error('an erasure has come past collecting without knowing whom it is about');
  return person;
}

function object(value: Json): { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
