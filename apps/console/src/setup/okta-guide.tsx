import { AuthorizationCodeValues } from './ClientValues';
import { MappingTable } from './MappingTable';
import { useSetup } from './setup-session';
import { Step } from './Step';
import { TokenValues } from './TokenValues';

// In the words and the order of Okta's Admin Console.

export function OktaHeaderSteps() {
  return (
    <>
      <CreateApp />
      <Step n={3} title="Enter the address and the token, and test" seen="connection">
        <p>A tab <b>Provisioning</b> has appeared. Open it, and under <b>Integration</b> choose <b>Edit</b>:</p>
        <TokenValues urlLabel="SCIM connector base URL" tokenLabel="Authorization token" />
        <ConnectorFields mode="HTTP Header" />
        <p>Choose <b>Test Connector Configuration</b>, then <b>Save</b>.</p>
      </Step>
      <TheRest first={4} />
    </>
  );
}

export function OktaCodeSteps() {
  const { vendor } = useSetup();
  return (
    <>
      <CreateApp />
      <Step n={3} title="Make the client">
        <p>Okta’s own address for the answer holds the name of your app, so we need to know it:</p>
        <AuthorizationCodeValues />
      </Step>
      <Step n={4} title="Enter the values, and allow the connection" seen="connection">
        <p>In Okta, open the tab <b>Provisioning</b>, and under <b>Integration</b> choose <b>Edit</b>. Paste the values of step 3:</p>
        <ConnectorFields mode="OAuth 2" grant="Authorization Code" />
        <p>Choose <b>Save</b>, then <b>Authenticate with</b> and the name of your app. Okta leads you to a page of {vendor.name}, in this browser: choose <b>Allow</b> there. You come back to Okta, connected.</p>
      </Step>
      <TheRest first={5} />
    </>
  );
}

function CreateApp() {
  const { vendor } = useSetup();
  return (
    <>
      <Step n={1} title="Create the app">
        <ol>
          <li>Open Okta’s Admin Console and go to <b>Applications → Applications</b>.</li>
          <li>Choose <b>Create App Integration</b>, then <b>SAML 2.0</b> if people are to sign in with Okta too, or <b>SWA – Secure Web Authentication</b> if this is for provisioning alone, and <b>Next</b>.</li>
          <li>Enter a name, such as “{vendor.name}”, and go on to <b>Finish</b>. What is asked for signing in makes no difference here.</li>
        </ol>
        <p>If {vendor.name} is there already, use that app.</p>
      </Step>
      <Step n={2} title="Turn SCIM on">
        <p>On the tab <b>General</b>, under <b>App Settings</b>, choose <b>Edit</b>, set <b>Provisioning</b> to <b>SCIM</b>, and <b>Save</b>.</p>
      </Step>
    </>
  );
}

function ConnectorFields({ mode, grant }: { mode: string; grant?: string }) {
  return (
    <ul>
      <li><b>Unique identifier field for users</b>: <span className="mono">userName</span></li>
      <li><b>Supported provisioning actions</b>: <b>Push New Users</b>, <b>Push Profile Updates</b>, and <b>Push Groups</b> if groups are wanted</li>
      <li><b>Authentication Mode</b>: <b>{mode}</b>{grant && <>, <b>Grant type</b>: <b>{grant}</b></>}</li>
    </ul>
  );
}

function TheRest({ first }: { first: number }) {
  const { vendor } = useSetup();
  return (
    <>
      <Step n={first} title="Let Okta create, update and deactivate">
        <p>Still on <b>Provisioning</b>, under <b>To App</b>, choose <b>Edit</b>, tick <b>Create Users</b>, <b>Update User Attributes</b> and <b>Deactivate Users</b>, and <b>Save</b>. Leave <b>Sync Password</b> off: passwords are not wanted here.</p>
      </Step>
      <Step n={first + 1} title="Leave the attributes that are needed">
        <p>Below, under <b>Attribute Mappings</b>, leave these rows and remove the others with the cross at their end:</p>
        <MappingTable
          targetLabel="Attribute"
          sourceLabel="Value"
          rows={[
            { target: 'userName', source: 'Configured in Sign On settings' },
            { target: 'givenName', source: 'user.firstName' },
            { target: 'familyName', source: 'user.lastName' },
            { target: 'email', source: 'user.email' },
            { target: 'displayName', source: 'user.displayName', optional: true },
            { target: 'title', source: 'user.title', optional: true },
            { target: 'department', source: 'user.department', optional: true },
          ]}
        />
      </Step>
      <Step n={first + 2} title="Say who is to have access" seen="user">
        <p>On the tab <b>Assignments</b>, choose <b>Assign → Assign to People</b> or <b>Assign to Groups</b>, and <b>Done</b>. Okta sends each at once: the first name appears beside this guide. Try it with one person first.</p>
      </Step>
      <Step n={first + 3} title="Push groups, if they are wanted">
        <p>On the tab <b>Push Groups</b>, choose <b>Push Groups → Find groups by name</b>, select those that {vendor.name} is to know, and <b>Save</b>.</p>
      </Step>
    </>
  );
}

export const oktaPitfalls = [
  <>Use <b>one group to assign</b> people and <b>others to push</b>. Okta warns of using the same one for both: members may be missing.</>,
  <>Whoever was assigned <b>before provisioning was on</b> has a red mark under Assignments and is not sent: choose <b>Provision User</b> there.</>,
  <>Okta does <b>not try again</b> by itself what has failed: open Dashboard → Tasks, and retry.</>,
  <>Taking an assignment away <b>deactivates</b> the person here; Okta does not delete.</>,
];
