import { accessRoutes } from './access';
import { apiKeyRoutes } from './api-keys';
import { attributeMappingRoutes } from './attribute-mapping';
import { auditLogRoutes } from './audit-log';
import { bearerTokenRoutes } from './bearer-tokens';
import { brakeRoutes } from './brake';
import { consumerRoutes } from './consumers';
import { directoryRoutes } from './directories';
import { endpointRoutes } from './endpoints';
import { environmentRoutes } from './environments';
import { eventRoutes } from './events';
import { oauthClientRoutes } from './oauth-clients';
import { organizationRoutes } from './organizations';
import { personalDataRoutes } from './personal-data';
import { requestRoutes } from './requests';
import { resourceRoutes } from './resources';
import type { ApiRoute } from './route';
import { schemaExtensionRoutes } from './schema-extensions';
import { setupLinkRoutes } from './setup-links';

/** The vendor's API, whole: the router serves it and the OpenAPI document describes it. */
export const routes: readonly ApiRoute[] = [
  ...organizationRoutes,
  ...directoryRoutes,
  ...bearerTokenRoutes,
  ...oauthClientRoutes,
  ...setupLinkRoutes,
  ...brakeRoutes,
  ...requestRoutes,
  ...resourceRoutes,
  ...personalDataRoutes,
  ...accessRoutes,
  ...attributeMappingRoutes,
  ...schemaExtensionRoutes,
  ...eventRoutes,
  ...consumerRoutes,
  ...endpointRoutes,
  ...apiKeyRoutes,
  ...auditLogRoutes,
  ...environmentRoutes,
];
