import { invalidSyntax, invalidValue, quoted, ScimError } from './errors';
import { Notes } from './notes';
import { checkMessageSchemas, memberOf } from './patch';
import { checkNamedOnce, namedTwice } from './read-value';
import { isObject, resourceTypeNames } from './resource';
import type { JsonObject, ResourceType } from './resource';
import { locationOf } from './responses';
import { bulkRequestUrn, bulkResponseUrn, patchOpUrn } from './urns';

export interface BulkLimits {
  readonly maxOperations: number;
}

/** One operation of a bulk request (RFC 7644 §3.7), to be executed as the single request that it is. */
export type BulkOperation =
  | (BulkEntry & { readonly kind: 'create'; readonly type: ResourceType; readonly data: unknown })
  | (BulkEntry & { readonly kind: 'replace' | 'patch'; readonly type: ResourceType; readonly id: string; readonly data: unknown })
  | (BulkEntry & { readonly kind: 'delete'; readonly type: ResourceType; readonly id: string })
  /** cannot be executed at all; BulkRun answers it with `error` */
  | (BulkEntry & { readonly kind: 'refused'; readonly error: ScimError });

export interface BulkEntry {
  /** its place in the request, from 0: the answer has this order */
  readonly index: number;
  readonly method: string;
  readonly path: string;
  readonly bulkId?: string;
  /** as If-Match */
  readonly version?: string;
}

export interface BulkRequest {
  /** undefined: go on whatever fails */
  readonly failOnErrors?: number;
  readonly operations: readonly BulkOperation[];
}

/**
 * The body of POST /Bulk. What is wrong with one operation is that operation's error; throws ScimError for the request as a
 * whole: invalidSyntax, invalidValue (a bulkId that is given twice: nobody could say which is meant), 413 for too many operations.
 */
export function parseBulk(body: unknown, limits: BulkLimits): BulkRequest {
  if (!isObject(body)) throw invalidSyntax('A bulk request must be a JSON object with "Operations".');
  checkNamedOnce(body, 'The bulk request');
  checkMessageSchemas(memberOf(body, 'schemas'), bulkRequestUrn, new Notes());
  const list = memberOf(body, 'operations');
  if (!Array.isArray(list) || list.length === 0)
    throw invalidSyntax('A bulk request must have "Operations", an array of at least one operation.');
  if (list.length > limits.maxOperations) {
    throw new ScimError(413, undefined, `The bulk request has ${list.length} operations; maxOperations is ${limits.maxOperations}.`);
  }
  const failOnErrors = memberOf(body, 'failonerrors') ?? undefined;
  if (failOnErrors !== undefined && !(Number.isSafeInteger(failOnErrors) && Number(failOnErrors) >= 0)) {
    throw invalidValue('failOnErrors must be a whole number.');
  }
  const operations = list.map(parseOperation);
  const bulkIds = new Set<string>();
  for (const { bulkId } of operations) {
    if (bulkId !== undefined && bulkIds.has(bulkId))
      throw invalidValue(`bulkId ${quoted(bulkId)} is given to two operations: each needs its own.`);
    if (bulkId !== undefined) bulkIds.add(bulkId);
  }
  // 0 would stop before the first; it is taken for no limit, as by its absence.
  return { ...(failOnErrors !== undefined && Number(failOnErrors) > 0 && { failOnErrors: Number(failOnErrors) }), operations };
}

function parseOperation(sent: unknown, index: number): BulkOperation {
  const members: Record<string, unknown> = isObject(sent) ? sent : {};
  const text = (name: string): string | undefined => {
    const value = memberOf(members, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const method = text('method')?.toUpperCase() ?? '';
  const path = text('path') ?? '';
  const bulkId = text('bulkid');
  const version = text('version');
  const entry: BulkEntry = { index, method, path, ...(bulkId !== undefined && { bulkId }), ...(version !== undefined && { version }) };
  const refused = (error: ScimError): BulkOperation => ({ ...entry, kind: 'refused', error });
  const where = `Operations[${index}]`;

  const twice = namedTwice(members);
  if (twice !== undefined) return refused(invalidSyntax(`${where} has ${quoted(twice)} twice: case makes no difference in a name.`));
  if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) {
    return refused(
      method === 'GET'
        ? new ScimError(405, undefined, `${where}: a bulk request cannot read.`)
        : invalidSyntax(`${where}.method must be POST, PUT, PATCH or DELETE.`),
    );
  }
  const target = targetOf(path);
  if (!target)
    return refused(
      new ScimError(
        404,
        undefined,
        `${where}.path is ${quoted(path)}: it must be "/Users", "/Groups", or one of those with an id behind it.`,
      ),
    );
  if ((method === 'POST') !== (target.id === undefined)) {
    return refused(
      new ScimError(
        405,
        undefined,
        `${where}: ${method} goes to ${method === 'POST' ? `/${target.type}s, without an id` : `/${target.type}s/{id}`}, not to ${quoted(path)}.`,
      ),
    );
  }
  const data = memberOf(members, 'data') ?? undefined;
  if (target.id !== undefined && method === 'DELETE') return { ...entry, kind: 'delete', type: target.type, id: target.id };
  if (data === undefined) return refused(invalidSyntax(`${where} has no "data", which ${method} needs.`));
  if (target.id !== undefined && method === 'PUT') return { ...entry, kind: 'replace', type: target.type, id: target.id, data };
  // RFC 7644 §3.7.3's own example has the bare operations where §3.5.2 has a message.
  if (target.id !== undefined)
    return {
      ...entry,
      kind: 'patch',
      type: target.type,
      id: target.id,
      data: Array.isArray(data) ? { schemas: [patchOpUrn], Operations: data } : data,
    };
  // RFC 7644 §3.7: "bulkId … REQUIRED when method is POST".
  if (bulkId === undefined) return refused(invalidValue(`${where} has no "bulkId", which POST needs.`));
  return { ...entry, kind: 'create', type: target.type, data };
}

function targetOf(path: string): { type: ResourceType; id?: string } | undefined {
  const [, collection, id] = /^\/?([^/?]+)(?:\/([^/?]+))?\/?(?:\?.*)?$/.exec(path) ?? [];
  const type = resourceTypeNames.find((name) => `${name}s`.toLowerCase() === collection?.toLowerCase());
  if (!type) return undefined;
  return id === undefined ? { type } : { type, id: decoded(id) };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

// ── Running ────────────────────────────────────────────────────────────────────────────────────

/** What to execute next; its references are resolved. */
export interface BulkStep {
  readonly operation: Exclude<BulkOperation, { kind: 'refused' }>;
}

/** An operation that is answered with an error without having been executed. */
export interface BulkRefusal {
  readonly operation: BulkOperation;
  readonly error: ScimError;
}

/**
 * Gives the operations in the order in which to execute them.
 *
 *   const run = new BulkRun(request, baseUrl);
 *   for (let step = run.next(); step; step = run.next()) {
 *     try { …execute step.operation as a single request…; run.succeeded(step, { status: 201, id, version }); }
 *     catch (error) { run.failed(step, scimError); }
 *   }
 *   …answer 200 with run.response()
 *
 * The request's order, but an operation runs after the creations that it refers to by "bulkId:…" (RFC 7644 §3.7.1). Of creations
 * that refer to each other in a circle the first is made without the reference, and a step of kind `patch`, which has no entry
 * of its own in the answer, adds it once the other is there (§3.7.2).
 */
export class BulkRun {
  private readonly creations = new Map<string, number>();
  private readonly states: ('waiting' | 'started' | 'done')[];
  private readonly entries: (JsonObject | undefined)[];
  private readonly ids = new Map<string, string>();
  private readonly failedIds = new Set<string>();
  /** what was taken out of creations, by the bulkId that it waits for */
  private readonly owed: Owed[] = [];
  private readonly stepsUnderWay = new Map<BulkStep, Owed | undefined>();
  private refusals: BulkRefusal[] = [];
  private stack: number[] = [];
  private nextIndex = 0;
  private errors = 0;

  constructor(
    private readonly request: BulkRequest,
    private readonly baseUrl: string,
  ) {
    this.states = request.operations.map(() => 'waiting');
    this.entries = request.operations.map(() => undefined);
    for (const operation of request.operations)
      if (operation.method === 'POST' && operation.bulkId !== undefined) this.creations.set(operation.bulkId, operation.index);
  }

  next(): BulkStep | undefined {
    for (;;) {
      if (this.isStopped()) return undefined;
      const repair = this.nextRepair();
      if (repair) return repair;
      const index = this.stack.at(-1) ?? this.nextWaiting();
      if (index === undefined) return undefined;
      const step = this.start(index);
      if (step) return step;
    }
  }

  /** `id` and `version` of what there is now, where there is something; the location follows from the id. */
  succeeded(step: BulkStep, outcome: { status: number; id?: string; version?: string }): void {
    const { operation } = step;
    const owed = this.stepsUnderWay.get(step);
    this.stepsUnderWay.delete(step);
    const { id = 'id' in operation ? operation.id : undefined, version } = outcome;
    if (owed) {
      const entry = this.entries[operation.index];
      if (entry && version !== undefined) entry['version'] = version;
      return;
    }
    if (operation.kind === 'create' && operation.bulkId !== undefined && id !== undefined) this.ids.set(operation.bulkId, id);
    this.finish(operation, id, { ...(version !== undefined && { version }), status: String(outcome.status) });
  }

  failed(step: BulkStep, error: ScimError): void {
    const { operation } = step;
    const owed = this.stepsUnderWay.get(step);
    this.stepsUnderWay.delete(step);
    if (owed) this.failRepair(owed, error);
    else this.fail(operation, error);
  }

  /** What was refused since this was last asked; `next` passes over it. */
  takeRefusals(): BulkRefusal[] {
    return this.refusals.splice(0);
  }

  /** The answer (RFC 7644 §3.7.3): an entry for each operation that was processed. */
  response(): JsonObject {
    for (const owed of this.owed.splice(0)) {
      this.failRepair(
        owed,
        new ScimError(
          409,
          'invalidValue',
          `Operations[${owed.index}] was created without its "${owed.path}": failOnErrors stopped the request before that could be added.`,
        ),
      );
    }
    return { schemas: [bulkResponseUrn], Operations: this.entries.filter((entry) => entry !== undefined) };
  }

  private isStopped(): boolean {
    return this.request.failOnErrors !== undefined && this.errors >= this.request.failOnErrors;
  }

  private nextWaiting(): number | undefined {
    while (this.nextIndex < this.states.length && this.states[this.nextIndex] !== 'waiting') this.nextIndex += 1;
    return this.nextIndex < this.states.length ? this.nextIndex : undefined;
  }

  /** A step for the operation, or nothing where another must run first, or where it is refused. */
  private start(index: number): BulkStep | undefined {
    const operation = this.request.operations[index];
    if (!operation) return undefined;
    if (this.states[index] === 'waiting') {
      this.states[index] = 'started';
      this.stack.push(index);
    }
    if (operation.kind === 'refused') {
      this.refuse(operation, operation.error);
      return undefined;
    }
    for (const bulkId of referencesOf(operation)) {
      const wanted = this.creations.get(bulkId);
      if (wanted !== undefined && this.states[wanted] === 'waiting') {
        this.states[wanted] = 'started';
        this.stack.push(wanted);
        return undefined;
      }
      // What has started and has no id yet stands below in the stack: a circle.
      const isCircle = wanted !== undefined && this.states[wanted] === 'started' && operation.kind === 'create';
      if (!this.ids.has(bulkId) && !isCircle) {
        const why = this.failedIds.has(bulkId) ? 'whose operation failed' : 'which no POST of this request has';
        this.refuse(operation, new ScimError(409, 'invalidValue', `Operations[${index}] refers to "bulkId:${bulkId}", ${why}.`));
        return undefined;
      }
    }
    const step: BulkStep = { operation: this.resolved(operation) };
    this.stepsUnderWay.set(step, undefined);
    return step;
  }

  private resolved(operation: BulkStep['operation']): BulkStep['operation'] {
    if (operation.kind === 'delete') return { ...operation, id: this.resolvedId(operation.id) };
    if (operation.kind !== 'create')
      return { ...operation, id: this.resolvedId(operation.id), data: substituted(operation.data, this.ids) };
    const { data, taken } = withoutOpenReferences(operation.data, this.ids);
    if (operation.bulkId !== undefined && taken.length > 0)
      this.owed.push(...taken.map((part) => ({ ...part, index: operation.index, wanted: bulkIdsIn(part.value) })));
    return { ...operation, data: substituted(data, this.ids) };
  }

  private resolvedId(id: string): string {
    const bulkId = bulkIdOf(id);
    return (bulkId === undefined ? undefined : this.ids.get(bulkId)) ?? id;
  }

  /** What a circle left out of a creation, once everything that it waits for is there. */
  private nextRepair(): BulkStep | undefined {
    for (let i = 0; i < this.owed.length; i += 1) {
      const owed = this.owed[i];
      const operation = owed && this.request.operations[owed.index];
      if (!owed || operation?.kind !== 'create' || this.states[owed.index] !== 'done') continue;
      const id = operation.bulkId === undefined ? undefined : this.ids.get(operation.bulkId);
      const lost = owed.wanted.find((bulkId) => this.failedIds.has(bulkId));
      if (id !== undefined && lost === undefined && !owed.wanted.every((bulkId) => this.ids.has(bulkId))) continue;
      this.owed.splice(i, 1);
      i -= 1;
      if (id === undefined) continue; // it was not created itself, and that was answered
      if (lost !== undefined) {
        const error = new ScimError(
          409,
          'invalidValue',
          `Operations[${owed.index}] refers to "bulkId:${lost}", whose operation failed; it was created without the reference.`,
        );
        this.refusals.push({ operation, error });
        this.failRepair(owed, error);
        if (this.isStopped()) return undefined;
        continue;
      }
      const { index, method, path, type } = operation;
      const data = { schemas: [patchOpUrn], Operations: [{ op: 'add', path: owed.path, value: substituted(owed.value, this.ids) }] };
      const step: BulkStep = { operation: { kind: 'patch', index, method, path, type, id, data } };
      this.stepsUnderWay.set(step, owed);
      return step;
    }
    return undefined;
  }

  private refuse(operation: BulkOperation, error: ScimError): void {
    this.refusals.push({ operation, error });
    this.fail(operation, error);
  }

  private fail(operation: BulkOperation, error: ScimError): void {
    this.errors += 1;
    if (operation.method === 'POST' && operation.bulkId !== undefined) this.failedIds.add(operation.bulkId);
    const id = 'id' in operation ? this.resolvedId(operation.id) : undefined;
    this.finish(operation, id === undefined || bulkIdOf(id) !== undefined ? undefined : id, {
      status: String(error.status),
      response: { ...error.toJSON() },
    });
  }

  private failRepair(owed: Owed, error: ScimError): void {
    this.errors += 1;
    const entry = this.entries[owed.index];
    if (entry) Object.assign(entry, { status: String(error.status), response: { ...error.toJSON() } });
  }

  private finish(operation: BulkOperation, id: string | undefined, outcome: JsonObject): void {
    const { index, method, bulkId } = operation;
    this.states[index] = 'done';
    this.stack = this.stack.filter((started) => started !== index);
    this.entries[index] = {
      ...(id !== undefined && operation.kind !== 'refused' && { location: locationOf(this.baseUrl, operation.type, id) }),
      method,
      ...(bulkId !== undefined && { bulkId }),
      ...outcome,
    };
  }
}

// ── References ─────────────────────────────────────────────────────────────────────────────────

/** A part of a creation that refers to what did not exist yet, and the PATCH path that it goes to. */
interface TakenOut {
  readonly path: string;
  readonly value: unknown;
}
interface Owed extends TakenOut {
  /** of the creation */
  readonly index: number;
  /** the bulkIds that it refers to */
  readonly wanted: readonly string[];
}

/** Ids never hold the text "bulkId", so a string that begins with it refers to an operation wherever it stands. */
function bulkIdOf(text: string): string | undefined {
  return /^bulkId:(.+)$/is.exec(text)?.[1];
}

/** The same inside a PATCH path: members[value eq "bulkId:x"]. */
const bulkIdInPath = /"bulkId:([^"\\]+)"/gi;

function referencesOf(operation: BulkStep['operation']): string[] {
  const ofPath = 'id' in operation ? bulkIdOf(operation.id) : undefined;
  const ofData = 'data' in operation ? bulkIdsIn(operation.data) : [];
  return ofPath === undefined ? ofData : [ofPath, ...ofData];
}

function bulkIdsIn(data: unknown): string[] {
  const found: string[] = [];
  eachString(data, (text) => {
    const bulkId = bulkIdOf(text);
    if (bulkId !== undefined) found.push(bulkId);
    else for (const match of text.matchAll(bulkIdInPath)) if (match[1] !== undefined) found.push(match[1]);
  });
  return found;
}

/** Without recursion: the data may be nested as deep as a body can be. */
function eachString(data: unknown, visit: (text: string) => void): void {
  const open: unknown[] = [data];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') visit(value);
    else if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i -= 1) open.push(value[i]);
    else if (isObject(value)) open.push(...Object.values(value).reverse());
  }
}

// Deeper than what any schema has; what lies deeper is left as it is, and refused where it is read.
const maxDepth = 32;

function substituted(data: unknown, ids: ReadonlyMap<string, string>, depth = 0): unknown {
  if (typeof data === 'string') {
    const bulkId = bulkIdOf(data);
    if (bulkId !== undefined) return ids.get(bulkId) ?? data;
    return data.replace(bulkIdInPath, (whole, inPath: string) => (ids.has(inPath) ? JSON.stringify(ids.get(inPath)) : whole));
  }
  if (depth > maxDepth) return data;
  if (Array.isArray(data)) return data.map((element: unknown) => substituted(element, ids, depth + 1));
  if (!isObject(data)) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, substituted(value, ids, depth + 1)]));
}

/**
 * A creation's data without the attributes, or the values of attributes, that refer to what has no id yet; what was taken out
 * is given with the path that a PATCH adds it to.
 */
function withoutOpenReferences(data: unknown, ids: ReadonlyMap<string, string>): { data: unknown; taken: TakenOut[] } {
  const taken: TakenOut[] = [];
  const isOpen = (value: unknown): boolean => bulkIdsIn(value).some((bulkId) => !ids.has(bulkId));
  const strip = (object: Record<string, unknown>, prefix: string): Record<string, unknown> => {
    const rest: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(object)) {
      if (!isOpen(value)) rest[name] = value;
      else if (prefix === '' && /^urn:/i.test(name) && isObject(value)) rest[name] = strip(value, `${name}:`);
      else if (Array.isArray(value)) {
        rest[name] = value.filter((element) => !isOpen(element));
        taken.push({ path: `${prefix}${name}`, value: value.filter(isOpen) });
      } else taken.push({ path: `${prefix}${name}`, value });
    }
    return rest;
  };
  return { data: isObject(data) ? strip(data, '') : data, taken };
}
