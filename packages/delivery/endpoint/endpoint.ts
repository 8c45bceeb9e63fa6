import type { EventType } from '#directory';

/** Where a vendor receives webhooks. */
export interface Endpoint {
  id: string;
  environmentId: string;
  url: string;
  /** `null`: every type. */
  eventTypes: EventType[] | null;
  /** `null`: every organization. */
  organizationId: string | null;
  description: string | null;
  ordering: Ordering;
  /** `failing`: its last attempts failed and none has succeeded since; `disabled`: nothing is sent until it is enabled again. */
  state: 'active' | 'failing' | 'disabled';
  /** Sent with every webhook. Their values may be secrets, and are kept encrypted. */
  headers: Record<string, string>;
  /** How many requests may be under way to it at once. */
  maxParallel: number;
  /** `whpk_…`: verifies the `v1a` signatures (Ed25519) that stand beside `v1`. */
  publicKey: string;
  failingSince: Date | null;
  disabledAt: Date | null;
  disabledReason: DisabledReason | null;
  createdAt: Date;
  updatedAt: Date;
}

/** `directory`: the events of one directory by `sequence`, one at a time; `none`: nothing waits for anything. */
export type Ordering = 'directory' | 'none';

/** `gone`: it answered 410; `failing`: nothing but failures for 5 days; `by_hand`: the vendor said so. */
export type DisabledReason = 'gone' | 'failing' | 'by_hand';

/** From where in the log a new endpoint gets events: those after what stands there now, all, or those after a position. */
export type Start = 'now' | 'beginning' | { after: number };

/** A request that a vendor made about its endpoints cannot be done. Has a sentence a stranger can act on. */
export class EndpointError extends Error {}

/** No such endpoint in that environment. */
export class EndpointNotFound extends EndpointError {
  constructor(readonly endpointId: string) {
    super('there is no such webhook endpoint');
  }
}

/** Webhooks cannot be sent to that URL, whatever it answers. */
export class InvalidEndpointUrl extends EndpointError {
  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`webhooks cannot be sent to this URL: ${reason}`);
  }
}

/** A header that a vendor may not choose, or that HTTP does not allow. */
export class InvalidEndpointHeader extends EndpointError {
  constructor(
    readonly header: string,
    readonly reason: string,
  ) {
    super(`the header ${JSON.stringify(header)} cannot be sent: ${reason}`);
  }
}

export class TooManyEndpoints extends EndpointError {
  constructor(readonly limit: number) {
    super(`an environment has at most ${limit} webhook endpoints: delete one first`);
  }
}

/** The organization that an endpoint should be scoped to is not one of this environment's. */
export class UnknownOrganization extends EndpointError {
  constructor(readonly organizationId: string) {
    super('there is no such organization');
  }
}

/** That event was never owed to that endpoint, or is no longer kept. */
export class DeliveryNotFound extends EndpointError {
  constructor(readonly eventId: string) {
    super('this endpoint has no delivery of that event');
  }
}

/** Not a cursor that a list of deliveries has given. */
export class InvalidDeliveryCursor extends EndpointError {
  constructor() {
    super('this is not a cursor of this list');
  }
}

/** A disabled endpoint is sent nothing, so asking for it again would be a promise not kept. */
export class EndpointDisabled extends EndpointError {
  constructor(readonly endpointId: string) {
    super('this webhook endpoint is disabled: enable it first');
  }
}
