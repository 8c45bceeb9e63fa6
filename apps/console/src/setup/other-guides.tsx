import { JsonText } from '../parts/JsonText';
import { MappingTable } from './MappingTable';
import { useSetup } from './setup-session';
import { Step } from './Step';
import { TokenValues } from './TokenValues';

// Shorter ones, in the words of each identity provider's own screens.

export function JumpCloudSteps() {
  const { vendor } = useSetup();
  return (
    <>
      <Step n={1} title="Create the application">
        <ol>
          <li>In the JumpCloud Admin Portal go to <b>Access → SSO Applications</b> and choose <b>Add New Application</b>.</li>
          <li>Choose <b>Custom Application</b>, then <b>Next</b>, and tick <b>Export users to this app (Identity Management)</b>.</li>
          <li>Enter a name, such as “{vendor.name}”, choose <b>Save Application</b>, then <b>Configure Application</b>.</li>
        </ol>
      </Step>
      <Step n={2} title="Enter the address and the token, and test" seen="connection">
        <p>On the tab <b>Identity Management</b> choose <b>SCIM API</b> and <b>SCIM 2.0</b>, and paste:</p>
        <TokenValues urlLabel="Base URL" tokenLabel="Token Key" />
        <p>As <b>Test User Email</b> enter an address that nobody here has. Turn on <b>Enable management of User Groups and Group Membership</b> if groups are wanted. Choose <b>Test Connection</b>, then <b>Activate</b>, and <b>Save</b>.</p>
      </Step>
      <Step n={3} title="Say who is to have access" seen="user">
        <p>On the tab <b>User Groups</b> tick the groups whose people are to have access, and <b>Save</b>. They come within a minute.</p>
      </Step>
    </>
  );
}

const template = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
  userName: '{$parameters.scimusername}',
  displayName: '{$user.display_name}',
  name: { givenName: '{$user.firstname}', familyName: '{$user.lastname}' },
  emails: [{ value: '{$user.email}', type: 'work', primary: true }],
  title: '{$parameters.title}',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: '{$parameters.department}' },
};

export function OneLoginSteps() {
  const { vendor } = useSetup();
  return (
    <>
      <Step n={1} title="Add the application">
        <p>In OneLogin’s Administration go to <b>Applications → Applications</b>, choose <b>Add App</b>, look for <b>SCIM Provisioner with SAML (SCIM v2 Enterprise)</b>, enter a name, such as “{vendor.name}”, and <b>Save</b>.</p>
      </Step>
      <Step n={2} title="Enter the address and the token, and enable" seen="connection">
        <p>On the tab <b>Configuration</b>:</p>
        <TokenValues urlLabel="SCIM Base URL" tokenLabel="SCIM Bearer Token" />
        <p>As <b>SCIM JSON Template</b>:</p>
        <JsonText value={template} label="SCIM JSON Template" folded={false} />
        <p style={{ marginTop: 10 }}>Under <b>API Connection</b> choose <b>Enable</b>, then <b>Save</b>.</p>
      </Step>
      <Step n={3} title="Turn provisioning on">
        <p>On the tab <b>Provisioning</b> tick <b>Enable provisioning</b>, untick <b>Create user</b>, <b>Delete user</b> and <b>Update user</b> under <b>Require admin approval</b>, set what happens when users are deleted, or their access is removed, to <b>Suspend</b> or <b>Delete</b>, and <b>Save</b>.</p>
      </Step>
      <Step n={4} title="Say who is to have access" seen="user">
        <p>On the tab <b>Access</b> tick the roles whose people are to have access, and <b>Save</b>.</p>
      </Step>
    </>
  );
}

export function PingSteps() {
  const { vendor } = useSetup();
  return (
    <>
      <Step n={1} title="Create the connection" seen="connection">
        <ol>
          <li>In PingOne go to <b>Integrations → Provisioning</b>, choose <b>+</b> and <b>New Connection</b>, and <b>Select</b> in the row <b>Identity Store</b>.</li>
          <li>Choose <b>SCIM Outbound</b>, <b>Next</b>, enter a name, such as “{vendor.name}”, and <b>Next</b>.</li>
          <li>Paste the values. <b>Users Resource</b> is <span className="mono">/Users</span>, <b>Groups Resource</b> <span className="mono">/Groups</span>, <b>SCIM Version</b> <span className="mono">2.0</span>, <b>Authentication Method</b> <b>OAuth 2 Bearer Token</b>, <b>Auth Type Header</b> <b>Bearer</b>.</li>
        </ol>
        <TokenValues urlLabel="SCIM Base URL" tokenLabel="OAuth Access Token" />
        <p>Choose <b>Test Connection</b>, then <b>Next</b>.</p>
      </Step>
      <Step n={2} title="Say what it may do">
        <p>As <b>User Filter Expression</b> leave <span className="mono">userName eq &quot;%s&quot;</span> and as <b>User Identifier</b> <span className="mono">userName</span>. Allow users to be <b>created</b>, <b>updated</b>, <b>disabled</b> and <b>deprovisioned</b>, set <b>Remove Action</b> to <b>Disable</b>, <b>Save</b>, and turn the connection on with the switch at its top.</p>
      </Step>
      <Step n={3} title="Make the rule" seen="user">
        <p>Under <b>Rules</b> choose <b>+</b> and <b>New Rule</b>, with <b>PingOne</b> as source and the connection as target. Set a <b>User Filter</b> that takes those who are to have access, look through the <b>Attribute Mapping</b>, and turn the rule on with the switch at its top.</p>
      </Step>
    </>
  );
}

export function GoogleSteps() {
  return (
    <>
      <Step n={1} title="Open the application">
        <p>In the Google Admin console go to <b>Apps → Web and mobile apps</b> and open the application that your people sign in with. If there is none, add one first.</p>
      </Step>
      <Step n={2} title="Enter the token and the address" seen="connection">
        <p>In the section <b>Auto-provisioning</b> choose <b>Configure auto-provisioning</b>, and paste:</p>
        <TokenValues urlLabel="Endpoint URL" tokenLabel="Access token" />
        <p>Choose <b>Continue</b>: Google tries the connection.</p>
      </Step>
      <Step n={3} title="Map, choose who, and turn it on" seen="user">
        <ol>
          <li>Under <b>Attribute mapping</b> give <span className="mono">userName</span> the primary e-mail, <span className="mono">name.givenName</span> and <span className="mono">name.familyName</span> the names, and <b>Continue</b>.</li>
          <li>Under <b>Provisioning scope</b> choose the groups that are to have access, and <b>Continue</b>.</li>
          <li>Under <b>Deprovisioning</b> let accounts be suspended, or deleted, <b>within 24 hours</b>, and <b>Finish</b>.</li>
          <li>Turn <b>Auto-provisioning</b> on.</li>
        </ol>
      </Step>
    </>
  );
}

export function GenericSteps() {
  const { directory } = useSetup();
  return (
    <>
      <Step n={1} title="Enter the address and the token" seen="connection">
        <p>Choose SCIM 2.0, with a bearer token (sometimes called an API token, or OAuth bearer token):</p>
        <TokenValues urlLabel="Base URL" tokenLabel="Bearer token" />
        {directory.basic_auth && <p>If it asks for a user name and a password instead: the user name is <span className="mono">{directory.id}</span>, the password is the token.</p>}
        <p>Then test the connection.</p>
      </Step>
      <Step n={2} title="Send these attributes">
        <MappingTable
          targetLabel="SCIM attribute"
          sourceLabel="What it holds"
          rows={[
            { target: 'userName', source: 'what people sign in with', note: 'unique, and best the e-mail address; match on it' },
            { target: 'active', source: 'whether they have access' },
            { target: 'externalId', source: 'an id that never changes' },
            { target: 'emails[type eq "work"].value', source: 'the e-mail address' },
            { target: 'name.givenName', source: 'the given name' },
            { target: 'name.familyName', source: 'the family name' },
          ]}
        />
      </Step>
      <Step n={3} title="Assign people, and start" seen="user">
        <p>Try it with one person: the name appears beside this guide. Then assign the others.</p>
      </Step>
    </>
  );
}
