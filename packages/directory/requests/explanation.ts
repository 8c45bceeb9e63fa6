/** A refused SCIM request in plain words, with what to do about it in the identity provider that sent it. Pure. */
import type { Provider } from '../resource/told-directory';

export interface Explanation {
  /** What happened, for somebody who does not know SCIM. */
  explanation: string;
  /** What puts it right, and where. */
  fix: string;
}

export interface ExplainedRequest {
  provider: Provider;
  method: string;
  path: string;
  status: number;
  scimType: string | null;
  detail: string | null;
}

/** `undefined` where nothing was refused. */
export function explainRequest(request: ExplainedRequest): Explanation | undefined {
  if (request.status < 400) return undefined;
  const cause = causes.find((one) => one.is(request));
  return cause && { explanation: cause.explanation(request), fix: cause.fix(consoles[request.provider], request) };
}

/** Where IT admins find things in their identity provider. Written so that each completes "in …" or stands by itself. */
interface Console {
  name: string;
  /** where a single user can be sent again */
  retry: string;
  /** where it is decided what is sent */
  mapping: string;
  /** where it is decided who is sent */
  assignment: string;
  credentials: string;
}

const consoles: Record<Provider, Console> = {
  entra: {
    name: 'Entra',
    retry:
      'Then try the user at once with Provisioning › Provision on demand; otherwise Entra tries again with its next cycle, within 40 minutes.',
    mapping: 'Enterprise applications › your application › Provisioning › Attribute mapping',
    assignment: 'Enterprise applications › your application › Users and groups',
    credentials: 'Enterprise applications › your application › Provisioning › Connectivity (Admin credentials)',
  },
  okta: {
    name: 'Okta',
    retry:
      'Then press Retry Selected for the task in Dashboard › Tasks, or Force Sync in the application’s Provisioning tab: Okta does not try again by itself.',
    mapping: 'Applications › your application › Provisioning › To App › Attribute Mappings',
    assignment: 'Applications › your application › Assignments and Push Groups',
    credentials: 'Applications › your application › Provisioning › Integration',
  },
  jumpcloud: {
    name: 'JumpCloud',
    retry: 'Then save the user or the group once more in JumpCloud, which sends it again.',
    mapping: 'SSO Applications › your application › Identity Management › Attribute Mapping',
    assignment: 'SSO Applications › your application › User Groups',
    credentials: 'SSO Applications › your application › Identity Management',
  },
  onelogin: {
    name: 'OneLogin',
    retry: 'Then open Users › Provisioning (or the application’s Users tab), select the failed task and press Retry.',
    mapping: 'Applications › your application › Parameters',
    assignment: 'Applications › your application › Access and Rules',
    credentials: 'Applications › your application › Configuration',
  },
  google: {
    name: 'Google Workspace',
    retry: 'Google tries again by itself within some hours; turning autoprovisioning off and on begins it at once.',
    mapping: 'Apps › Web and mobile apps › your application › Autoprovisioning › Attribute mapping',
    assignment: 'Apps › Web and mobile apps › your application › User access and Provisioning scope',
    credentials: 'Apps › Web and mobile apps › your application › Autoprovisioning › Credentials',
  },
  ping: {
    name: 'PingOne',
    retry: 'Then open Integrations › Provisioning › the rule › Sync Status, and sync again.',
    mapping: 'Integrations › Provisioning › Rules › your rule › Attribute Mapping',
    assignment: 'Integrations › Provisioning › Rules › your rule › User Filter',
    credentials: 'Integrations › Provisioning › Connections › your connection › Configuration',
  },
  generic: {
    name: 'the identity provider',
    retry: 'Then send the user or the group again.',
    mapping: 'the attribute mapping of the identity provider',
    assignment: 'the assignments of the identity provider',
    credentials: 'the provisioning settings of the identity provider',
  },
};

interface Cause {
  is: (request: ExplainedRequest) => boolean;
  explanation: (request: ExplainedRequest) => string;
  fix: (console: Console, request: ExplainedRequest) => string;
}

const says =
  (words: RegExp) =>
  ({ detail }: ExplainedRequest): boolean =>
    detail !== null && words.test(detail);
const what = ({ path }: ExplainedRequest): string => (/^\/groups/i.test(path) ? 'group' : /^\/users/i.test(path) ? 'user' : 'request');
const subject = (request: ExplainedRequest): string => (what(request) === 'group' ? 'group' : 'user');

// The first that fits counts.
const causes: Cause[] = [
  {
    is: ({ status }) => status === 401,
    explanation: () => 'The secret token or access token does not belong to this directory: it was replaced or revoked, or has expired.',
    fix: ({ credentials }) => `Create a new token and enter it, together with the base URL: ${credentials}.`,
  },
  {
    is: (request) => request.status === 403 && says(/\bseats?\b/i)(request),
    explanation: () => 'The organization has no seat left for another active user.',
    fix: ({ assignment, retry }) =>
      `Remove somebody who does not need access any more from ${assignment}, or ask the application’s vendor for more seats. ${retry}`,
  },
  {
    is: ({ status }) => status === 403,
    explanation: () => 'The directory is disabled: everything that is sent to it is rejected.',
    fix: () => 'Ask the application’s vendor to enable it again. Nothing needs to be changed in the identity provider.',
  },
  {
    is: (request) => request.status === 404 && what(request) === 'request',
    explanation: ({ path }) => `The identity provider called an address that there is not: ${path.split('?')[0]}.`,
    fix: ({ credentials }) => `See that the base URL ends with the directory’s id and nothing behind it: ${credentials}.`,
  },
  {
    is: ({ status }) => status === 404,
    explanation: (request) =>
      `The ${what(request)} does not exist: it was deleted here, or never arrived. Identity providers remember the id that they were given.`,
    fix: ({ name, assignment }) =>
      `If it should exist, remove it from ${assignment} and add it again, so that ${name} creates it anew. Otherwise there is nothing to do.`,
  },
  {
    is: (request) => request.status === 409 && says(/another organization/i)(request),
    explanation: () => 'Somebody with this e-mail address is an active user of another organization.',
    fix: ({ retry }) => `Have them deactivated there first, or change the address. ${retry}`,
  },
  {
    is: ({ status }) => status === 409,
    explanation: (request) => `Another ${what(request)} has that name already, so it was not created a second time.`,
    fix: ({ name, mapping }) =>
      `Usually ${name} then finds the existing one and updates it. If not, two of them share a name: rename one, or match by another attribute in ${mapping}.`,
  },
  {
    is: ({ status }) => status === 412,
    explanation: (request) => `The ${what(request)} had changed between being read and being written.`,
    fix: ({ name }) => `Nothing to do: ${name} reads it again and tries once more.`,
  },
  {
    is: ({ status }) => status === 413,
    explanation: () => 'The request was too large.',
    fix: ({ name }) =>
      `Have ${name} send the members of a large group in several requests, or leave out photos and other large attributes.`,
  },
  {
    is: (request) => request.status === 429 && says(/\bbrake\b/i)(request),
    explanation: () =>
      'So many users were deactivated or deleted in a short time that the brake was engaged. Nobody is removed until the application’s vendor has released it.',
    fix: ({ name, assignment }) =>
      `If it was meant, ask the application’s vendor to release the brake: ${name} tries again by itself. If not, look at what has changed in ${assignment} first.`,
  },
  {
    is: ({ status }) => status === 429,
    explanation: () => 'More requests came in a second than one directory may send.',
    fix: ({ name }) => `Nothing to do: ${name} waits and tries again.`,
  },
  {
    is: (request) => request.status === 400 && says(/is required and has no value|is required, and must be/i)(request),
    explanation: ({ detail }) => `A required value was not sent. ${detail}`,
    fix: ({ mapping, retry }, request) => `Give the ${subject(request)} a value, and see that it is mapped: ${mapping}. ${retry}`,
  },
  {
    is: (request) => request.status === 400 && says(/in this directory\. Provision it first/i)(request),
    explanation: () => 'A member of the group has not been provisioned yet, so it could not be added.',
    fix: ({ assignment, retry }) => `Assign the member itself in ${assignment}. ${retry}`,
  },
  {
    is: ({ status, scimType }) => status === 400 && scimType === 'invalidValue',
    explanation: ({ detail }) => `A value is not allowed. ${detail ?? ''}`.trim(),
    fix: ({ mapping, retry }, request) =>
      `Change the value in the ${subject(request)}’s profile, or what is sent for it: ${mapping}. ${retry}`,
  },
  {
    is: ({ status, scimType }) => status === 400 && (scimType === 'invalidPath' || scimType === 'noTarget'),
    explanation: ({ detail }) =>
      `The request names an attribute that users and groups do not have here, or changes a value that does not exist. ${detail ?? ''}`.trim(),
    fix: ({ mapping, retry }) =>
      `Look for a mistyped target attribute: ${mapping}. Custom attributes need a URN: urn:ietf:params:scim:schemas:extension:… ${retry}`,
  },
  {
    is: ({ status, scimType }) => status === 400 && scimType === 'mutability',
    explanation: () => 'The request changes an attribute that cannot be changed.',
    fix: ({ mapping, retry }) => `Remove it from what is sent: ${mapping}. ${retry}`,
  },
  {
    is: ({ status, scimType }) => status === 400 && scimType === 'invalidFilter',
    explanation: () => 'The identity provider searched with a filter that is not supported.',
    fix: ({ mapping }) => `Match by userName or externalId, which always works: ${mapping}.`,
  },
  {
    is: ({ status }) => status === 400 || status === 415,
    explanation: ({ detail }) => `The request could not be read as SCIM. ${detail ?? ''}`.trim(),
    fix: ({ name }) => `An admin can rarely fix this: send the application’s vendor the id of this request, and the version of ${name}.`,
  },
  {
    is: ({ status }) => status === 405 || status === 501,
    explanation: () => 'The identity provider asked for something that this endpoint does not support.',
    fix: ({ credentials }) => `Check that the base URL ends with the directory’s id, with nothing after it: ${credentials}.`,
  },
  {
    is: ({ status }) => status === 499,
    explanation: ({ detail }) =>
      `${detail ?? 'The connection was broken off.'} It was the identity provider, or something between, that broke it off.`,
    fix: ({ name }) =>
      `Nothing to do: ${name} sends it again. If it goes on, look for a proxy or a time limit on the way that is too short.`,
  },
  {
    is: () => true,
    explanation: () => 'It could not be done at that moment, and nothing was changed. This was not the identity provider’s fault.',
    fix: ({ name }) => `Nothing to do: ${name} tries again. If it keeps failing, tell the application’s vendor the id of this request.`,
  },
];
