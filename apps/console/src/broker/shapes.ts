// What the broker answers: the vendor's API (its OpenAPI document says more), and what the console's own paths add.

import type { Static } from '@sinclair/typebox';
import type { Event } from '../../../broker/src/frame/event-shapes';

export type Provider = 'entra' | 'okta' | 'jumpcloud' | 'onelogin' | 'google' | 'ping' | 'generic';
export type Role = 'admin' | 'viewer';
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface Session {
  member: { id: string; email: string } | null;
  environments: Environment[];
  sign_up: 'open' | 'closed';
  mail_reaches: boolean;
  public_url: string;
}

export interface Environment {
  id: string;
  name: string;
  role: Role;
  created_at: string;
}

export interface Organization {
  id: string;
  name: string;
  external_id: string | null;
  domains: string[];
  contacts: string[];
  metadata: Record<string, Json>;
  seat_limit: number | null;
  seat_mode: 'reject' | 'expand' | 'observe';
  seat_ceiling: number | null;
  seats_used: number;
  created_at: string;
  updated_at: string;
}

export interface Directory {
  id: string;
  organization_id: string;
  organization_external_id: string | null;
  name: string;
  provider: Provider;
  state: 'pending' | 'active' | 'disabled';
  basic_auth: boolean;
  base_url: string;
  has_bearer_token: boolean;
  last_request_at: string | null;
  created_at: string;
  updated_at: string;
}

export interface BearerToken {
  id: string;
  name: string | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface OAuthClient {
  id: string;
  client_id: string;
  grant_type: 'client_credentials' | 'authorization_code';
  redirect_uris: string[];
  created_at: string;
  last_used_at: string | null;
}

export interface IssuedOAuthClient extends OAuthClient {
  client_secret: string;
  token_url: string;
  authorization_url?: string;
}

export interface ListedSetupLink {
  created_at: string;
  expires_at: string;
}

export interface User {
  id: string;
  directory_id: string;
  organization_id: string;
  external_id: string | null;
  user_name: string;
  active: boolean;
  email: string | null;
  emails: Json[];
  given_name: string | null;
  family_name: string | null;
  display_name: string | null;
  title: string | null;
  department: string | null;
  employee_number: string | null;
  manager: string | null;
  user_type: string | null;
  roles: { role: string; rule: number; group_id?: string }[];
  groups: { id: string; display_name: string }[];
  attributes: Record<string, Json>;
  raw: Record<string, Json>;
  version: number;
  created_at: string;
  updated_at: string;
}

export interface Group {
  id: string;
  directory_id: string;
  organization_id: string;
  external_id: string | null;
  display_name: string;
  member_count: number;
  raw: Record<string, Json>;
  version: number;
  created_at: string;
  updated_at: string;
}

export type GroupMember = (User & { type: 'user' }) | (Group & { type: 'group' });

export interface ListedUser {
  id: string;
  user_name: string;
  display_name: string | null;
  email: string | null;
  active: boolean;
  updated_at: string;
}

export interface ListedGroup {
  id: string;
  display_name: string;
  member_count: number;
  updated_at: string;
}

export interface ListedRequest {
  id: string;
  directory_id: string;
  at: string;
  method: string;
  path: string;
  status: number;
  outcome: 'succeeded' | 'failed';
  scim_type: string | null;
  detail: string | null;
  duration_ms: number;
  subject: string | null;
}

export interface WholeRequest extends ListedRequest {
  explanation: string | null;
  fix: string | null;
  notes: string[];
  user_agent: string | null;
  request_body: Json;
  response_body: Json;
  events: { id: string; type: string; sequence: number }[];
}

/** One of a union, told apart by `type`: as the OpenAPI document has it. */
export type LogEvent = Static<typeof Event>;
export type EventType = LogEvent['type'];
export type EventData<Type extends EventType = EventType> = Extract<LogEvent, { type: Type }>['data'];

export interface Endpoint {
  id: string;
  url: string;
  event_types: string[] | null;
  organization_id: string | null;
  description: string | null;
  ordering: 'directory' | 'none';
  state: 'active' | 'failing' | 'disabled';
  headers: Record<string, string>;
  max_parallel: number;
  public_key: string;
  failing_since: string | null;
  disabled_at: string | null;
  disabled_reason: 'gone' | 'failing' | 'by_hand' | null;
  created_at: string;
  updated_at: string;
}

export interface Attempt {
  at: string;
  status: number | null;
  duration_ms: number;
  error: string | null;
  response_body: string | null;
}

export interface LastAttempt {
  event_id: string;
  at: string;
  status: number | null;
  error: string | null;
  response_body: string | null;
}

export interface Delivery {
  event_id: string;
  type: string;
  directory_id: string | null;
  sequence: number;
  test: boolean;
  state: 'pending' | 'succeeded' | 'parked';
  next_attempt_at: string | null;
  attempts: Attempt[];
}

export interface ApiKey {
  id: string;
  name: string;
  created_at: string;
  last_used_at: string | null;
}

export interface Overview {
  organizations: number;
  directories: { total: number; pending: number; active: number; disabled: number };
  active_users: number;
  endpoints: { total: number; failing: number; disabled: number };
  events: { total: number; last_day: number };
  failing_directories: {
    id: string;
    name: string;
    organization_id: string;
    organization_name: string;
    provider: Provider;
    failed: number;
    last_request_at: string | null;
  }[];
  failing_endpoints: { id: string; url: string; state: 'failing' | 'disabled'; reason: string | null; since: string | null }[];
}

export interface DirectoryHealth {
  users: number;
  active_users: number;
  groups: number;
  operations: number;
  operations_capped: boolean;
  failed: number;
  last_success_at: string | null;
  last_failure_at: string | null;
  failures: Failure[];
}

export interface Failure {
  status: number;
  scim_type: string | null;
  method: string;
  resource: string;
  detail: string | null;
  count: number;
  last_at: string;
  request_id: string;
  subject: string | null;
  explanation: string | null;
  fix: string | null;
}

export interface EndpointStatistics {
  hours: number;
  attempts: number;
  succeeded: number;
  pending: number;
  pending_capped: boolean;
  parked: number;
  buckets: { at: string; attempts: number; succeeded: number; median_ms: number | null; p95_ms: number | null }[];
}

export interface MembersAndInvitations {
  members: { id: string; email: string; role: Role; since: string; last_seen_at: string | null }[];
  invitations: { id: string; email: string; role: Role; invited_by: string | null; created_at: string; expires_at: string }[];
}

export interface SetupAppearance {
  vendor_name: string;
  color: string | null;
  has_logo: boolean;
  support_email: string | null;
}

export type RuleAction = 'reject' | 'warn' | 'ignore';
export type TransformStep = 'trim' | 'lower' | 'upper' | { split: string } | { lookup: Record<string, string | number | boolean> };

export interface MappedAttribute {
  name: string;
  type: 'string' | 'number' | 'boolean' | 'date' | 'string_list' | 'object';
  from?: string | string[];
  constant?: Json;
  required?: boolean;
  allowed_values?: (string | number)[];
  pattern?: string;
  default?: Json;
  transform?: TransformStep[];
}

export interface RoleRule {
  role?: string;
  group?: string;
  role_from?: string;
  transform?: TransformStep[];
  lookup?: Record<string, string>;
  allowed_values?: string[];
}

export interface AttributeMapping {
  attributes: MappedAttribute[];
  roles: { mode: 'one' | 'many'; default: string | null; rules: RoleRule[] };
  rules: { invalid_value: RuleAction; missing_required: RuleAction; foreign_domain: RuleAction; email_elsewhere: RuleAction };
  /** Of a directory: it has none of its own, and this is its environment's. */
  inherited?: boolean;
}

export interface MappingPreview {
  changed: number;
  failing: number;
  users: number;
  complete: boolean;
  reasons: { rule: string; attribute: string; path: string; wanted: string; action: RuleAction; users: number }[];
  examples: {
    user: { id: string; user_name: string; directory_id: string };
    before: { attributes: Record<string, Json>; roles: { role: string }[] };
    after: { attributes: Record<string, Json>; roles: { role: string }[] };
    problems: { rule: string; attribute: string; path: string; wanted: string; action: RuleAction; sent: Json; detail: string }[];
  }[];
}

export interface Remap {
  id: string;
  directory_id: string | null;
  state: 'running' | 'finished' | 'superseded';
  users_total: number | null;
  users_done: number;
  users_changed: number;
  users_failing: number;
  created_at: string;
  finished_at: string | null;
}

export interface Brake {
  max_users: number | null;
  max_percent: number | null;
  window_seconds: number;
  engaged_at: string | null;
  departures: number;
}
