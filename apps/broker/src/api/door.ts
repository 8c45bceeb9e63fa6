import type { Router } from 'express';
import { doorRouter } from '../frame/router';
import type { CallersOf } from '../frame/route';
import { authenticateEnvironment, authenticateOperator } from './key';
import type { ApiCallers, ApiParts } from './route';
import { routes } from './routes';

/**
 * The vendor's door. `environment`: who calls for an environment where it is not whoever holds a key of it; the console, behind which
 * the same routes stand, has members.
 */
export function apiRouter(
  parts: ApiParts,
  {
    operatorApiKey,
    onReplay,
    environment = (req) => authenticateEnvironment(req, parts.pool),
  }: { operatorApiKey: string | undefined; onReplay: () => void; environment?: CallersOf<ApiCallers>['environment'] },
): Router {
  return doorRouter({
    below: '/v1',
    routes,
    callers: { environment, operator: async (req) => authenticateOperator(req, operatorApiKey) },
    parts,
    audience: 'programs',
    bodyAtMost: '1mb',
    publicUrl: parts.publicUrl,
    pool: parts.pool,
    idempotency: { keyring: parts.keyring, onReplay },
  });
}
