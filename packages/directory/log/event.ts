import { publicId } from '#identifier';
import type { EventData, EventType } from './event-data';

/** An event as a vendor reads it, by webhook and by API alike: one of a union, told apart by `type`. */
export type EventJson<Type extends EventType = EventType> = { [T in Type]: EventHead<T> & { data: EventData[T] } }[Type];

/** All of it but `data`. */
export interface EventHead<Type extends EventType = EventType> {
  id: string;
  type: Type;
  occurred_at: string;
  organization_id: string;
  organization_external_id: string | null;
  directory_id: string;
  position: number;
  sequence: number;
  /** The one in which its `sequence` was drawn: another one begins where the database is set back. */
  epoch: string;
  request_id: string | null;
  /** Of an example event, which stands in no log. */
  test?: true;
}

/** An event as it stands in the log, with the exact JSON that a vendor sees. */
export interface LoggedEvent {
  id: string;
  type: EventType;
  environmentId: string;
  organizationId: string;
  directoryId: string;
  position: number;
  sequence: number;
  occurredAt: Date;
  json: string;
}

/** What an event says. Costs reading its JSON: for whoever looks into it, not for whoever passes it on. */
export function readEvent({ json }: LoggedEvent): EventJson {
  const event: EventJson = JSON.parse(json); // made below, of what `appendEvents` was given
  return event;
}

export interface EventRow {
  id: string;
  type: EventType;
  environment_id: string;
  organization_id: string;
  organization_external_id: string | null;
  directory_id: string;
  position: number;
  sequence: number;
  epoch: string;
  occurred_at: Date;
  request_id: string | null;
  /** The text of `data`: spliced in as it is, never parsed on the way out. */
  data: string;
}

export function loggedEvent(row: EventRow): LoggedEvent {
  const head: EventHead = {
    id: publicId('evt', row.id),
    type: row.type,
    occurred_at: row.occurred_at.toISOString(),
    organization_id: publicId('org', row.organization_id),
    organization_external_id: row.organization_external_id,
    directory_id: publicId('dir', row.directory_id),
    position: row.position,
    sequence: row.sequence,
    epoch: row.epoch,
    request_id: row.request_id === null ? null : publicId('req', row.request_id),
  };
  return {
    id: row.id,
    type: row.type,
    environmentId: row.environment_id,
    organizationId: row.organization_id,
    directoryId: row.directory_id,
    position: row.position,
    sequence: row.sequence,
    occurredAt: row.occurred_at,
    json: `${JSON.stringify(head).slice(0, -1)},"data":${row.data}}`,
  };
}
