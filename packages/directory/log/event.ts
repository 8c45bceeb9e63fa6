import { publicId } from '#identifier';

export const eventTypes = [
  'directory.activated',
  'directory.disabled',
  'directory.deleted',
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.reactivated',
  'user.deleted',
  'group.created',
  'group.updated',
  'group.deleted',
  'group.member_added',
  'group.member_removed',
  'provisioning.failed',
  'seats.threshold_reached',
  'seats.expanded',
  'directory.brake_engaged',
  'directory.brake_released',
  'credential.expiring',
] as const;

export type EventType = (typeof eventTypes)[number];

export function isEventType(text: string): text is EventType {
  return (eventTypes as readonly string[]).includes(text);
}

/** An event as it stands in the log, with the exact JSON that a vendor sees, by webhook and by API alike. */
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

export interface EventRow {
  id: string;
  type: EventType;
  environment_id: string;
  organization_id: string;
  organization_external_id: string | null;
  directory_id: string;
  position: number;
  sequence: number;
  occurred_at: Date;
  request_id: string | null;
  /** The text of `data`: spliced in as it is, never parsed on the way out. */
  data: string;
}

export function loggedEvent(row: EventRow): LoggedEvent {
  const head = JSON.stringify({
    id: publicId('evt', row.id),
    type: row.type,
    occurred_at: row.occurred_at.toISOString(),
    organization_id: publicId('org', row.organization_id),
    organization_external_id: row.organization_external_id,
    directory_id: publicId('dir', row.directory_id),
    position: row.position,
    sequence: row.sequence,
    request_id: row.request_id === null ? null : publicId('req', row.request_id),
  });
  return {
    id: row.id,
    type: row.type,
    environmentId: row.environment_id,
    organizationId: row.organization_id,
    directoryId: row.directory_id,
    position: row.position,
    sequence: row.sequence,
    occurredAt: row.occurred_at,
    json: `${head.slice(0, -1)},"data":${row.data}}`,
  };
}
