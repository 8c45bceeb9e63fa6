import type { Router } from 'express';
import type { RequestRate } from '../guards/request-rate';
import { doorRouter } from '../frame/router';
import type { CallersOf } from '../frame/route';
import { holdToRate } from './rate';
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
    rate,
    onReplay,
    environment = async (req, res) => {
      const caller = await authenticateEnvironment(req, parts.pool);
      await holdToRate(rate, caller.keyId, res);
      return caller;
    },
  }: { operatorApiKey: string | undefined; rate: RequestRate; onReplay: () => void; environment?: CallersOf<ApiCallers>['environment'] },
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
