import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A way to a database that writes down what is asked on it. */
export interface ListeningWire {
  url: string;
  /** What was asked since the last time: a list for each round trip, of prepared statements by their names and of others by their text. */
  take: () => string[][];
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
  const server = createServer((front) => {
    const back = connect(path.join(behind.searchParams.get('host') ?? '', '.s.PGSQL.5432'));
    const messages = new Messages();
    let trip: string[] | undefined;
    front.on('data', (part) => {
      const asked = messages.read(part);
      if (asked.length === 0) return;
      if (!trip) trips.push((trip = []));
      trip.push(...asked);
    });
    back.on('data', () => {
      trip = undefined;
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
    stop: async () => {
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What a client says, message by message: a type in one byte, a length in four, the first message without a type. */
class Messages {
  #rest = Buffer.alloc(0);
  #begun = false;

  /** The statements that are executed. */
  read(part: Buffer): string[] {
    this.#rest = Buffer.concat([this.#rest, part]);
    const statements: string[] = [];
    for (;;) {
      const typed = this.#begun ? 1 : 0;
      if (this.#rest.length < typed + 4) return statements;
      const end = typed + this.#rest.readUInt32BE(typed);
      if (this.#rest.length < end) return statements;
      const type = typed ? String.fromCharCode(this.#rest[0] ?? 0) : '';
      const texts = this.#rest
        .subarray(typed + 4, end)
        .toString('latin1')
        .split('\0');
      if (type === 'Q') statements.push(texts[0] ?? '');
      if (type === 'B') statements.push(texts[1] ?? ''); // a portal, which has no name here, and the statement
      this.#begun = true;
      this.#rest = this.#rest.subarray(end);
    }
  }
}
