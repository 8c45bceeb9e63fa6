import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { IdentityProvider } from './idp';
import { projectFolder } from './processes';

/** One recorded exchange. What the members mean stands in packages/scim/recordings/README.md. */
export interface Recording extends Step {
  name: string;
  idp: string;
  source: string;
  tolerance?: string;
  extensions?: unknown[];
  given?: Step[];
  then?: Step[];
}

export interface Step {
  request: { method: string; path: string; headers?: Record<string, string>; body?: unknown };
  expected?: Expected;
  save?: Record<string, string>;
}

export interface Expected {
  status?: number;
  scimType?: string;
  headers?: Record<string, string>;
  body?: unknown;
  events?: string[];
}

/** What was recorded of an identity provider, or of all of them. */
export function recordings(idp?: string): Recording[] {
  const folder = path.join(projectFolder, 'packages', 'scim', 'recordings');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json') && (idp === undefined || name.startsWith(`${idp}${path.sep}`)))
    .sort()
    .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Recording);
}

export interface Stage {
  /** Speaks to an empty directory. */
  idp: IdentityProvider;
  /** The directory's base URL. */
  baseUrl: string;
  /** The types of all events of the directory so far, in order. Where it is missing, events are not checked. */
  eventTypes?: () => Promise<string[]>;
}

/** Sends a recording to a directory and expects of each answer what was recorded. */
export async function replay(recording: Recording, stage: Stage): Promise<void> {
  const saved: Record<string, string> = { base: stage.baseUrl };
  for (const step of [...(recording.given ?? []), recording, ...(recording.then ?? [])]) await take(step, stage, saved);
}

async function take(step: Step, { idp, eventTypes }: Stage, saved: Record<string, string>): Promise<void> {
  const told = async () => ((await eventTypes?.()) ?? []).filter((type) => type !== 'directory.activated');
  const before = (await told()).length;
  const { method, path: below, headers, body } = step.request;
  const answer = await idp.send({
    method,
    path: withSaved(below, saved),
    ...(headers && { headers }),
    ...(body !== undefined && { body: withSaved(body, saved) }),
  });
  for (const [name, member] of Object.entries(step.save ?? {})) {
    const value = isObject(answer.body) ? answer.body[member] : undefined;
    if (typeof value !== 'string') throw new Error(`${method} ${below} was answered ${answer.status} without "${member}": ${answer.text}`);
    saved[name] = value;
  }

  if (!step.expected) return;
  const expected = withSaved(step.expected, saved);
  const got = isObject(answer.body) ? answer.body : {};
  // Shown with what was sent, and the body whole, so that a difference explains itself.
  const seen = { request: `${method} ${below}`, answer: answer.text };
  expect({ ...seen, status: answer.status }).toEqual({ ...seen, status: expected.status ?? answer.status });
  if (expected.scimType !== undefined) expect(got['scimType']).toBe(expected.scimType);
  for (const [name, value] of Object.entries(expected.headers ?? {})) expect([name, answer.headers.get(name)]).toEqual([name, value]);
  if (expected.body !== undefined) expect(differences(answer.body, expected.body)).toEqual([]);
  if (expected.events && eventTypes) expect((await told()).slice(before)).toEqual(expected.events);
}

/** Where an answer does not fit what was recorded; empty where it does. */
function differences(got: unknown, expected: unknown, at = ''): string[] {
  if (expected === null) return got === undefined ? [] : [`${at} should not be there, and is ${JSON.stringify(got)}`];
  if (Array.isArray(expected)) {
    if (!Array.isArray(got) || got.length !== expected.length)
      return [`${at} should have ${expected.length} elements, and is ${JSON.stringify(got)}`];
    return expected.flatMap((element, index) => differences(got[index], element, `${at}[${index}]`));
  }
  if (isObject(expected)) {
    if (!isObject(got)) return [`${at} should be an object, and is ${JSON.stringify(got)}`];
    return Object.entries(expected).flatMap(([name, value]) => differences(got[name], value, `${at}.${name}`));
  }
  return got === expected ? [] : [`${at} should be ${JSON.stringify(expected)}, and is ${JSON.stringify(got)}`];
}

/** The same with every `{{name}}` of every string in it replaced by what was saved under it. */
function withSaved<T>(value: T, saved: Record<string, string>): T {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'string'
        ? each.replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
            const text = saved[name];
            if (text === undefined) throw new Error(`nothing is saved under "${name}" yet`);
            return text;
          })
        : each,
    ),
  ) as T;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
