// What the broker answers. Each is the type of the schema by which the broker itself describes it: a field that is renamed there
// does not compile here. Types alone: nothing of the broker is in what a browser loads.

import type * as Api from '../../../broker/src/api/shapes';
import type * as Console from '../../../broker/src/console/shapes';
import type { Event } from '../../../broker/src/frame/event-shapes';
import type * as Shared from '../../../broker/src/frame/shapes';
import type * as Pages from '../../../broker/src/pages/shapes';
import type * as Setup from '../../../broker/src/setup/shapes';

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** What comes of a schema, once it is parsed: what the schema leaves open is JSON. */
type Of<Schema extends { static: unknown }> = Parsed<Schema['static']>;
type Parsed<T> = unknown extends T
  ? Json
  : T extends readonly (infer Element)[]
    ? Parsed<Element>[]
    : T extends object
      ? keyof T extends never
        ? { [name: string]: Json }
        : { [Field in keyof T]: Parsed<T[Field]> }
      : T;

/** One page of a list. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

// Of both pages
export type Provider = Directory['provider'];
export type DirectoryHealth = Of<typeof Pages.DirectoryHealth>;
export type Failure = Of<typeof Pages.Failure>;
export type ListedRequest = Of<typeof Pages.ListedRequest>;

// Of the console: who is here, and what is theirs
export type Session = Of<typeof Console.Session>;
export type Environment = Of<typeof Console.MemberEnvironment>;
export type Role = Environment['role'];
export type Mailed = Of<typeof Console.Mailed>;
export type OpenedInvitation = Of<typeof Console.OpenedInvitation>;
export type SignedInPlaces = Of<typeof Console.SignedInPlaces>;
export type MembersAndInvitations = Of<typeof Console.MembersAndInvitations>;
export type Invited = Of<typeof Console.Invited>;
export type SetupAppearance = Of<typeof Console.SetupAppearance>;

// Of the console: what it shows besides the API's
export type Overview = Of<typeof Console.Overview>;
export type NewestEvents = Of<typeof Console.NewestEvents>;
export type WholeRequest = Of<typeof Console.WholeRequest>;
export type ListedUser = Of<typeof Console.ListedUser>;
export type ListedGroup = Of<typeof Console.ListedGroup>;
export type SetupLinks = Of<typeof Console.SetupLinks>;
export type EndpointStatistics = Of<typeof Console.EndpointStatistics>;
export type LastAttempt = Of<typeof Console.LastAttempt>;
export type ReplayPreview = Of<typeof Console.ReplayPreview>;

// Of the API
export type Organization = Of<typeof Shared.Organization>;
export type Directory = Of<typeof Shared.Directory>;
export type User = Of<typeof Shared.User>;
export type Group = Of<typeof Shared.Group>;
export type GroupMember = Of<typeof Api.GroupMember>;
export type ApiKey = Of<typeof Shared.ApiKey>;
export type IssuedApiKey = Of<typeof Api.IssuedApiKey>;
export type BearerToken = Of<typeof Api.BearerToken>;
export type IssuedBearerToken = Of<typeof Api.IssuedBearerToken>;
export type OAuthClient = Of<typeof Api.OAuthClient>;
export type IssuedOAuthClient = Of<typeof Api.IssuedOAuthClient>;
export type IssuedToken = Of<typeof Api.IssuedToken>;
export type SetupLink = Of<typeof Api.SetupLink>;
export type Endpoint = Of<typeof Api.Endpoint>;
export type IssuedEndpoint = Of<typeof Api.IssuedEndpoint>;
export type ReplacedSecret = Of<typeof Api.ReplacedSecret>;
export type Delivery = Of<typeof Api.Delivery>;
export type Attempt = Delivery['attempts'][number];
export type Brake = NonNullable<Of<typeof Api.Brake>>;
export type Remap = Of<typeof Api.Remap>;
export type TestSent = Of<typeof Api.TestSent>;
export type RemapBegun = Of<typeof Api.RemapBegun>;
export type MappingPreview = Of<typeof Api.Preview>;
export type AuditEntry = Of<typeof Api.AuditEntry>;

type MappingBody = Of<typeof Api.DirectoryAttributeMapping>;
/** As it is answered: whole. */
export type AttributeMapping = Pick<MappingBody, 'inherited'> & {
  attributes: NonNullable<MappingBody['attributes']>;
  roles: Required<NonNullable<MappingBody['roles']>>;
  rules: Required<NonNullable<MappingBody['rules']>>;
};
export type MappedAttribute = AttributeMapping['attributes'][number];
export type TransformStep = NonNullable<MappedAttribute['transform']>[number];
export type RoleRule = AttributeMapping['roles']['rules'][number];
export type RuleAction = AttributeMapping['rules']['invalid_value'];

/** One of a union, told apart by `type`: as the OpenAPI document has it. */
export type LogEvent = Of<typeof Event>;
export type EventType = LogEvent['type'];
export type EventData<Type extends EventType = EventType> = Extract<LogEvent, { type: Type }>['data'];

// Of the setup page
export type SetupSession = Of<typeof Setup.SetupSession>;
export type SetupRequest = Of<typeof Pages.WholeRequest>;
export type SetupDirectory = Of<typeof Setup.SetupDirectory>;
export type WantedAttribute = Of<typeof Setup.WantedAttribute>;
export type Progress = Of<typeof Setup.Progress>;
export type Arrival = Of<typeof Setup.Arrival>;
export type SetupCredentials = Of<typeof Setup.SetupCredentials>;
export type SetupOAuthClient = Of<typeof Setup.SetupOAuthClient>;
export type IssuedSetupOAuthClient = Of<typeof Setup.IssuedSetupOAuthClient>;
export type IssuedSetupToken = Of<typeof Setup.IssuedSetupToken>;
export type IssuedSetupSecret = Of<typeof Setup.IssuedSetupSecret>;
