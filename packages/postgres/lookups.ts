import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import type { Queryable } from './prepared';
import { triedAgain } from './tried-again';

interface Waiting {
  config: { name: string; text: string; values: unknown[] };
  resolve: (result: QueryResult) => void;
  reject: (error: unknown) => void;
}

/**
 * Statements of many requests, sent together: whatever comes up while earlier ones are under way shares a client, a write and
 * an answer with others, and each is still a transaction of its own. The busier the process, the fewer round trips.
 *
 * For reads by a key alone: answers come in the order of the questions, so a slow one would hold up those behind it.
 */
export class Lookups implements Queryable {
  readonly #pool: Pool;
  #waiting: Waiting[] = [];
  #isUnderWay = false;
  #called = false;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  query<Row extends QueryResultRow>(config: Waiting['config']): Promise<QueryResult<Row>> {
    return triedAgain(
      () =>
        new Promise((resolve, reject) => {
          this.#waiting.push({ config, resolve: resolve as Waiting['resolve'], reject });
          this.#callOnce();
        }),
    );
  }

  /** At the end of this turn of the event loop, when all requests that have arrived with it have asked. */
  #callOnce(): void {
    if (this.#called || this.#isUnderWay) return;
    this.#called = true;
    setImmediate(() => {
      this.#called = false;
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    this.#isUnderWay = true;
    try {
      const client = await this.#pool.connect();
      try {
        await askTogether(client, this.#take());
      } finally {
        client.release();
      }
    } catch (error) {
      for (const { reject } of this.#take()) reject(error);
    } finally {
      this.#isUnderWay = false;
      if (this.#waiting.length > 0) this.#callOnce();
    }
  }

  #take(): Waiting[] {
    return this.#waiting.splice(0);
  }
}

async function askTogether(client: PoolClient, questions: Waiting[]): Promise<void> {
  await Promise.all(questions.map(({ config, resolve, reject }) => client.query(config).then(resolve, reject)));
}
