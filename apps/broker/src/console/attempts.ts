import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { addressBlock } from '../guards/address-block';
import { PageProblem } from '../pages/errors';

// Ten wrong passwords for one account from one address in a quarter of an hour, and fifty for all accounts from it. By account
// alone nobody is locked out: whoever knows an address could keep its owner from signing in.
const byAccountAndAddress = new RateLimiterMemory({ keyPrefix: 'account', points: 10, duration: 15 * 60 });
const byAddress = new RateLimiterMemory({ keyPrefix: 'address', points: 50, duration: 15 * 60 });
// Twenty mails an hour for one address: nobody's mailbox is filled by somebody else.
const mails = new RateLimiterMemory({ keyPrefix: 'mail', points: 20, duration: 60 * 60 });

/** Counts a try to sign in, before its password is looked at. @throws PageProblem 429 */
export async function countSignIn(email: string, address: string | undefined): Promise<void> {
  const from = addressBlock(address);
  await count(byAddress, from);
  await count(byAccountAndAddress, `${email.trim().toLowerCase()} ${from}`);
}

/** The password was right: what was counted against it is forgotten. */
export async function forgetSignIns(email: string, address: string | undefined): Promise<void> {
  await byAccountAndAddress.delete(`${email.trim().toLowerCase()} ${addressBlock(address)}`);
}

/** Counts a mail that a stranger asks for. @throws PageProblem 429 */
export async function countMail(email: string, address: string | undefined): Promise<void> {
  await count(byAddress, addressBlock(address));
  await count(mails, email.trim().toLowerCase());
}

async function count(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const seconds = Math.ceil(refusal.msBeforeNext / 1000);
    throw new PageProblem('too_many_attempts', `Too many attempts. Try again in ${inWords(seconds)}.`, undefined, seconds);
  }
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
