import { type IdentityProvider, identityProvider } from '#testing';
import type { TestBroker } from '../a-broker';
import { ABrowser, allow } from './a-browser';

/** What an IdP's OAuth settings ask for. */
export interface OAuthSettings {
  directoryId: string;
  id: string;
  secret: string;
}

export interface TokenAnswer {
  status: number;
  headers: Headers;
  body: any;
}

export const oktaCallback = 'https://system-admin.okta.com/admin/app/cpc/acme_causeway_1/oauth/callback';

export async function anOAuthClient(
  broker: TestBroker,
  directoryId: string,
  grantType: 'client_credentials' | 'authorization_code',
): Promise<OAuthSettings> {
  const { body } = await broker.call('POST', `/v1/directories/${directoryId}/oauth_clients`, {
    body: { grant_type: grantType, ...(grantType === 'authorization_code' && { redirect_uris: [oktaCallback] }) },
  });
  return { directoryId, id: body.client_id, secret: body.client_secret };
}

/** How a client proves who it is: Entra sends its secret in the form, others in the Basic header. */
export type Style = 'form' | 'basic';

/** A request to an endpoint of a directory's authorization server. */
export async function askOAuth(
  broker: TestBroker,
  endpoint: 'token' | 'revoke',
  client: OAuthSettings,
  form: Record<string, string>,
  style: Style = 'form',
): Promise<TokenAnswer> {
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString('base64');
  const response = await fetch(`${broker.url}/oauth/${client.directoryId}/${endpoint}`, {
    method: 'POST',
    headers: style === 'basic' ? { authorization: `Basic ${basic}` } : {},
    body: new URLSearchParams({ ...form, ...(style === 'form' && { client_id: client.id, client_secret: client.secret }) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** The address that an IdP opens in its admin's browser. */
export function authorizeAddress(client: OAuthSettings, changed: Record<string, string | undefined> = {}): string {
  const parameters = { response_type: 'code', client_id: client.id, redirect_uri: oktaCallback, state: 'st8', ...changed };
  const given = Object.entries(parameters).filter((one): one is [string, string] => one[1] !== undefined);
  return `/oauth/${client.directoryId}/authorize?${new URLSearchParams(given).toString()}`;
}

/** A browser in which a directory's setup link has been opened. */
export async function anAdminsBrowser(broker: TestBroker, directoryId: string): Promise<ABrowser> {
  const browser = new ABrowser(broker);
  const { body } = await broker.call('POST', `/v1/directories/${directoryId}/setup_link`);
  await browser.open(body.url);
  return browser;
}

/** An authorization code, as Okta gets it when its admin has allowed it. */
export async function anAuthorizationCode(
  broker: TestBroker,
  client: OAuthSettings,
  changed: Record<string, string | undefined> = {},
): Promise<string> {
  const browser = await anAdminsBrowser(broker, client.directoryId);
  const page = await browser.open(authorizeAddress(client, changed));
  const { location } = await browser.press(page, allow);
  return new URL(location ?? '').searchParams.get('code') ?? '';
}

/** The form by which a code is exchanged. */
export function exchangeOf(code: string, more: Record<string, string> = {}): Record<string, string> {
  return { grant_type: 'authorization_code', code, redirect_uri: oktaCallback, ...more };
}

/** An identity provider that speaks SCIM with that token. */
export function idpWith(broker: TestBroker, directoryId: string, token: string): IdentityProvider {
  return identityProvider({ baseUrl: `${broker.url}/scim/v2/${directoryId}`, token });
}
