import { identityProvider, startVendor, eventually } from '#testing';
import { play } from '../src/sandbox/play';
import type { TestConsole } from './a-console';

/** Ids of one of each thing that has a page. */
export interface Populated {
  environment: string;
  organization: string;
  directory: string;
  /** One that nobody has called yet. */
  pendingDirectory: string;
  user: string;
  group: string;
  event: string;
  failedEvent: string;
  request: string;
  endpoint: string;
  failingEndpoint: string;
  /** The setup page of the pending directory. */
  setupLink: string;
  connectedSetupLink: string;
  /** Where the endpoints' webhooks go. */
  receiverUrl: string;
  brokenUrl: string;
}

/** Fills a console with what a vendor has after some days: customers, people, failures, webhooks of which some fail. */
export async function populate({ url, api, environmentId }: TestConsole, { users = 12 } = {}): Promise<Populated> {
  const receiver = await startVendor();
  const broken = await startVendor({ status: 500, body: '{"error": "database is locked"}' });
  const endpoint = await api('POST', '/v1/webhook_endpoints', { url: receiver.url, description: 'Production backend' });
  const failingEndpoint = await api('POST', '/v1/webhook_endpoints', {
    url: broken.url,
    description: 'Data warehouse',
    event_types: ['user.created', 'user.deactivated'],
  });
  const organization = await api('POST', '/v1/organizations', {
    name: 'Acme',
    external_id: 'acme',
    domains: ['acme.com'],
    contacts: ['it@acme.com'],
    seat_limit: users + 10,
  });
  const directory = await api('POST', '/v1/directories', { organization_id: organization.id, provider: 'entra', name: 'Acme Entra' });
  const globex = await api('POST', '/v1/organizations', { name: 'Globex', external_id: 'globex' });
  const pending = await api('POST', '/v1/directories', { organization_id: globex.id, provider: 'okta', name: 'Globex Okta' });

  const { token } = await api('POST', `/v1/directories/${directory.id}/bearer_token`, {});
  const idp = identityProvider({ baseUrl: `${url}/scim/v2/${directory.id}`, token });
  await play(
    { provider: 'entra', users, groups: 3, laterChanges: true, failures: true, domain: 'acme.com' },
    (method, path, body) => idp.send({ method, path, body }),
    () => {},
    new AbortController().signal,
  );
  await eventually(() => receiver.received.length > users && broken.received.length > 0);
  const first = async (path: string): Promise<string> => (await api('GET', path)).data[0].id;
  // Requests are written beside the exchange, a moment later.
  const request = await eventually(() => first(`/v1/directories/${directory.id}/requests?outcome=failed&limit=1`));
  return {
    environment: environmentId,
    organization: organization.id,
    directory: directory.id,
    pendingDirectory: pending.id,
    user: await first(`/v1/directories/${directory.id}/users?limit=1`),
    group: await first(`/v1/directories/${directory.id}/groups?limit=1`),
    event: await first('/v1/events?types=user.updated&limit=1'),
    failedEvent: await first('/v1/events?types=provisioning.failed&limit=1'),
    request,
    endpoint: endpoint.id,
    failingEndpoint: failingEndpoint.id,
    setupLink: (await api('POST', `/v1/directories/${pending.id}/setup_link`, {})).url,
    connectedSetupLink: (await api('POST', `/v1/directories/${directory.id}/setup_link`, {})).url,
    receiverUrl: receiver.url,
    brokenUrl: broken.url,
  };
}

/** The addresses of the console's pages, by name. */
export function consolePages(ids: Populated): Record<string, string> {
  const paths = {
    overview: '',
    organizations: '/organizations',
    organization: `/organizations/${ids.organization}`,
    directories: '/directories',
    directory: `/directories/${ids.directory}`,
    'directory-pending': `/directories/${ids.pendingDirectory}`,
    'directory-users': `/directories/${ids.directory}/users`,
    'directory-groups': `/directories/${ids.directory}/groups`,
    'directory-connection': `/directories/${ids.directory}/connection`,
    'directory-settings': `/directories/${ids.directory}/settings`,
    user: `/users/${ids.user}`,
    'user-history': `/users/${ids.user}/history`,
    'user-raw': `/users/${ids.user}/raw`,
    group: `/groups/${ids.group}`,
    events: '/events',
    event: `/events/${ids.event}`,
    'event-failed': `/events/${ids.failedEvent}`,
    requests: '/requests',
    request: `/requests/${ids.request}`,
    webhooks: '/webhooks',
    webhook: `/webhooks/${ids.failingEndpoint}`,
    'webhook-charts': `/webhooks/${ids.endpoint}/charts`,
    'webhook-receiver': `/webhooks/${ids.endpoint}/receiver`,
    'webhook-about': `/webhooks/${ids.endpoint}/about`,
    sandbox: '/sandbox',
    'api-keys': '/api-keys',
    members: '/members',
    'audit-log': '/audit-log',
    mapping: '/mapping',
    settings: '/settings',
    account: '/account',
  };
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, `/${ids.environment}${path}`]));
}

/** Pages that are seen before anybody has signed in. */
export const strangersPages: Record<string, string> = {
  'sign-in': '/sign-in',
  'sign-up': '/sign-up',
  forgotten: '/forgotten',
  reset: '/reset/nothing',
  invitation: '/invitation/nothing',
};

/** Pages below a setup link, once it has been opened. */
export const setupPages: Record<string, string> = {
  'setup-choose': '/setup',
  'setup-entra-token': '/setup/guide/entra-token',
  'setup-entra-client': '/setup/guide/entra-client',
  'setup-okta-header': '/setup/guide/okta-header',
  'setup-okta-code': '/setup/guide/okta-code',
  'setup-jumpcloud': '/setup/guide/jumpcloud',
  'setup-onelogin': '/setup/guide/onelogin',
  'setup-ping': '/setup/guide/ping',
  'setup-google': '/setup/guide/google',
  'setup-other': '/setup/guide/other',
  'setup-requests': '/setup/requests',
  'setup-credentials': '/setup/credentials',
};
