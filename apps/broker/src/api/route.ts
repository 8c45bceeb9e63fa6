import type { BearerTokens, Keyring } from '#credential';
import type { DirectoryPool } from '#directory';
import { type Caller, type Route, routesOf } from '../frame/route';
import type { AskedTogether } from '../asked-together';
import type { Places } from '../guards/places';
import type { FeedPage } from './feed-page';
import type { FeedWatch } from './feed-watch';

/** What handlers of the API work with. */
export interface ApiParts {
  pool: DirectoryPool;
  keyring: Keyring;
  tokens: BearerTokens;
  feed: FeedWatch;
  /** What is read of the log, by all who are at the same place. */
  pages: AskedTogether<FeedPage>;
  /** Whether a key that follows the log still is one. */
  liveKeys: AskedTogether<boolean>;
  /** Who has how many streams and long polls open. */
  waiting: Places;
  /** Without a trailing slash. */
  publicUrl: string;
  webhookAllowedCidrs: string[];
}

/** Who may call the API. A type, not an interface: it is looked up by name. */
export type ApiCallers = {
  /** Whoever holds a key of an environment. */
  environment: Caller & { environmentId: string; keyId: string };
  /** Whoever holds OPERATOR_API_KEY. They are in no environment. */
  operator: Caller;
};

/** What a route of the API says of itself for the OpenAPI document. */
export interface Documented {
  tag: string;
  summary: string;
  description?: string;
}

export type ApiRoute = Route<ApiCallers, ApiParts, Documented>;

/** Declares a route of the vendor's API: open to an environment's key unless it says otherwise. */
export const route = routesOf<ApiCallers, 'environment', ApiParts, Documented>('environment');
