/**
 * Those who ask the same in one turn of the event loop share one answer. It is asked for when the turn is over, so nobody is answered by
 * what was so before they asked; and they do come together, for what wakes one of them wakes all. Nothing is kept beyond the turn.
 */
export class AskedTogether<Answer> {
  readonly #asking = new Map<string, Promise<Answer>>();

  /** `question` stands for all that `answer` depends on. */
  ask(question: string, answer: () => Promise<Answer>): Promise<Answer> {
    const asked = this.#asking.get(question);
    if (asked) return asked;
    const asking = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#asking.delete(question);
      return answer();
    });
    this.#asking.set(question, asking);
    return asking;
  }
}
