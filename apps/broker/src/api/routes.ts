import { accessRoutes } from './access';
import { apiKeyRoutes } from './api-keys';
import { auditLogRoutes } from './audit-log';
import { bearerTokenRoutes } from './bearer-tokens';
import { directoryRoutes } from './directories';
import { endpointRoutes } from './endpoints';
import { environmentRoutes } from './environments';
import { eventRoutes } from './events';
import { oauthClientRoutes } from './oauth-clients';
import { organizationRoutes } from './organizations';
import { requestRoutes } from './requests';
import { resourceRoutes } from './resources';
import type { Route } from './route';
import { setupLinkRoutes } from './setup-links';

/** The vendor's API, whole: the router serves it and the OpenAPI document describes it. */
export const routes: readonly Route[] = [
  ...organizationRoutes,
  ...directoryRoutes,
  ...bearerTokenRoutes,
  ...oauthClientRoutes,
  ...setupLinkRoutes,
  ...requestRoutes,
  ...resourceRoutes,
  ...accessRoutes,
  ...eventRoutes,
  ...endpointRoutes,
  ...apiKeyRoutes,
  ...auditLogRoutes,
  ...environmentRoutes,
];
