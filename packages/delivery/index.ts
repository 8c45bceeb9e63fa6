/**
 * The second reader of the log: gives committed events their positions, and brings them to webhook endpoints.
 *
 *   committed ──sequencer──▶ in the feed, lanes marked ──doorbell, or sweep──▶ lane held ──POST──▶ 2xx, ack ──▶ done with
 *                                                            ▲                          │
 *                                                            └── retry schedule ◀───────┤ failure
 *                                                               (12 refusals or 24 h) ──┴──────▶ parked
 *
 * A lane is (endpoint, directory). PostgreSQL holds all that must not be lost; a doorbell (BullMQ) only says that a lane may
 * have work. docs/states.md draws the states of a delivery, a lane and an endpoint; `lanes/decision.ts` decides what an attempt means.
 *
 * Must not import `scim`, `accounts`, `notify` or express: it returns what happened, and the worker logs, counts and mails.
 */
export { AddressRule } from './endpoint/addresses';
export { type Backlog, readBacklog } from './lanes/backlog';
export { type Notice } from './record/breaker';
export {
  type Consumer,
  commitConsumer,
  deleteConsumer,
  getConsumer,
  listConsumers,
  seekConsumer,
  TooManyConsumers,
} from './poll/consumers';
export { type Delivery, type DeliveryState, type Attempt, listDeliveries, getDelivery, retryDelivery } from './record/deliveries';
export { type BellBackend, Doorbell } from './lanes/doorbell';
export { type AttemptReport, type Bell, Drain, type DrainOptions } from './lanes/drain';
export { Senders } from './attempt/sender';
export { SharedPages } from './lanes/shared-pages';
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
} from './endpoint/endpoint';
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
} from './endpoint/endpoints';
export { type EndpointState, listEndpointStates } from './endpoint/endpoint-states';
export { countReplay } from './endpoint/replay-preview';
export { type EndpointStatistics, endpointStatistics } from './record/endpoint-statistics';
export { type LastAttempt, lastAttemptOf } from './record/last-attempt';
export { eraseAttempts } from './record/erase-attempts';
export { type FeedListener, FeedNotices, listenToFeed } from './poll/feed-notices';
export { Poster, type PosterOptions } from './attempt/post';
export { exampleEvent } from './endpoint/example-event';
export { positionBefore, replay } from './endpoint/replay';
export { forgetEvents, forgetLeftovers } from './record/retention';
export { type SequencedBatch, sequenceBatch, Sequencer } from './lanes/sequencer';
export { sweep } from './lanes/sweep';
export { type PulledBack, pullBackTimes } from './lanes/times-ahead';
