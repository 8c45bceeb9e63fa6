import type { SetupSession } from '#accounts';
import type { BearerTokens, Keyring } from '#credential';
import type { DirectoryPool } from '#directory';
import { type Caller, type Route, routesOf } from '../frame/route';

/** What handlers of the setup page work with. */
export interface SetupParts {
  pool: DirectoryPool;
  keyring: Keyring;
  tokens: BearerTokens;
  /** Without a trailing slash. */
  publicUrl: string;
}

/** Who may call the setup page's paths. A type, not an interface: it is looked up by name. */
export type SetupCallers = {
  /** Whoever has opened a setup link in this browser: one directory, and nothing else. */
  itAdmin: Caller & { session: SetupSession; environmentId: string };
};

export type SetupRoute = Route<SetupCallers, SetupParts>;

/** Declares a route of the setup page. */
export const route = routesOf<SetupCallers, 'itAdmin', SetupParts>('itAdmin');
