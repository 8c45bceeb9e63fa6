import { bounds } from '#bounds';

/** What is hashed by bcrypt: a token that is shown for the first time, one that is made, or a password that is chosen or tried. */
export type Hashed = 'token' | 'new_token' | 'password';

/** More passwords, or more new tokens, than can be hashed soon. Nothing has been looked at. */
export class HashingBusy extends Error {
  readonly retryAfterSeconds = 5;

  constructor(readonly hashed: Hashed) {
    super(`Too many ${hashed === 'password' ? 'passwords' : 'tokens'} are being worked on right now. Try again in a moment.`);
  }
}

/**
 * Lets so much of a process's bcrypt go on at once, tokens first: an identity provider that shows its token after a restart does not
 * wait behind a flood of wrong passwords, which anybody can send. Nobody but their holders can make a token be hashed (its mark is
 * looked at before), and that once in a process, so passwords and new tokens do not wait for long: beyond a small queue of their own
 * they are refused.
 */
export class Hashing {
  readonly #waiting: Record<Hashed, (() => void)[]> = { token: [], new_token: [], password: [] };
  readonly #underWay: Record<Hashed, number> = { token: 0, new_token: 0, password: 0 };

  /** Runs `work` when it is its turn. @throws HashingBusy */
  async run<T>(hashed: Hashed, work: () => Promise<T>): Promise<T> {
    if (this.#mayBegin(hashed)) this.#underWay[hashed] += 1;
    else {
      if (this.#waiting[hashed].length >= waitingAtMost[hashed]) throw new HashingBusy(hashed);
      await new Promise<void>((resolve) => this.#waiting[hashed].push(resolve)); // whoever wakes it has counted it
    }
    try {
      return await work();
    } finally {
      this.#underWay[hashed] -= 1;
      this.#beginNext();
    }
  }

  #beginNext(): void {
    for (const hashed of inOrder) {
      while (this.#waiting[hashed].length > 0 && this.#mayBegin(hashed)) {
        this.#underWay[hashed] += 1;
        this.#waiting[hashed].shift()?.();
      }
    }
  }

  #mayBegin(hashed: Hashed): boolean {
    const { token, new_token: newToken, password } = this.#underWay;
    if (token + newToken + password >= bounds.hashesAtOnce) return false;
    return hashed === 'token' || (this.#waiting.token.length === 0 && this.#underWay[hashed] < atOnce[hashed]);
  }
}

const inOrder = ['token', 'new_token', 'password'] as const;
const atOnce = { new_token: bounds.newTokensAtOnce, password: bounds.passwordsAtOnce };
const waitingAtMost = { token: Infinity, new_token: bounds.newTokensWaiting, password: bounds.passwordsWaiting };
