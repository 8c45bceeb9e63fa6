/** Does some work again and again, `everyMs` after it was last done, until it is stopped. Never twice at once. */
export class Repeating {
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly everyMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(afterMs: number): this {
    this.#timer = setTimeout(() => {
      this.#underWay = this.work()
        .catch(this.onError)
        .finally(() => {
          if (!this.#stopped) this.start(this.everyMs);
        });
    }, afterMs);
    return this;
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#underWay;
  }
}
