import type { ReactNode } from 'react';
import type { Provider } from '../broker/shapes';
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

const entraNeeds = 'the role Application Administrator (or Cloud Application Administrator) in Entra. To assign groups instead of single people, a licence with Entra ID P1.';
const oktaNeeds = 'a Super Admin or Application Admin of your Okta organization, with Lifecycle Management.';

/** In the order in which they are offered: of one identity provider the commonest way first. */
export const guides: Guide[] = [
  { id: 'entra-token', provider: 'entra', method: 'With a secret token', when: 'The usual way: two values to paste.', needs: entraNeeds, Steps: EntraTokenSteps, pitfalls: entraPitfalls },
  {
    id: 'entra-client', provider: 'entra', method: 'With OAuth2 client credentials', when: 'Where your rules ask for tokens that live for an hour only.',
    needs: entraNeeds, Steps: EntraClientSteps, pitfalls: entraPitfalls,
  },
  { id: 'okta-header', provider: 'okta', method: 'With an HTTP header', when: 'The usual way: two values to paste.', needs: oktaNeeds, Steps: OktaHeaderSteps, pitfalls: oktaPitfalls },
  {
    id: 'okta-code', provider: 'okta', method: 'With OAuth 2 and the authorization code', when: 'Where your rules ask for tokens that change by themselves.',
    needs: oktaNeeds, Steps: OktaCodeSteps, pitfalls: oktaPitfalls,
  },
  {
    id: 'jumpcloud', provider: 'jumpcloud', method: 'With a token key', when: 'JumpCloud’s custom application with Identity Management.', needs: 'an administrator of JumpCloud.', Steps: JumpCloudSteps,
    pitfalls: [
      'Test Connection makes a test user and a test group here, and deletes them again. They may appear in the list for a moment.',
      'People come by way of user groups. Whoever is in none that is bound to the application does not come.',
    ],
  },
  {
    id: 'onelogin', provider: 'onelogin', method: 'With a bearer token', when: 'OneLogin’s connector “SCIM Provisioner with SAML”.', needs: 'an administrator of OneLogin with user provisioning in your plan.', Steps: OneLoginSteps,
    pitfalls: [
      'As long as “Require admin approval before this action is performed” is ticked, everything waits under Users → Provisioning until somebody approves it.',
      'Set both menus of the Provisioning tab to Suspend or Delete: with “Do Nothing” whoever leaves keeps their access.',
    ],
  },
  {
    id: 'ping', provider: 'ping', method: 'With an OAuth 2 bearer token', when: 'A connection of the kind SCIM Outbound, and a rule.', needs: 'an Environment Admin or Identity Data Admin of PingOne.', Steps: PingSteps,
    pitfalls: ['A connection alone sends nobody: it takes a rule, with a user filter, that is turned on.', 'Group names come only where Group Provisioning is set on the rule.'],
  },
  {
    id: 'google', provider: 'google', method: 'With an access token', when: 'Auto-provisioning of an application in Google Workspace.', needs: 'a super administrator of Google Workspace, and an edition with auto-provisioning.', Steps: GoogleSteps,
    pitfalls: [
      'Google offers auto-provisioning for applications whose page has that section. Where it is missing, your edition or that kind of application does not have it.',
      'Changes come every few hours, not at once. To take somebody’s access away at once, ask the support below as well.',
    ],
  },
  {
    id: 'other', provider: 'generic', method: 'With a bearer token', when: 'Anything that speaks SCIM 2.0.', needs: 'whoever sets up provisioning in your identity provider.', Steps: GenericSteps,
    pitfalls: ['Deactivating must send active = false, or delete the user. An identity provider that does neither leaves people with access after they have left.'],
  },
];
