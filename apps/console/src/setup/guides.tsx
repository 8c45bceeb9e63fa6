import type { ReactNode } from 'react';
import type { Provider } from '../broker/answers';
import { EntraClientSteps, entraPitfalls, EntraTokenSteps } from './entra-guide';
import { GenericSteps, GoogleSteps, JumpCloudSteps, OneLoginSteps, PingSteps } from './other-guides';
import { OktaCodeSteps, OktaHeaderSteps, oktaPitfalls } from './okta-guide';

/** How one identity provider is connected, with one kind of credential. */
export interface Guide {
  /** In the page's address. */
  id: string;
  provider: Provider;
  method: string;
  /** Whom this way is for. */
  when: string;
  needs: ReactNode;
  Steps: () => ReactNode;
  pitfalls: ReactNode[];
}

const entraNeeds =
  'the role Application Administrator (or Cloud Application Administrator) in Entra. To assign groups rather than individual people, you also need an Entra ID P1 licence.';
const oktaNeeds = 'the Super Admin or Application Admin role in Okta, and Lifecycle Management in your plan.';

/** In the order in which they are offered: of one identity provider the commonest way first. */
export const guides: Guide[] = [
  {
    id: 'entra-token',
    provider: 'entra',
    method: 'With a secret token',
    when: 'The usual way: you paste two values.',
    needs: entraNeeds,
    Steps: EntraTokenSteps,
    pitfalls: entraPitfalls,
  },
  {
    id: 'entra-client',
    provider: 'entra',
    method: 'With OAuth2 client credentials',
    when: 'If your policies require short-lived tokens.',
    needs: entraNeeds,
    Steps: EntraClientSteps,
    pitfalls: entraPitfalls,
  },
  {
    id: 'okta-header',
    provider: 'okta',
    method: 'With an HTTP header',
    when: 'The usual way: you paste two values.',
    needs: oktaNeeds,
    Steps: OktaHeaderSteps,
    pitfalls: oktaPitfalls,
  },
  {
    id: 'okta-code',
    provider: 'okta',
    method: 'With OAuth 2 and the authorization code',
    when: 'If your policies require tokens that are renewed automatically.',
    needs: oktaNeeds,
    Steps: OktaCodeSteps,
    pitfalls: oktaPitfalls,
  },
  {
    id: 'jumpcloud',
    provider: 'jumpcloud',
    method: 'With a token key',
    when: 'JumpCloud’s custom application with Identity Management.',
    needs: 'an administrator account in JumpCloud.',
    Steps: JumpCloudSteps,
    pitfalls: [
      'Test Connection creates a test user and a test group, and deletes them again. They may appear here for a moment.',
      'People are sent by way of user groups. People who are in none of the groups that you select are not sent.',
    ],
  },
  {
    id: 'onelogin',
    provider: 'onelogin',
    method: 'With a bearer token',
    when: 'OneLogin’s connector “SCIM Provisioner with SAML”.',
    needs: 'an administrator account in OneLogin, and user provisioning in your plan.',
    Steps: OneLoginSteps,
    pitfalls: [
      'As long as “Require admin approval before this action is performed” is selected, everything waits under Users → Provisioning until somebody approves it.',
      'Set both menus of the Provisioning tab to Suspend or Delete: with “Do Nothing”, people who leave keep their access.',
    ],
  },
  {
    id: 'ping',
    provider: 'ping',
    method: 'With an OAuth 2 bearer token',
    when: 'You create a SCIM Outbound connection and a rule.',
    needs: 'the Environment Admin or Identity Data Admin role in PingOne.',
    Steps: PingSteps,
    pitfalls: [
      'A connection by itself sends nobody: it takes a rule with a user filter, and the rule has to be turned on.',
      'Groups are sent only if Group Provisioning is set up in the rule.',
    ],
  },
  {
    id: 'google',
    provider: 'google',
    method: 'With an access token',
    when: 'Auto-provisioning for an application in Google Workspace.',
    needs: 'a super administrator account in Google Workspace, and an edition with auto-provisioning.',
    Steps: GoogleSteps,
    pitfalls: [
      'Google offers auto-provisioning only for some applications. If the section is missing, your edition or this application does not support it.',
      'Google sends changes every few hours, not at once. To remove somebody’s access at once, contact support as well.',
    ],
  },
  {
    id: 'other',
    provider: 'generic',
    method: 'With a bearer token',
    when: 'Anything that supports SCIM 2.0.',
    needs: 'permission to set up provisioning in your identity provider.',
    Steps: GenericSteps,
    pitfalls: [
      'When somebody is deactivated, the identity provider must send active = false or delete the user. If it does neither, people keep their access after they have left.',
    ],
  },
];
