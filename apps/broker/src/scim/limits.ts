import { bounds } from '#bounds';
import type { ServiceLimits } from '#scim';

/** What one request may carry. */
export const bodyBytesAtMost = bounds.bodyBytes;
export const userBodyBytesAtMost = bounds.userBodyBytes;

/** What ServiceProviderConfig says. */
export const limits: ServiceLimits = {
  filterMaxResults: 1_000,
  bulkMaxOperations: 1_000,
  bulkMaxPayloadBytes: 4 * 1024 * 1024,
  defaultPageSize: 100,
  maxPageSize: 1_000,
};
