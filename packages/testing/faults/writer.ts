import { setTimeout as delay } from 'node:timers/promises';
import { type Brokers, call, type Heard } from './client';
import { isObject, listIn, textIn } from './events';
import type { Call, Records } from './records';
import type { Random } from './random';

/** A directory as its identity provider knows it. */
export interface Target {
  id: string;
  token: string;
  /** The group that all writers of the directory put their users into. Made by the first of them. */
  sharedGroup?: string;
}

export interface WriterOptions {
  /** Unlike every other one's: it is in the names of all that it makes. */
  name: string;
  target: Target;
  brokers: Brokers;
  random: Random;
  records: Records;
}

interface User {
  id: string;
  userName: string;
  externalId: string;
  title: string;
  active: boolean;
  groups: Set<string>;
}

interface Group {
  id: string;
  displayName: string;
  members: Set<string>;
}

/** One change that an identity provider wants, tried until it is known what became of it. */
interface Change {
  what: string;
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  expects: string[];
  /** It is meant to be refused. */
  provokes?: true;
  /** The status by which a further try says that an earlier one was done. */
  doneBefore?: 404 | 409;
  /** Where to look up what an earlier try has made. */
  lookUp?: string;
}

type Settled = { kind: 'done'; body: unknown } | { kind: 'refused' } | { kind: 'open' };

const schemas = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  patch: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
};

// How likely each kind of change is. Conflicts are refused after they have begun to write: one change in ten is rolled back.
const weights = {
  createUser: 20,
  updateUser: 24,
  replaceUser: 5,
  toggleUser: 8,
  updateAndToggleUser: 4,
  updateUserInVain: 4,
  deleteUser: 6,
  takenUserName: 10,
  addMembers: 10,
  removeMember: 5,
  createGroup: 3,
  renameGroup: 2,
  deleteGroup: 2,
} as const;

const triesForMs = 60_000;

/**
 * An identity provider that provisions users and groups of its own into one directory. Each try of each change goes into the
 * ledger, with the events that it must make. One that hears nothing tries again, as identity providers do.
 */
export class Writer {
  readonly #users: User[] = [];
  readonly #groups: Group[] = [];
  #changes = 0;
  #names = 0;

  constructor(private readonly options: WriterOptions) {}

  /** Makes the directory's shared group. */
  async makeSharedGroup(): Promise<void> {
    const { target, name } = this.options;
    const made = await this.#createGroup(`Shared of ${name}`);
    if (!made) throw new Error(`${name} could not make the shared group`);
    target.sharedGroup = made.id;
    this.#groups.splice(this.#groups.indexOf(made), 1);
  }

  /** Writes until told to stop: in bursts, so that writers meet each other. */
  async write(until: AbortSignal): Promise<void> {
    const { random } = this.options;
    while (!until.aborted) {
      for (let left = random.whole(3, 12); left > 0 && !until.aborted; left--) {
        // A change whose end is not known leaves the writer in the dark about everything that follows.
        if (!(await this.#change())) return;
      }
      await delay(random.whole(100, 500));
    }
  }

  /** False: it is not known what became of it. */
  async #change(): Promise<boolean> {
    const { random } = this.options;
    const few = this.#users.length < 3;
    const kind = few ? 'createUser' : random.weighted(weights);
    const user = few ? undefined : random.pick(this.#users);
    const group = this.#groups.length > 0 ? random.pick(this.#groups) : undefined;
    switch (kind) {
      case 'updateUser':
      case 'replaceUser':
      case 'toggleUser':
      case 'updateAndToggleUser':
      case 'updateUserInVain':
        return user ? this.#changeUser(user, kind) : true;
      case 'deleteUser':
        return user ? this.#deleteUser(user) : true;
      case 'takenUserName':
        return user ? this.#takeUserName(user) : true;
      case 'addMembers':
        return this.#addMembers(group);
      case 'removeMember':
        return this.#removeMember();
      case 'createGroup':
        return (await this.#createGroup(this.#newName('Group'))) !== undefined;
      case 'renameGroup':
        return group ? this.#renameGroup(group) : true;
      case 'deleteGroup':
        return group ? this.#deleteGroup(group) : true;
      default:
        return this.#createUser();
    }
  }

  async #createUser(): Promise<boolean> {
    const userName = `${this.#newName('user')}@acme.example`;
    const user = { userName, externalId: `external-${userName}`, title: this.#newName('Title'), active: true, groups: new Set<string>() };
    const settled = await this.#settle({
      what: 'create user',
      method: 'POST',
      path: '/Users',
      body: this.#userBody(user),
      expects: [`user.created ${userName}`],
      doneBefore: 409,
      lookUp: `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`,
    });
    if (settled.kind !== 'done') return settled.kind === 'refused';
    this.#users.push({ ...user, id: textIn(settled.body, 'id') });
    return true;
  }

  async #changeUser(
    user: User,
    kind: 'updateUser' | 'replaceUser' | 'toggleUser' | 'updateAndToggleUser' | 'updateUserInVain',
  ): Promise<boolean> {
    const { random } = this.options;
    const toggles = kind === 'toggleUser' || kind === 'updateAndToggleUser' || (kind === 'replaceUser' && random.chance(0.3));
    const updates = kind === 'updateUser' || kind === 'updateAndToggleUser' || kind === 'replaceUser';
    const after = { ...user, title: updates ? this.#newName('Title') : user.title, active: toggles ? !user.active : user.active };
    const expects = [
      ...(updates ? [`user.updated ${user.id} ${after.title}`] : []),
      ...(toggles ? [`${after.active ? 'user.reactivated' : 'user.deactivated'} ${user.id}`] : []),
    ];
    const path = `/Users/${user.id}`;
    const settled = await this.#settle(
      kind === 'replaceUser'
        ? { what: 'replace user', method: 'PUT', path, body: this.#userBody(after), expects }
        : {
            what: kind,
            method: 'PATCH',
            path,
            expects,
            body: patch(
              ...(kind === 'toggleUser' ? [] : [{ op: 'replace', path: 'title', value: after.title }]),
              ...(toggles ? [{ op: 'replace', path: 'active', value: after.active }] : []),
            ),
          },
    );
    if (settled.kind === 'done') Object.assign(user, after);
    return settled.kind !== 'open';
  }

  async #deleteUser(user: User): Promise<boolean> {
    const settled = await this.#settle({
      what: 'delete user',
      method: 'DELETE',
      path: `/Users/${user.id}`,
      expects: [...[...user.groups].map((group) => `group.member_removed ${group} ${user.id}`), `user.deleted ${user.id}`],
      doneBefore: 404,
    });
    if (settled.kind === 'done') {
      this.#users.splice(this.#users.indexOf(user), 1);
      for (const group of this.#groups) group.members.delete(user.id);
    }
    return settled.kind !== 'open';
  }

  /** Somebody else comes with the userName of one who is there. */
  async #takeUserName({ userName }: User): Promise<boolean> {
    const settled = await this.#settle({
      what: 'create user with a taken userName',
      method: 'POST',
      path: '/Users',
      body: this.#userBody({ userName, externalId: this.#newName('stranger'), title: this.#newName('Title'), active: true }),
      expects: [],
      provokes: true,
    });
    return settled.kind !== 'open';
  }

  /** Up to ten of its users in one request, into the group that all writers share or into one of its own. */
  async #addMembers(own: Group | undefined): Promise<boolean> {
    const { random, target } = this.options;
    const id = own && random.chance(0.4) ? own.id : target.sharedGroup;
    if (id === undefined) return true;
    const coming = new Set(Array.from({ length: random.chance(0.3) ? 10 : 2 }, () => random.pick(this.#users)));
    const settled = await this.#settle({
      what: 'add members',
      method: 'PATCH',
      path: `/Groups/${id}`,
      body: patch({ op: 'add', path: 'members', value: [...coming].map((user) => ({ value: user.id })) }),
      expects: [...coming].filter((user) => !user.groups.has(id)).map((user) => `group.member_added ${id} ${user.id}`),
    });
    if (settled.kind === 'done') {
      for (const user of coming) {
        user.groups.add(id);
        this.#groups.find((group) => group.id === id)?.members.add(user.id);
      }
    }
    return settled.kind !== 'open';
  }

  async #removeMember(): Promise<boolean> {
    const { random } = this.options;
    const user = random.pick(this.#users);
    const [id] = user.groups;
    if (id === undefined) return true;
    const settled = await this.#settle({
      what: 'remove member',
      method: 'PATCH',
      path: `/Groups/${id}`,
      body: patch({ op: 'remove', path: `members[value eq "${user.id}"]` }),
      expects: [`group.member_removed ${id} ${user.id}`],
    });
    if (settled.kind === 'done') {
      user.groups.delete(id);
      this.#groups.find((group) => group.id === id)?.members.delete(user.id);
    }
    return settled.kind !== 'open';
  }

  async #createGroup(displayName: string): Promise<Group | undefined> {
    const settled = await this.#settle({
      what: 'create group',
      method: 'POST',
      path: '/Groups',
      body: { schemas: [schemas.group], displayName, externalId: `external-${displayName}` },
      expects: [`group.created ${displayName}`],
      doneBefore: 409,
      lookUp: `/Groups?filter=${encodeURIComponent(`displayName eq "${displayName}"`)}`,
    });
    if (settled.kind !== 'done') return undefined;
    const group = { id: textIn(settled.body, 'id'), displayName, members: new Set<string>() };
    this.#groups.push(group);
    return group;
  }

  async #renameGroup(group: Group): Promise<boolean> {
    const displayName = this.#newName('Renamed');
    const settled = await this.#settle({
      what: 'rename group',
      method: 'PATCH',
      path: `/Groups/${group.id}`,
      body: patch({ op: 'replace', path: 'displayName', value: displayName }),
      expects: [`group.updated ${group.id} ${displayName}`],
    });
    if (settled.kind === 'done') group.displayName = displayName;
    return settled.kind !== 'open';
  }

  async #deleteGroup(group: Group): Promise<boolean> {
    const settled = await this.#settle({
      what: 'delete group',
      method: 'DELETE',
      path: `/Groups/${group.id}`,
      expects: [...[...group.members].map((user) => `group.member_removed ${group.id} ${user}`), `group.deleted ${group.id}`],
      doneBefore: 404,
    });
    if (settled.kind === 'done') {
      this.#groups.splice(this.#groups.indexOf(group), 1);
      for (const user of this.#users) user.groups.delete(group.id);
    }
    return settled.kind !== 'open';
  }

  /** Tries until an answer says what became of it. Each try is a line of the ledger. */
  async #settle(change: Change): Promise<Settled> {
    const { name, target, records } = this.options;
    const number = ++this.#changes;
    const until = Date.now() + triesForMs;
    for (let attempt = 1; ; attempt++) {
      const sentAt = Date.now();
      const heard = await this.#send(change);
      const verdict = verdictOn(change, attempt, heard);
      const line: Call = {
        change: `${name} ${number}`,
        attempt,
        writer: name,
        directoryId: target.id,
        what: change.what,
        expects: change.expects,
        provokes: change.provokes ?? false,
        sentAt,
        endedAt: Date.now(),
        outcome: verdict,
        status: heard.kind === 'answered' ? heard.status : null,
        requestId: heard.kind === 'answered' ? heard.headers.get('x-request-id') : null,
        ...(heard.kind === 'unheard' ? { reason: heard.reason } : verdict === 'acknowledged' ? {} : { reason: heard.text.slice(0, 300) }),
      };
      records.call(line);
      switch (verdict) {
        case 'acknowledged':
          return { kind: 'done', body: heard.kind === 'answered' && heard.text !== '' ? JSON.parse(heard.text) : undefined };
        case 'found_done': {
          const body = change.lookUp === undefined ? undefined : await this.#lookUp(change.lookUp, until);
          return body === null ? { kind: 'open' } : { kind: 'done', body };
        }
        case 'refused':
          return { kind: 'refused' };
        default:
          if (Date.now() > until) return { kind: 'open' };
          await delay(this.options.random.whole(50, 400));
      }
    }
  }

  /** The one resource that a filter finds; null where it could not be asked. */
  async #lookUp(path: string, until: number): Promise<unknown> {
    while (Date.now() < until) {
      const heard = await this.#send({ method: 'GET', path });
      if (heard.kind === 'answered' && heard.status === 200) {
        const [found] = listIn(JSON.parse(heard.text), 'Resources');
        return isObject(found) ? found : null;
      }
      await delay(200);
    }
    return null;
  }

  #send({ method, path, body }: { method: string; path: string; body?: unknown }): Promise<Heard> {
    const { target, brokers } = this.options;
    return call(`${brokers.next}/scim/v2/${target.id}${path}`, {
      method,
      body,
      headers: {
        authorization: `Bearer ${target.token}`,
        accept: 'application/scim+json',
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
      },
    });
  }

  #userBody({ userName, externalId, title, active }: Pick<User, 'userName' | 'externalId' | 'title' | 'active'>): object {
    return {
      schemas: [schemas.user],
      userName,
      externalId,
      title,
      active,
      displayName: userName,
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      emails: [{ value: userName, type: 'work', primary: true }],
    };
  }

  #newName(what: string): string {
    return `${what} ${this.options.name} ${++this.#names}`.toLowerCase().replaceAll(' ', '-');
  }
}

function verdictOn(change: Change, attempt: number, heard: Heard): Call['outcome'] {
  if (heard.kind === 'unheard' || heard.status >= 500 || heard.status === 429) return 'unknown';
  if (heard.status >= 200 && heard.status < 300) return 'acknowledged';
  return attempt > 1 && heard.status === change.doneBefore ? 'found_done' : 'refused';
}

function patch(...Operations: object[]): object {
  return { schemas: [schemas.patch], Operations };
}
