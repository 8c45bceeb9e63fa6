import { AuthorizationCodeValues } from './ClientValues';
import { MappingTable, useOwnAttributes } from './MappingTable';
import { useSetup } from './setup-session';
import { Step } from './Step';
import { TokenValues } from './TokenValues';

// In the words and the order of Okta's Admin Console.

export function OktaHeaderSteps() {
  return (
    <>
      <CreateApp />
      <Step n={3} title="Enter the URL and the token, and test" seen="connection">
        <p>
          A tab <b>Provisioning</b> has appeared. Open it, and under <b>Integration</b> choose <b>Edit</b>:
        </p>
        <TokenValues urlLabel="SCIM connector base URL" tokenLabel="Authorization token" />
        <ConnectorFields mode="HTTP Header" />
        <p>
          Choose <b>Test Connector Configuration</b>, then <b>Save</b>.
        </p>
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
      <Step n={3} title="Create the client">
        <p>Okta’s redirect URI contains the name of your app, so we need to know it:</p>
        <AuthorizationCodeValues />
      </Step>
      <Step n={4} title="Enter the values, and allow the connection" seen="connection">
        <p>
          In Okta, open the tab <b>Provisioning</b>, and under <b>Integration</b> choose <b>Edit</b>. Paste the values of step 3:
        </p>
        <ConnectorFields mode="OAuth 2" grant="Authorization Code" />
        <p>
          Choose <b>Save</b>, then <b>Authenticate with</b> followed by the name of your app. Okta takes you to a page of {vendor.name} in
          this browser: choose <b>Allow</b> there, and you return to Okta, connected.
        </p>
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
          <li>
            Open Okta’s Admin Console and go to <b>Applications → Applications</b>.
          </li>
          <li>
            Choose <b>Create App Integration</b>, then <b>SAML 2.0</b> if people will also sign in with Okta, or{' '}
            <b>SWA – Secure Web Authentication</b> if this is for provisioning alone, and <b>Next</b>.
          </li>
          <li>
            Enter a name, such as “{vendor.name}”, and continue to <b>Finish</b>. What you enter for single sign-on makes no difference
            here.
          </li>
        </ol>
        <p>If there already is an app for {vendor.name}, use it.</p>
      </Step>
      <Step n={2} title="Turn SCIM on">
        <p>
          On the tab <b>General</b>, under <b>App Settings</b>, choose <b>Edit</b>, set <b>Provisioning</b> to <b>SCIM</b>, and <b>Save</b>.
        </p>
      </Step>
    </>
  );
}

function ConnectorFields({ mode, grant }: { mode: string; grant?: string }) {
  return (
    <ul>
      <li>
        <b>Unique identifier field for users</b>: <span className="mono">userName</span>
      </li>
      <li>
        <b>Supported provisioning actions</b>: <b>Push New Users</b>, <b>Push Profile Updates</b>, and <b>Push Groups</b> if you want to
        send groups
      </li>
      <li>
        <b>Authentication Mode</b>: <b>{mode}</b>
        {grant && (
          <>
            , <b>Grant type</b>: <b>{grant}</b>
          </>
        )}
      </li>
    </ul>
  );
}

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function TheRest({ first }: { first: number }) {
  const { vendor } = useSetup();
  const own = useOwnAttributes();
  return (
    <>
      <Step n={first} title="Let Okta create, update and deactivate">
        <p>
          Still on <b>Provisioning</b>, under <b>To App</b>, choose <b>Edit</b>, tick <b>Create Users</b>, <b>Update User Attributes</b> and{' '}
          <b>Deactivate Users</b>, and <b>Save</b>. Leave <b>Sync Password</b> off: passwords are not needed here.
        </p>
      </Step>
      <Step n={first + 1} title="Keep the attributes that are needed">
        <p>
          Below, under <b>Attribute Mappings</b>, keep these rows and remove the others with the × at the end of the row:
        </p>
        <MappingTable
          targetLabel="Attribute"
          sourceLabel="Value"
          rows={[
            { target: 'userName', source: 'Configured in Sign On settings' },
            { target: 'givenName', path: 'name.givenName', source: 'user.firstName' },
            { target: 'familyName', path: 'name.familyName', source: 'user.lastName' },
            { target: 'email', path: 'emails[type eq "work"].value', source: 'user.email' },
            { target: 'displayName', source: 'user.displayName', optional: true },
            { target: 'title', source: 'user.title', optional: true },
            { target: 'department', path: `${enterprise}:department`, source: 'user.department', optional: true },
          ]}
          more={[
            { target: 'userType', source: 'user.userType' },
            { target: 'employeeNumber', path: `${enterprise}:employeeNumber`, source: 'user.employeeNumber' },
            { target: 'costCenter', path: `${enterprise}:costCenter`, source: 'user.costCenter' },
            { target: 'division', path: `${enterprise}:division`, source: 'user.division' },
            { target: 'manager', path: `${enterprise}:manager`, source: 'user.managerId' },
            { target: 'preferredLanguage', source: 'user.preferredLanguage' },
          ]}
        />
        {own.length > 0 && (
          <p>
            Attributes that begin with <span className="mono">urn:</span> have to be added first: choose <b>Go to Profile Editor</b>, then{' '}
            <b>Add Attribute</b>. As <b>External name</b> enter the part after the last colon, as <b>External namespace</b> the part before
            it. They then appear in the list.
          </p>
        )}
      </Step>
      <Step n={first + 2} title="Choose who gets access" seen="user">
        <p>
          On the tab <b>Assignments</b>, choose <b>Assign → Assign to People</b> or <b>Assign to Groups</b>, and <b>Done</b>. Okta sends
          each person at once, and the first name appears under “What we see”. Try it with one person first.
        </p>
      </Step>
      <Step n={first + 3} title="Push groups, if you want to send groups">
        <p>
          On the tab <b>Push Groups</b>, choose <b>Push Groups → Find groups by name</b>, select the groups that {vendor.name} should know
          about, and <b>Save</b>.
        </p>
      </Step>
    </>
  );
}

export const oktaPitfalls = [
  <>
    Use <b>one group to assign</b> people and <b>others to push</b>. Okta warns against using the same group for both: members may be
    missing.
  </>,
  <>
    People who were assigned <b>before provisioning was turned on</b> have a red mark under Assignments and are not sent: choose{' '}
    <b>Provision User</b> there.
  </>,
  <>
    Okta does <b>not retry</b> failed operations by itself: open Dashboard → Tasks, and retry them there.
  </>,
  <>
    Removing an assignment <b>deactivates</b> the person here; Okta does not delete users.
  </>,
];
