import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What came of one SCIM call. */
export type CallOutcome =
  /** Its 2xx reached the client: the change is promised. */
  | 'acknowledged'
  /** A 4xx reached the client: nothing was changed. */
  | 'refused'
  /** Nothing whole came back, or a 5xx: it may have been done or not. */
  | 'unknown'
  /** The answer to a repeated call, or a look-up after it, showed that an earlier try had gone through. */
  | 'found_done';

/** One line of the ledger: one try of one change. */
export interface Call {
  /** Tries of one change share it. */
  change: string;
  attempt: number;
  writer: string;
  directoryId: string;
  what: string;
  /** The events that the change makes, as `eventKey` names them. */
  expects: string[];
  /** It is meant to be refused. */
  provokes: boolean;
  sentAt: number;
  endedAt: number;
  outcome: CallOutcome;
  status: number | null;
  /** `req_…`, where an answer came. */
  requestId: string | null;
  reason?: string;
}

/** An event as the log holds it, whole. */
export interface LoggedEvent {
  id: string;
  type: string;
  occurred_at: string;
  organization_id: string;
  directory_id: string;
  position: number;
  sequence: number;
  request_id: string | null;
  data: Record<string, unknown>;
}

/** An event as somebody who reads the log saw it. */
export interface Sighting {
  id: string;
  position: number;
  sequence: number;
  /** Of the event's JSON. */
  digest: string;
}

/** What one answer to a poll, or one event of a stream, held. */
export interface Page {
  poller: string;
  at: number;
  events: Sighting[];
}

/** One POST that an endpoint got. Written before it is answered. */
export interface Receipt {
  endpoint: string;
  at: number;
  webhookId: string;
  timestamp: string;
  signature: string;
  body: string;
  /** A 2xx is about to be sent. */
  accepted: boolean;
  /** How it is answered, in a word. */
  answer: string;
}

/** What a poll said of an event at the moment when its webhook came. */
export interface Look {
  webhookId: string;
  at: number;
  found: 'readable' | 'missing' | 'unknown';
}

/** Something that was broken, or done, on purpose; or a process that ended by itself. */
export interface Incident {
  at: number;
  endedAt: number;
  kind: string;
  detail: string;
  /** What was under way may be sent twice for it. */
  crash: boolean;
  /** An endpoint of ours was made to fail. */
  endpointFails: boolean;
  /** It is not meant to happen at all. */
  unwanted: boolean;
}

/** What an endpoint is owed, and by what it can tell. */
export interface EndpointRecord {
  name: string;
  id: string;
  types: string[] | null;
  organizationId: string | null;
  ordering: 'directory' | 'none';
  /** It is owed everything after the later of these positions, and nothing up to the earlier one. */
  startsAfter: { least: number; most: number };
  secrets: { secret: string; sentAt: number; knownAt: number }[];
  /** When the call that stopped it was answered, and when the one that brought it back was sent. */
  stops: { from: number; until: number | null }[];
  deletedAt: number | null;
  maxParallel: number;
}

export type PollerMode = 'cursor' | 'wait' | 'event_id' | 'stream' | 'naive';

export interface PollerRecord {
  name: string;
  mode: PollerMode;
  types: string[] | null;
  organizationId: string | null;
  directoryId: string | null;
}

/** Users, or groups, as a list gave them, and the events that followed its `events_cursor`. */
export interface Listing {
  what: 'users' | 'groups';
  directoryId: string;
  at: number;
  items: Resource[];
  events: LoggedEvent[];
}

/** A user or a group as the vendor sees it. */
export interface Resource {
  id: string;
  version: number;
  [field: string]: unknown;
}

export interface Ending {
  /** The lag was 0 by then; null: not within the bound. */
  quietAt: number | null;
  /** When the last fault was over and everything was up again. */
  calmAt: number;
  boundMs: number;
  /** What was behind when the time was over. */
  behind: string;
}

export interface Plan {
  seed: string;
  topology: string;
  directories: { id: string; organizationId: string }[];
  pollers: PollerRecord[];
}

/** All that one run has left behind: what the invariants are about. */
export interface Run {
  plan: Plan;
  calls: Call[];
  pages: Page[];
  receipts: Receipt[];
  looks: Look[];
  incidents: Incident[];
  endpoints: EndpointRecord[];
  /** Endpoints that may have been made by a call that was not answered: nothing is known of what they are owed. */
  abandoned: string[];
  log: LoggedEvent[];
  /** By directory, at the end. */
  finalUsers: Record<string, Resource[]>;
  finalGroups: Record<string, Resource[]>;
  listings: Listing[];
  ending: Ending;
}

interface Lines {
  call: Call;
  page: Page;
  receipt: Receipt;
  look: Look;
  incident: Incident;
  listing: Listing;
  event: LoggedEvent;
}

interface Documents {
  plan: Plan;
  endpoints: EndpointRecord[];
  abandoned: string[];
  finalUsers: Record<string, Resource[]>;
  finalGroups: Record<string, Resource[]>;
  ending: Ending;
}

/** Writes down what happens, line by line as it happens: what was seen is on record before anything is made of it. */
export class Records {
  #acknowledged = 0;

  constructor(readonly folder: string) {}

  /** How many calls were, that this process has put on record. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  call(line: Call): void {
    if (line.outcome === 'acknowledged') this.#acknowledged += 1;
    this.append('call', line);
  }

  append<Kind extends keyof Lines>(kind: Kind, line: Lines[Kind]): void {
    appendFileSync(path.join(this.folder, `${kind}.jsonl`), `${JSON.stringify(line)}\n`);
  }

  write<Kind extends keyof Documents>(kind: Kind, document: Documents[Kind]): void {
    writeFileSync(path.join(this.folder, `${kind}.json`), JSON.stringify(document, undefined, 1));
  }

  /** All that was written down, by this process and by the sinks. */
  read(): Run {
    return {
      plan: this.#document('plan'),
      calls: this.#lines('call'),
      pages: this.#lines('page'),
      receipts: this.#lines('receipt'),
      looks: this.#lines('look'),
      incidents: this.#lines('incident'),
      endpoints: this.#document('endpoints'),
      abandoned: this.#document('abandoned'),
      log: this.#lines('event'),
      finalUsers: this.#document('finalUsers'),
      finalGroups: this.#document('finalGroups'),
      listings: this.#lines('listing'),
      ending: this.#document('ending'),
    };
  }

  #lines<Kind extends keyof Lines>(kind: Kind): Lines[Kind][] {
    const file = path.join(this.folder, `${kind}.jsonl`);
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line): Lines[Kind] => JSON.parse(line));
  }

  #document<Kind extends keyof Documents>(kind: Kind): Documents[Kind] {
    return JSON.parse(readFileSync(path.join(this.folder, `${kind}.json`), 'utf8'));
  }
}

/** The folders of runs below `folder`, or `folder` itself. */
export function runFolders(folder: string): string[] {
  if (existsSync(path.join(folder, 'plan.json'))) return [folder];
  return readdirSync(folder)
    .map((name) => path.join(folder, name))
    .filter((inner) => existsSync(path.join(inner, 'plan.json')));
}
