import { ClientCredentialsValues } from './ClientValues';
import { MappingTable, useOwnAttributes } from './MappingTable';
import { useSetup } from './setup-session';
import { Step } from './Step';
import { TokenValues } from './TokenValues';

// In the words and the order of the Microsoft Entra admin center.

export function EntraTokenSteps() {
  return (
    <>
      <CreateApplication />
      <Step n={2} title="Enter the URL and the token, and test" seen="connection">
        <p>
          In the application, open <b>Provisioning</b> in the menu on the left, then <b>New configuration</b>. Keep{' '}
          <b>Bearer authentication</b> as the authentication method, and paste these two values:
        </p>
        <TokenValues urlLabel="Tenant URL" tokenLabel="Secret token" />
        <p>
          Choose <b>Test connection</b>. When Entra reports success, choose <b>Create</b> at the bottom. It may take a minute.
        </p>
      </Step>
      <TheRest />
    </>
  );
}

export function EntraClientSteps() {
  return (
    <>
      <CreateApplication />
      <Step n={2} title="Enter the URLs and the client, and test" seen="connection">
        <p>
          In the application, open <b>Provisioning</b> in the menu on the left, then <b>New configuration</b>. Choose{' '}
          <b>OAuth2 client credentials grant</b> as the authentication method, and paste these four values:
        </p>
        <ClientCredentialsValues />
        <p>
          Choose <b>Test connection</b>. When Entra reports success, choose <b>Create</b> at the bottom. It may take a minute.
        </p>
      </Step>
      <TheRest />
    </>
  );
}

function CreateApplication() {
  const { vendor } = useSetup();
  return (
    <Step n={1} title="Create the application">
      <ol>
        <li>
          Open the{' '}
          <a href="https://entra.microsoft.com" target="_blank" rel="noreferrer">
            Microsoft Entra admin center
          </a>{' '}
          and go to <b>Entra ID → Enterprise apps</b>.
        </li>
        <li>
          Choose <b>New application</b>, then <b>Create your own application</b>.
        </li>
        <li>
          Enter a name, such as “{vendor.name}”, keep <b>Integrate any other application you don’t find in the gallery (Non-gallery)</b>{' '}
          selected, and choose <b>Create</b>.
        </li>
      </ol>
      <p>If there already is an application for {vendor.name}, for single sign-on, use it and continue with step 2.</p>
    </Step>
  );
}

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function TheRest() {
  const { vendor } = useSetup();
  const own = useOwnAttributes();
  return (
    <>
      <Step n={3} title="Delete the mappings that are not needed">
        <p>
          Under <b>Attribute mapping</b>, open <b>Provision Microsoft Entra ID Users</b> and keep these rows. Delete the others, so that
          nothing is sent that {vendor.name} has no use for:
        </p>
        <MappingTable
          targetLabel="Target attribute"
          sourceLabel="Source attribute"
          rows={[
            { target: 'userName', source: 'userPrincipalName' },
            { target: 'active', source: 'Switch([IsSoftDeleted], , "False", "True", "True", "False")', note: 'leave it as it is' },
            { target: 'externalId', source: 'objectId', note: 'change it from mailNickname, which changes when people change their names' },
            { target: 'emails[type eq "work"].value', source: 'mail' },
            { target: 'name.givenName', source: 'givenName' },
            { target: 'name.familyName', source: 'surname' },
            { target: 'displayName', source: 'displayName', optional: true },
            { target: 'title', source: 'jobTitle', optional: true },
            { target: `${enterprise}:department`, source: 'department', optional: true },
          ]}
          more={[
            {
              target: 'roles[primary eq "True"].value',
              source: 'SingleAppRoleAssignment([appRoleAssignments])',
              note: 'an expression: it sends the app role that you choose when you assign somebody',
            },
            { target: `${enterprise}:employeeNumber`, source: 'employeeId' },
            { target: `${enterprise}:manager`, source: 'manager' },
            { target: 'preferredLanguage', source: 'preferredLanguage' },
            { target: 'addresses[type eq "work"].country', source: 'country' },
            { target: 'phoneNumbers[type eq "work"].value', source: 'telephoneNumber' },
          ]}
        />
        {own.length > 0 && (
          <p>
            Attributes that begin with <span className="mono">urn:</span> have to be added first: below the list, tick{' '}
            <b>Show advanced options</b>, choose <b>Edit attribute list for customappsso</b>, enter the name at the end of the list, and
            choose <b>Save</b>. Then choose <b>Add New Mapping</b>, with the new attribute as <b>Target attribute</b>.
          </p>
        )}
        <p>
          <b>Save</b>, and confirm with <b>Yes</b>. If groups are not wanted, open <b>Provision Microsoft Entra ID Groups</b>, set{' '}
          <b>Enabled</b> to <b>No</b>, and save that too.
        </p>
      </Step>
      <Step n={4} title="Choose who gets access">
        <p>
          Open <b>Users and groups</b> in the menu on the left, choose <b>Add user/group</b>, select people or groups, and choose{' '}
          <b>Assign</b>. Only people whom you assign here get access to {vendor.name}.
        </p>
      </Step>
      <Step n={5} title="Try it with one person" seen="user">
        <p>
          Open <b>Provision on demand</b>, select one of the people whom you assigned, and choose <b>Provision</b>. A moment later the name
          appears under “What we see”. If it does not, Entra shows at which step it stopped, and we show why.
        </p>
      </Step>
      <Step n={6} title="Start provisioning">
        <p>
          Open <b>Overview</b> and choose <b>Start provisioning</b>. The first cycle sends everybody who is assigned. After that, Entra
          sends changes every 40 minutes.
        </p>
      </Step>
    </>
  );
}

export const entraPitfalls = [
  <>
    There are <b>40 minutes</b> between two cycles. People who are removed or disabled in Entra keep their access until the next one;
    Provision on demand acts at once.
  </>,
  <>
    If you assign a group, only its <b>direct members</b> are sent. Members of groups inside it are not.
  </>,
  <>
    After many failures Entra puts the job into <b>quarantine</b> and tries only once a day. Once the cause is fixed, choose Restart
    provisioning.
  </>,
  <>
    Entra <b>matches users by userName</b>. If users were created here earlier with other user names, match by another attribute, or they
    are created a second time.
  </>,
];
