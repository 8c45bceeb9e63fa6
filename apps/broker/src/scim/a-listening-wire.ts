import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A way to a database that writes down what is asked on it. */
export interface ListeningWire {
  url: string;
  /** What was asked since the last time: a list for each round trip, of prepared statements by their names and of others by their text. */
  take: () => string[][];
  /** What the server has remarked on since the last time: `WARNING: there is no transaction in progress`. */
  takeNotices: () => string[];
  stop: () => Promise<void>;
}

/**
 * Stands between a process and its PostgreSQL. A round trip begins where the process says something after it has been answered, on
 * any connection: what it says before the next answer travels with it.
 */
export async function aListeningWire(databaseUrl: string): Promise<ListeningWire> {
  const behind = new URL(databaseUrl);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'wire-'));
  let trips: string[][] = [];
  let notices: string[] = [];
  const server = createServer((front) => {
    const back = connect(path.join(behind.searchParams.get('host') ?? '', '.s.PGSQL.5432'));
    const [said, answered] = [new Messages({ typed: false }), new Messages({ typed: true })];
    let trip: string[] | undefined;
    front.on('data', (part) => {
      const asked = said.read(part).flatMap(statementIn);
      if (asked.length === 0) return;
      if (!trip) trips.push((trip = []));
      trip.push(...asked);
    });
    back.on('data', (part) => {
      trip = undefined;
      notices.push(...answered.read(part).flatMap(noticeIn));
    });
    front.pipe(back).pipe(front);
    for (const [one, other] of [
      [front, back],
      [back, front],
    ] as const)
      one.on('error', () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path.join(folder, '.s.PGSQL.5432'), resolve));
  const url = new URL(databaseUrl);
  url.searchParams.set('host', folder);
  return {
    url: url.href,
    take: () => {
      const taken = trips;
      trips = [];
      return taken;
    },
    takeNotices: () => {
      const taken = notices;
      notices = [];
      return taken;
    },
    stop: async () => {
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Message {
  type: string;
  /** What is between the zeros of its body. */
  texts: string[];
}

/** What one side says, message by message: a type in one byte, a length in four. A client's first message has no type. */
class Messages {
  #rest = Buffer.alloc(0);
  #typed: boolean;

  constructor({ typed }: { typed: boolean }) {
    this.#typed = typed;
  }

  read(part: Buffer): Message[] {
    this.#rest = Buffer.concat([this.#rest, part]);
    const messages: Message[] = [];
    for (;;) {
      const typed = this.#typed ? 1 : 0;
      if (this.#rest.length < typed + 4) return messages;
      const end = typed + this.#rest.readUInt32BE(typed);
      if (this.#rest.length < end) return messages;
      const type = typed ? String.fromCharCode(this.#rest[0] ?? 0) : '';
      const texts = this.#rest
        .subarray(typed + 4, end)
        .toString('latin1')
        .split('\0');
      messages.push({ type, texts });
      this.#typed = true;
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** A statement that a client has executed. */
function statementIn({ type, texts }: Message): string[] {
  if (type === 'Q') return [texts[0] ?? ''];
  return type === 'B' ? [texts[1] ?? ''] : []; // a portal, which has no name here, and the statement
}

/** A remark of the server's: fields, each with its kind in its first byte. */
function noticeIn({ type, texts }: Message): string[] {
  const field = (kind: string): string => texts.find((text) => text.startsWith(kind))?.slice(1) ?? '';
  return type === 'N' ? [`${field('V')}: ${field('M')}`] : [];
}
