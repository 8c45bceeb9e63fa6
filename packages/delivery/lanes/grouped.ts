/**
 * Gathers what is asked for while the last answer is still on its way, and asks for all of it at once: many lanes' acks share
 * a statement and a commit, and one alone waits for nobody but what comes in the same turn of the event loop.
 */
export class Grouped<Item, Result> {
  #waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  #underWay = 0;

  /** `ask` answers in the order of its items. */
  constructor(
    private readonly ask: (items: Item[]) => Promise<Result[]>,
    private readonly limits: { atOnce: number; items: number },
  ) {}

  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#next());
    });
  }

  #next(): void {
    if (this.#underWay === this.limits.atOnce || this.#waiting.length === 0) return;
    const group = this.#waiting.splice(0, this.limits.items);
    this.#underWay += 1;
    this.ask(group.map(({ item }) => item))
      .then(
        (results) =>
          group.forEach(({ resolve, reject }, i) => {
            const result = results[i];
            if (result === undefined) reject(new Error('an item was left unanswered'));
            else resolve(result);
          }),
        (error: unknown) => group.forEach(({ reject }) => reject(error)),
      )
      .finally(() => {
        this.#underWay -= 1;
        setImmediate(() => this.#next());
      });
  }
}
