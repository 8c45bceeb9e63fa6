import { ClientCredentialsValues } from './ClientValues';
import { MappingTable } from './MappingTable';
import { useSetup } from './setup-session';
import { Step } from './Step';
import { TokenValues } from './TokenValues';

// In the words and the order of the Microsoft Entra admin center.

export function EntraTokenSteps() {
  return (
    <>
      <CreateApplication />
      <Step n={2} title="Enter the address and the token, and test" seen="connection">
        <p>In the application, open <b>Provisioning</b> in the menu on the left, then <b>New configuration</b>. As authentication method leave <b>Bearer authentication</b>, and paste these two:</p>
        <TokenValues urlLabel="Tenant URL" tokenLabel="Secret token" />
        <p>Choose <b>Test connection</b>. When Entra says that it succeeded, choose <b>Create</b> at the bottom. It may take a minute.</p>
      </Step>
      <TheRest />
    </>
  );
}

export function EntraClientSteps() {
  return (
    <>
      <CreateApplication />
      <Step n={2} title="Enter the addresses and the client, and test" seen="connection">
        <p>In the application, open <b>Provisioning</b> in the menu on the left, then <b>New configuration</b>. As authentication method choose <b>OAuth2 client credentials grant</b>, and paste these four:</p>
        <ClientCredentialsValues />
        <p>Choose <b>Test connection</b>. When Entra says that it succeeded, choose <b>Create</b> at the bottom. It may take a minute.</p>
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
        <li>Open the <a href="https://entra.microsoft.com" target="_blank" rel="noreferrer">Microsoft Entra admin center</a> and go to <b>Entra ID → Enterprise apps</b>.</li>
        <li>Choose <b>New application</b>, then <b>Create your own application</b>.</li>
        <li>Enter a name, such as “{vendor.name}”, leave <b>Integrate any other application you don’t find in the gallery (Non-gallery)</b> chosen, and choose <b>Create</b>.</li>
      </ol>
      <p>If {vendor.name} is there already, for signing in, use that application and go on with step 2.</p>
    </Step>
  );
}

function TheRest() {
  const { vendor } = useSetup();
  return (
    <>
      <Step n={3} title="Delete the mappings that are not needed">
        <p>Under <b>Attribute mapping</b>, open <b>Provision Microsoft Entra ID Users</b> and leave these rows; delete the others, so that nothing is sent that {vendor.name} has no use for:</p>
        <MappingTable
          targetLabel="Target attribute"
          sourceLabel="Source attribute"
          rows={[
            { target: 'userName', source: 'userPrincipalName' },
            { target: 'active', source: 'Switch([IsSoftDeleted], …)', note: 'as it stands there' },
            { target: 'externalId', source: 'objectId', note: 'change it: mailNickname, which stands there, changes when people marry' },
            { target: 'emails[type eq "work"].value', source: 'mail' },
            { target: 'name.givenName', source: 'givenName' },
            { target: 'name.familyName', source: 'surname' },
            { target: 'displayName', source: 'displayName', optional: true },
            { target: 'title', source: 'jobTitle', optional: true },
            { target: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', source: 'department', optional: true },
          ]}
        />
        <p><b>Save</b>, and confirm with <b>Yes</b>. If groups are not wanted, open <b>Provision Microsoft Entra ID Groups</b>, set <b>Enabled</b> to <b>No</b>, and save that too.</p>
      </Step>
      <Step n={4} title="Say who is to have access">
        <p>Open <b>Users and groups</b> in the menu on the left, choose <b>Add user/group</b>, select people or groups, and choose <b>Assign</b>. Only those whom you assign here come to {vendor.name}.</p>
      </Step>
      <Step n={5} title="Try it with one person" seen="user">
        <p>Open <b>Provision on demand</b>, select one of those whom you assigned, and choose <b>Provision</b>. A moment later the name appears beside this guide. If it does not, Entra shows at which step it stopped, and we show why.</p>
      </Step>
      <Step n={6} title="Start">
        <p>Open <b>Overview</b> and choose <b>Start provisioning</b>. The first cycle takes everybody who is assigned; then Entra looks for changes every 40 minutes.</p>
      </Step>
    </>
  );
}

export const entraPitfalls = [
  <>Between two cycles lie <b>40 minutes</b>. Whoever is taken out or disabled in Entra keeps their access until the next one; Provision on demand does it at once.</>,
  <>Of a group that is assigned, its <b>direct members</b> come. Groups inside it are not looked into.</>,
  <>After many failures Entra puts the job into <b>quarantine</b> and tries only once a day. When the cause is gone, choose Restart provisioning.</>,
  <>If users were made here before, by hand or by another connection, Entra <b>matches them by userName</b>. Where that differs from what stands here, the match must be on another attribute.</>,
];
