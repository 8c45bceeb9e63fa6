import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { freePort } from './redis-server';

export interface PostgresProxy {
  host: string;
  port: number;
  /** The URL of a database as it is reached through here. */
  through: (databaseUrl: string) => string;
  /**
   * From now on, until so many are lost, the answer that tells that something was made is not passed on: the server has made it, and the
   * connection breaks. `commits` are those of transactions; `writes` are statements that are transactions of their own as well.
   */
  lose: (what: 'commits' | 'writes', times: number) => void;
  /** How many were lost since it was made. */
  lost: () => number;
  stop: () => Promise<void>;
}

/** Stands between processes and their PostgreSQL, and loses what it is told to. `behind`: a folder with its socket, or its host; `at`: the port that it had before. */
export async function aPostgresProxy(behind: { host: string; port: number }, at?: number): Promise<PostgresProxy> {
  let losing: 'commits' | 'writes' = 'commits';
  let times = 0;
  let lost = 0;
  const sockets = new Set<Socket>();
  const server = createServer((front) => {
    const { host, port } = behind;
    const back = host.startsWith('/') ? connect(path.join(host, `.s.PGSQL.${port}`)) : connect(port, host);
    for (const [one, other] of [
      [front, back],
      [back, front],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    const conversation = new Conversation();
    front.on('data', (part: Buffer) => {
      conversation.hear(part);
      back.write(part);
    });
    back.on('data', (part: Buffer) => {
      if (front.destroyed) return;
      const made = conversation.answered(part);
      if (times > 0 && made.some((one) => one === 'commits' || losing === 'writes')) {
        times -= 1;
        lost += 1;
        front.destroy();
        back.end();
      } else front.write(part);
    });
  });
  const port = at ?? (await freePort());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port,
    through: (databaseUrl) => {
      const url = new URL(databaseUrl);
      url.searchParams.delete('host');
      url.searchParams.delete('port');
      url.searchParams.set('host', '127.0.0.1');
      url.searchParams.set('port', String(port));
      return url.href;
    },
    lose: (what, count) => {
      losing = what;
      times = count;
    },
    lost: () => lost,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const writing = /\b(insert into|update \w+\s+(\w+\s+)?set|delete from|merge into)\b/i;

/** What a client has asked on one connection, and which of it is made. */
class Conversation {
  readonly #said = new Messages({ typed: false });
  readonly #answers = new Messages({ typed: true });
  /** Of prepared statements, by their names. */
  readonly #texts = new Map<string, string>();
  readonly #asked: string[] = [];
  #inTransaction = false;

  hear(part: Buffer): void {
    for (const { type, body } of this.#said.read(part)) {
      const [first = '', second = ''] = body.toString().split('\0');
      if (type === 'P') this.#texts.set(first, second);
      if (type === 'Q') this.#asked.push(first);
      if (type === 'B') this.#asked.push(this.#texts.get(second) ?? '');
    }
  }

  answered(part: Buffer): ('commits' | 'writes')[] {
    const made: ('commits' | 'writes')[] = [];
    for (const { type, body } of this.#answers.read(part)) {
      if (type === 'Z') this.#inTransaction = body.toString() !== 'I';
      if (!['C', 'E', 'I'].includes(type)) continue;
      const asked = this.#asked.shift() ?? '';
      if (type !== 'C') continue;
      if (body.toString().startsWith('COMMIT')) made.push('commits');
      else if (!this.#inTransaction && writing.test(asked)) made.push('writes');
    }
    return made;
  }
}

/** What one side says, message by message: a type in one byte, a length in four. A client's first message has no type. */
class Messages {
  #rest = Buffer.alloc(0);
  #typed: boolean;

  constructor({ typed }: { typed: boolean }) {
    this.#typed = typed;
  }

  read(part: Buffer): { type: string; body: Buffer }[] {
    this.#rest = Buffer.concat([this.#rest, part]);
    const messages: { type: string; body: Buffer }[] = [];
    for (;;) {
      const typed = this.#typed ? 1 : 0;
      if (this.#rest.length < typed + 4) return messages;
      const end = typed + this.#rest.readUInt32BE(typed);
      if (this.#rest.length < end) return messages;
      messages.push({ type: typed ? String.fromCharCode(this.#rest[0] ?? 0) : '', body: this.#rest.subarray(typed + 4, end) });
      this.#typed = true;
      this.#rest = this.#rest.subarray(end);
    }
  }
}
