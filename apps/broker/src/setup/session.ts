import type { Request, Response } from 'express';
import type { Pool } from 'pg';
import { authenticateSetupSession, openSetupSession, type SetupSession } from '#accounts';
import type { Keyring } from '#credential';

/** The sessions of the setup page: opened by its link, kept in a cookie of their own kind, good for one directory. */
export class SetupSessions {
  readonly #pool: Pool;
  readonly #keyring: Keyring;
  readonly #cookie: string;
  readonly #secure: boolean;

  constructor(pool: Pool, keyring: Keyring, publicUrl: string) {
    this.#pool = pool;
    this.#keyring = keyring;
    this.#secure = publicUrl.startsWith('https:');
    // __Host-: a browser takes it only with Secure, Path=/ and no Domain, so no neighbour under the same domain can plant one.
    this.#cookie = this.#secure ? '__Host-causeway_setup' : 'causeway_setup';
  }

  /** Opens a session with what stands at the end of a setup link, in place of the one that the browser had; `undefined` where the link has ended. */
  async open(linkToken: string, res: Response): Promise<SetupSession | undefined> {
    const opened = await openSetupSession(this.#pool, this.#keyring, linkToken);
    if (!opened) return undefined;
    const { token, ...session } = opened;
    // Lax: an identity provider sends the admin here by a link, and finds the session; another site's form does not.
    res.cookie(this.#cookie, token, { httpOnly: true, sameSite: 'lax', secure: this.#secure, path: '/', expires: session.expiresAt });
    return session;
  }

  /** Whose session a request belongs to, and so which directory it may set up; `undefined`: none that is still good. */
  async of(req: Request): Promise<SetupSession | undefined> {
    const token = cookieOf(req, this.#cookie);
    return token === undefined ? undefined : authenticateSetupSession(this.#pool, this.#keyring, token);
  }
}

function cookieOf(req: Request, name: string): string | undefined {
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
