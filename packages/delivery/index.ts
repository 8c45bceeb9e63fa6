/**
 * The second reader of the log: gives committed events their positions, and brings them to webhook endpoints.
 *
 *   committed ──sequencer──▶ in the feed, lanes marked ──doorbell, or sweep──▶ lane held ──POST──▶ 2xx, ack ──▶ done with
 *                                                            ▲                          │
 *                                                            └── retry schedule ◀───────┤ failure
 *                                                               (12 refusals or 24 h) ──┴──────▶ parked
 *
 * A lane is (endpoint, directory). PostgreSQL holds all that must not be lost; a doorbell (BullMQ) only says that a lane may
 * have work. `breaker.ts` shows the states of an endpoint as a whole.
 *
 * Must not import `scim`, `accounts`, `notify` or express: it returns what happened, and the worker logs, counts and mails.
 */
export { AddressRule } from './addresses';
export { type Backlog, readBacklog } from './backlog';
export { type Notice } from './breaker';
export { type Consumer, commitConsumer, deleteConsumer, getConsumer, listConsumers, seekConsumer, TooManyConsumers } from './consumers';
export { type Delivery, type DeliveryState, type Attempt, listDeliveries, getDelivery, retryDelivery } from './deliveries';
export { type BellBackend, Doorbell } from './doorbell';
export { type AttemptReport, type Bell, Drain, type DrainOptions } from './drain';
export {
  type Endpoint,
  type Ordering,
  type DisabledReason,
  type Start,
  EndpointError,
  EndpointNotFound,
  InvalidEndpointUrl,
  InvalidEndpointHeader,
  TooManyEndpoints,
  UnknownOrganization,
  DeliveryNotFound,
  InvalidDeliveryCursor,
  EndpointDisabled,
} from './endpoint';
export {
  type NewEndpoint,
  type EndpointChanges,
  createEndpoint,
  listEndpoints,
  getEndpoint,
  changeEndpoint,
  deleteEndpoint,
  rotateSecret,
  sendTestEvent,
} from './endpoints';
export { eraseAttempts } from './erase-attempts';
export { type FeedListener, FeedNotices, listenToFeed } from './feed-notices';
export { Poster, type PosterOptions } from './post';
export { positionBefore, replay } from './replay';
export { forgetEvents, forgetLeftovers } from './retention';
export { type SequencedBatch, sequenceBatch, Sequencer } from './sequencer';
export { sweep } from './sweep';
