import type { Pool } from 'pg';
import type { Session } from '#accounts';
import type { Keyring, Passwords } from '#credential';
import { type Caller, type Route, routesOf } from '../frame/route';
import type { Places } from '../guards/places';
import type { SignInAttempts } from './attempts';
import type { Feed } from './live-events';
import type { SendMail } from './mails';
import type { SessionCookie } from './session-cookie';

/** What handlers of the console work with. */
export interface ConsoleParts {
  pool: Pool;
  keyring: Keyring;
  feed: Feed;
  /** Who has how many streams open. */
  waiting: Places;
  cookie: SessionCookie;
  /** Without a trailing slash. */
  publicUrl: string;
  attempts: SignInAttempts;
  passwords: Passwords;
  signUp: 'open' | 'closed';
  sendMail: SendMail;
  /** Whether mails reach people; otherwise they are written to the log. */
  mailReaches: boolean;
}

/** Who may call the console's paths. A type, not an interface: it is looked up by name. */
export type ConsoleCallers = {
  /** Whoever has the page open, signed in or not. */
  anyone: Caller & { session: Session | undefined };
  /** Whoever is signed in. */
  member: Caller & { session: Session };
  /** A member of the environment that the path names; a viewer only gets. `keyId`: their session's, in place of an API key's. */
  environment: Caller & { session: Session; environmentId: string; keyId: string };
};

export type ConsoleRoute = Route<ConsoleCallers, ConsoleParts>;

/** Declares a route of the console: for members of the environment in its path unless it says otherwise. */
export const route = routesOf<ConsoleCallers, 'environment', ConsoleParts>('environment');
