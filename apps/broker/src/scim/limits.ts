import type { ServiceLimits } from '#scim';

/** What one request may carry. Members of one group can be many: 50,000 of them are some 8 MB. */
export const bodyBytesAtMost = 16 * 1024 * 1024;

/** What ServiceProviderConfig says. */
export const limits: ServiceLimits = {
  filterMaxResults: 1_000,
  bulkMaxOperations: 1_000,
  bulkMaxPayloadBytes: 4 * 1024 * 1024,
  defaultPageSize: 100,
  maxPageSize: 1_000,
};
