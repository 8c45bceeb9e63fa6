/** How many places somebody may have. */
export interface Share {
  whose: string;
  atMost: number;
}

/** Counts what is taken for a while, so that nobody takes all: what is taken is given back when its signal is aborted. */
export class Places {
  readonly #taken = new Map<string, number>();

  /** Takes one for each of these, or none where one of them has all of its own already: that one is answered. */
  take(shares: readonly Share[], until: AbortSignal): Share | undefined {
    const full = shares.find(({ whose, atMost }) => (this.#taken.get(whose) ?? 0) >= atMost);
    if (full || until.aborted) return full;
    for (const { whose } of shares) this.#taken.set(whose, (this.#taken.get(whose) ?? 0) + 1);
    until.addEventListener('abort', () => {
      for (const { whose } of shares) this.#giveBack(whose);
    });
    return undefined;
  }

  /** How many somebody has by now. */
  takenOf(whose: string): number {
    return this.#taken.get(whose) ?? 0;
  }

  #giveBack(whose: string): void {
    const left = this.takenOf(whose) - 1;
    if (left > 0) this.#taken.set(whose, left);
    else this.#taken.delete(whose);
  }
}
