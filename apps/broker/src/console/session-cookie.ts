import type { Request } from 'express';

/** The console's cookie: the browser alone sees it, and sends it nowhere else. */
export class SessionCookie {
  readonly #name: string;
  readonly #attributes: string;

  constructor(publicUrl: string) {
    const secure = publicUrl.startsWith('https:');
    // __Host-: a browser takes it only with Secure, Path=/ and no Domain, so no neighbour under the same domain can plant one.
    this.#name = secure ? '__Host-causeway_console' : 'causeway_console';
    // Lax: a link in a mail finds its reader signed in; writes ask for more than a cookie.
    this.#attributes = `; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  }

  read(req: Request): string | undefined {
    return cookieOf(req, this.#name);
  }

  /** The line of Set-Cookie that gives it. 30 days: the longest that a session lasts. The server ends it sooner. */
  given(token: string): string {
    return `${this.#name}=${token}${this.#attributes}; Max-Age=2592000`;
  }

  /** The line of Set-Cookie that takes it away. */
  taken(): string {
    return `${this.#name}=${this.#attributes}; Max-Age=0`;
  }
}

/** The value of a cookie. */
export function cookieOf(req: Request, name: string): string | undefined {
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
