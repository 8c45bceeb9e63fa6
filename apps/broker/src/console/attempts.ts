import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { addressBlock } from '../guards/address-block';
import { refusal } from '../frame/errors';

/**
 * What strangers try at the console's door, counted by each process for itself. An address is counted first, and so can fill the
 * memory with fifty accounts, or mailboxes, that it makes up, for an hour at most.
 */
export class SignInAttempts {
  // Ten wrong passwords for one account from one address in a quarter of an hour, and fifty for all accounts from it. By account
  // alone nobody is locked out: whoever knows an address could keep its owner from signing in.
  readonly #byAccountAndAddress = new RateLimiterMemory({ keyPrefix: 'account', points: 10, duration: 15 * 60 });
  readonly #byAddress = new RateLimiterMemory({ keyPrefix: 'address', points: 50, duration: 15 * 60 });
  // Twenty mails an hour for one address: nobody's mailbox is filled by somebody else.
  readonly #mails = new RateLimiterMemory({ keyPrefix: 'mail', points: 20, duration: 60 * 60 });

  /** Counts a try to sign in, before its password is looked at. @throws Problem 429 */
  async countSignIn(email: string, address: string | undefined): Promise<void> {
    const from = addressBlock(address);
    await count(this.#byAddress, from);
    await count(this.#byAccountAndAddress, `${email.trim().toLowerCase()} ${from}`);
  }

  /** The try was not looked at: it counts for nothing. */
  async takeBackSignIn(email: string, address: string | undefined): Promise<void> {
    const from = addressBlock(address);
    await this.#byAddress.reward(from);
    await this.#byAccountAndAddress.reward(`${email.trim().toLowerCase()} ${from}`);
  }

  /** The password was right: what was counted against it is forgotten. */
  async forgetSignIns(email: string, address: string | undefined): Promise<void> {
    await this.#byAccountAndAddress.delete(`${email.trim().toLowerCase()} ${addressBlock(address)}`);
  }

  /** Counts a mail that a stranger asks for. @throws Problem 429 */
  async countMail(email: string, address: string | undefined): Promise<void> {
    await count(this.#byAddress, addressBlock(address));
    await count(this.#mails, email.trim().toLowerCase());
  }
}

async function count(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (spent) {
    if (!(spent instanceof RateLimiterRes)) throw spent;
    const seconds = Math.ceil(spent.msBeforeNext / 1000);
    throw refusal('too_many_attempts', `Too many attempts. Try again in ${inWords(seconds)}.`, { retryAfterSeconds: seconds });
  }
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
