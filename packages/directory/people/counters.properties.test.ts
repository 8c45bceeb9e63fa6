/** Seats and brake against models that say in a few lines what they are to do, whatever is done in whatever order. */
import fc from 'fast-check';
import { testDatabase } from '#testing';
import { aMappedDirectory, type MappedDirectory, request } from './a-mapped-directory';
import {
  BrakeEngaged,
  changeOrganization,
  getBrake,
  getOrganization,
  NoSeatLeft,
  releaseBrake,
  type SeatMode,
  setBrake,
  type StoredUser,
  type DirectoryPool,
} from '../index';

let pool: DirectoryPool;

beforeAll(async () => {
  ({ pool } = await testDatabase());
});

interface Somebody {
  user: StoredUser;
  active: boolean;
  of: MappedDirectory;
}

type Step =
  | { do: 'create'; active: boolean; where: number }
  | { do: 'switch'; whom: number; active: boolean }
  | { do: 'remove'; whom: number }
  | { do: 'seats'; limit: number | null; mode: SeatMode; ceiling: number | null };

const whom = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('create' as const), active: fc.boolean(), where: fc.nat({ max: 1 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('switch' as const), whom, active: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), whom }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('seats' as const),
      limit: fc.option(fc.nat({ max: 6 })),
      mode: fc.constantFrom('reject' as const, 'expand' as const, 'observe' as const),
      ceiling: fc.option(fc.nat({ max: 8 })),
    }),
  },
);

/** What an organization's seats are to do. */
class SeatModel {
  used = 0;
  limit: number | null = null;
  mode: SeatMode = 'reject';
  ceiling: number | null = null;
  events: string[] = [];
  #told = new Set<number>();

  set({ limit, mode, ceiling }: { limit: number | null; mode: SeatMode; ceiling: number | null }): void {
    Object.assign(this, { limit, mode, ceiling });
    this.#told.clear();
  }

  /** False: there is no seat. */
  arrive(): boolean {
    const full = this.limit !== null && this.used >= this.limit && this.mode !== 'observe';
    if (full && (this.mode === 'reject' || (this.ceiling !== null && this.used >= this.ceiling))) return false;
    this.used += 1;
    if (full) {
      this.limit = this.used;
      this.events.push(`expanded to ${this.limit}`);
    }
    this.#thresholds(true);
    return true;
  }

  leave(): void {
    this.used -= 1;
    this.#thresholds(false);
  }

  #thresholds(tell: boolean): void {
    for (const percent of [80, 100]) {
      const isReached = this.limit !== null && this.used * 100 >= this.limit * percent;
      if (!isReached) this.#told.delete(percent);
      else if (tell && !this.#told.has(percent)) {
        this.#told.add(percent);
        this.events.push(`${percent} % of ${this.limit} by ${this.used}`);
      }
    }
  }
}

test('seats are counted, refused, expanded and told of as the model has it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const one = await aMappedDirectory();
      const directories = [one, await aMappedDirectory({ of: one.directory })];
      const ids = { environmentId: one.directory.environmentId, organizationId: one.directory.organizationId };
      const model = new SeatModel();
      const people: Somebody[] = [];
      for (const [n, now] of steps.entries()) {
        if (now.do === 'seats') {
          await changeOrganization(pool, { ...ids, changes: { seatLimit: now.limit, seatMode: now.mode, seatCeiling: now.ceiling } });
          model.set(now);
        } else if (now.do === 'create') {
          const of = directories[now.where]!;
          const came = !now.active || model.arrive();
          const user = await seated(of.create(`u${n}`, { active: now.active }), came);
          if (user) people.push({ user, active: now.active, of });
        } else {
          const person = people[now.whom % (people.length || 1)];
          if (!person) continue;
          if (now.do === 'remove') {
            await person.of.remove(person.user);
            people.splice(people.indexOf(person), 1);
            if (person.active) model.leave();
          } else if (now.active !== person.active) {
            const may = now.active ? model.arrive() : true;
            if (!now.active) model.leave();
            if (await seated(person.of.change(person.user, { active: now.active }), may)) person.active = now.active;
          }
        }
        const organization = await getOrganization(pool, ids);
        expect([n, organization?.seatsUsed, organization?.seatLimit]).toEqual([n, model.used, model.limit]);
      }
      expect(people.filter(({ active }) => active)).toHaveLength(model.used);
      const logs = await Promise.all(directories.map((directory) => directory.log()));
      const told = logs
        .flat()
        .filter(({ type }) => type.startsWith('seats.'))
        .map(({ type, data: { seats } }) =>
          type === 'seats.expanded' ? `expanded to ${seats.limit}` : `${seats.percent} % of ${seats.limit} by ${seats.used}`,
        );
      expect(told.sort()).toEqual(model.events.sort());
    }),
    { numRuns: 40 },
  );
});

/** The user where there is to be one; NoSeatLeft where there is not. */
async function seated(written: Promise<StoredUser>, may: boolean): Promise<StoredUser | undefined> {
  if (may) return written;
  await expect(written).rejects.toThrow(NoSeatLeft);
  return undefined;
}

type BrakeStep =
  | { do: 'create' }
  | { do: 'switch'; whom: number; active: boolean }
  | { do: 'remove'; whom: number }
  | { do: 'edit'; whom: number }
  | { do: 'brake'; maxUsers: number | null }
  | { do: 'release' }
  | { do: 'wait' };

const brakeStep: fc.Arbitrary<BrakeStep> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'create' as const }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('switch' as const), whom, active: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), whom }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('edit' as const), whom }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('brake' as const), maxUsers: fc.option(fc.integer({ min: 1, max: 4 })) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'release' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
);

const windowSeconds = 3_600;

test('the brake counts, engages and is released as the model has it, and nothing is stored of what it refuses', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(brakeStep, { minLength: 5, maxLength: 40 }), async (steps) => {
      const of = await aMappedDirectory();
      const scope = { environmentId: of.directory.environmentId, directoryId: of.directory.id };
      const people: Somebody[] = [];
      const events: string[] = [];
      const brake: { limit: number | null; left: Set<string>; engaged: boolean } = { limit: null, left: new Set(), engaged: false };
      const lookIfReached = (): void => {
        if (brake.limit === null || brake.engaged || brake.left.size < brake.limit) return;
        brake.engaged = true;
        events.push('directory.brake_engaged');
      };
      const stop = (): void => {
        if (brake.engaged) events.push('directory.brake_released');
        brake.engaged = false;
        brake.left.clear();
      };
      const leave = async (person: Somebody, by: () => Promise<unknown>): Promise<boolean> => {
        if (brake.engaged) {
          await expect(by()).rejects.toThrow(BrakeEngaged);
          return false;
        }
        await by();
        if (brake.limit !== null) brake.left.add(person.user.id);
        if (brake.left.has(person.user.id)) lookIfReached();
        return true;
      };
      for (const [n, now] of steps.entries()) {
        const person = 'whom' in now ? people[now.whom % (people.length || 1)] : undefined;
        if (now.do === 'create') people.push({ user: await of.create(`u${n}`), active: true, of });
        else if (now.do === 'brake') {
          await setBrake(pool, {
            ...scope,
            limits: now.maxUsers === null ? null : { maxUsers: now.maxUsers, maxPercent: null, windowSeconds },
            requestId: request,
          });
          brake.limit = now.maxUsers;
          if (now.maxUsers === null) stop();
          else if (brake.left.size > 0) lookIfReached();
        } else if (now.do === 'release') {
          await releaseBrake(pool, { ...scope, requestId: request });
          if (brake.engaged) stop();
        } else if (now.do === 'wait') {
          await pool.query(`update brake_departures set at = at - interval '${windowSeconds + 1} seconds' where directory_id = $1`, [
            of.directory.id,
          ]);
          brake.left.clear();
        } else if (person && now.do === 'edit') await of.change(person.user, { title: `t${n}` });
        else if (person && now.do === 'remove') {
          if (await leave(person, () => of.remove(person.user))) people.splice(people.indexOf(person), 1);
        } else if (person && now.do === 'switch' && now.active !== person.active) {
          if (now.active) await of.change(person.user, { active: true });
          if (now.active || (await leave(person, () => of.change(person.user, { active: false })))) person.active = now.active;
        }
        const state = await getBrake(pool, scope);
        expect([n, state && [state.maxUsers, state.engagedAt !== null, state.departures]]).toEqual([
          n,
          brake.limit === null ? null : [brake.limit, brake.engaged, brake.left.size],
        ]);
      }
      expect((await of.types()).filter((type) => type.startsWith('directory.brake'))).toEqual(events);
      const { rows } = await pool.query<{ id: string; active: boolean }>('select id, active from users where directory_id = $1', [
        of.directory.id,
      ]);
      expect(new Map(rows.map(({ id, active }) => [id, active]))).toEqual(new Map(people.map(({ user, active }) => [user.id, active])));
    }),
    { numRuns: 40 },
  );
});
