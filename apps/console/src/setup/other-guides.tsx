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
          <li>
            In the JumpCloud Admin Portal go to <b>Access → SSO Applications</b> and choose <b>Add New Application</b>.
          </li>
          <li>
            Choose <b>Custom Application</b>, then <b>Next</b>, and tick <b>Export users to this app (Identity Management)</b>.
          </li>
          <li>
            Enter a name, such as “{vendor.name}”, choose <b>Save Application</b>, then <b>Configure Application</b>.
          </li>
        </ol>
      </Step>
      <Step n={2} title="Enter the URL and the token, and test" seen="connection">
        <p>
          On the tab <b>Identity Management</b> choose <b>SCIM API</b> and <b>SCIM 2.0</b>, and paste:
        </p>
        <TokenValues urlLabel="Base URL" tokenLabel="Token Key" />
        <p>
          As <b>Test User Email</b> enter an e-mail address that none of your users has. Turn on{' '}
          <b>Enable management of User Groups and Group Membership</b> if you want to send groups. Choose <b>Test Connection</b>, then{' '}
          <b>Activate</b>, and <b>Save</b>.
        </p>
      </Step>
      <Step n={3} title="Check the attributes">
        <p>
          On the same tab, under <b>Attribute Mapping</b>, these are sent:
        </p>
        <Rows
          targetLabel="Service provider attribute"
          sourceLabel="JumpCloud attribute"
          rows={[
            ['userName', 'email'],
            ['name.givenName', 'firstname'],
            ['name.familyName', 'lastname'],
            ['emails[type eq "work"].value', 'email'],
          ]}
        />
      </Step>
      <Step n={4} title="Choose who gets access" seen="user">
        <p>
          On the tab <b>User Groups</b> select the groups whose members get access, and <b>Save</b>. They arrive within a minute.
        </p>
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

function Rows({
  rows,
  ...labels
}: {
  targetLabel: string;
  sourceLabel: string;
  rows: [target: string, source: string, note?: string, optional?: boolean][];
}) {
  return (
    <MappingTable
      {...labels}
      rows={rows.map(([target, source, note, optional]) => ({
        target,
        source,
        ...(note !== undefined && { note }),
        ...(optional !== undefined && { optional }),
      }))}
    />
  );
}

export function OneLoginSteps() {
  const { vendor } = useSetup();
  return (
    <>
      <Step n={1} title="Add the application">
        <p>
          In OneLogin’s Administration go to <b>Applications → Applications</b>, choose <b>Add App</b>, search for{' '}
          <b>SCIM Provisioner with SAML (SCIM v2 Enterprise)</b>, enter a name, such as “{vendor.name}”, and <b>Save</b>.
        </p>
      </Step>
      <Step n={2} title="Enter the URL and the token, and enable" seen="connection">
        <p>
          On the tab <b>Configuration</b>:
        </p>
        <TokenValues urlLabel="SCIM Base URL" tokenLabel="SCIM Bearer Token" />
        <p>
          As <b>SCIM JSON Template</b>:
        </p>
        <JsonText value={template} label="SCIM JSON Template" folded={false} />
        <p style={{ marginTop: 10 }}>
          The template sends these. What is taken from <span className="mono">$parameters</span> is set on the tab <b>Parameters</b>:
        </p>
        <Rows
          targetLabel="SCIM attribute"
          sourceLabel="OneLogin value"
          rows={[
            ['userName', 'Email', 'parameter scimusername'],
            ['name.givenName', 'First Name'],
            ['name.familyName', 'Last Name'],
            ['emails[type eq "work"].value', 'Email'],
            ['title', 'Title', 'parameter title', true],
            ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', 'Department', 'parameter department', true],
          ]}
        />
        <p>
          Under <b>API Connection</b> choose <b>Enable</b>, then <b>Save</b>.
        </p>
      </Step>
      <Step n={3} title="Turn provisioning on">
        <p>
          On the tab <b>Provisioning</b> select <b>Enable provisioning</b>, clear <b>Create user</b>, <b>Delete user</b> and{' '}
          <b>Update user</b> under <b>Require admin approval</b>, set what happens when users are deleted or lose access to <b>Suspend</b>{' '}
          or <b>Delete</b>, and <b>Save</b>.
        </p>
      </Step>
      <Step n={4} title="Choose who gets access" seen="user">
        <p>
          On the tab <b>Access</b> select the roles whose members get access, and <b>Save</b>.
        </p>
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
          <li>
            In PingOne go to <b>Integrations → Provisioning</b>, choose <b>+</b> and <b>New Connection</b>, and <b>Select</b> in the row{' '}
            <b>Identity Store</b>.
          </li>
          <li>
            Choose <b>SCIM Outbound</b>, <b>Next</b>, enter a name, such as “{vendor.name}”, and <b>Next</b>.
          </li>
          <li>
            Paste the values. <b>Users Resource</b> is <span className="mono">/Users</span>, <b>Groups Resource</b>{' '}
            <span className="mono">/Groups</span>, <b>SCIM Version</b> <span className="mono">2.0</span>, <b>Authentication Method</b>{' '}
            <b>OAuth 2 Bearer Token</b>, <b>Auth Type Header</b> <b>Bearer</b>.
          </li>
        </ol>
        <TokenValues urlLabel="SCIM Base URL" tokenLabel="OAuth Access Token" />
        <p>
          Choose <b>Test Connection</b>, then <b>Next</b>.
        </p>
      </Step>
      <Step n={2} title="Choose what it may do">
        <p>
          As <b>User Filter Expression</b> leave <span className="mono">userName eq &quot;%s&quot;</span> and as <b>User Identifier</b>{' '}
          <span className="mono">userName</span>. Allow users to be <b>created</b>, <b>updated</b>, <b>disabled</b> and <b>deprovisioned</b>
          , set <b>Remove Action</b> to <b>Disable</b>, <b>Save</b>, and turn the connection on with the switch at its top.
        </p>
      </Step>
      <Step n={3} title="Create the rule" seen="user">
        <p>
          Under <b>Rules</b> choose <b>+</b> and <b>New Rule</b>, with <b>PingOne</b> as source and the connection as target. Set a{' '}
          <b>User Filter</b> that selects the people who get access, set the <b>Attribute Mapping</b> as below, and turn the rule on with
          the switch at its top.
        </p>
        <Rows
          targetLabel="SCIM attribute"
          sourceLabel="PingOne attribute"
          rows={[
            ['userName', 'Username'],
            ['name.givenName', 'Given Name'],
            ['name.familyName', 'Family Name'],
            ['emails[type eq "work"].value', 'Email Address'],
          ]}
        />
        <p>PingOne sends whether a user is enabled by itself.</p>
      </Step>
    </>
  );
}

export function GoogleSteps() {
  return (
    <>
      <Step n={1} title="Open the application">
        <p>
          In the Google Admin console go to <b>Apps → Web and mobile apps</b> and open the application that your people sign in to. If it is
          not there, add it first.
        </p>
      </Step>
      <Step n={2} title="Enter the token and the URL" seen="connection">
        <p>
          In the section <b>Auto-provisioning</b> choose <b>Configure auto-provisioning</b>, and paste:
        </p>
        <TokenValues urlLabel="Endpoint URL" tokenLabel="Access token" />
        <p>
          Choose <b>Continue</b>: Google tests the connection.
        </p>
      </Step>
      <Step n={3} title="Map, choose who, and turn it on" seen="user">
        <ol>
          <li>
            Under <b>Attribute mapping</b> set these, and <b>Continue</b>:
            <Rows
              targetLabel="Application attribute"
              sourceLabel="Google directory attribute"
              rows={[
                ['userName', 'Primary email'],
                ['name.givenName', 'First name'],
                ['name.familyName', 'Last name'],
                ['emails[type eq "work"].value', 'Primary email'],
              ]}
            />
          </li>
          <li>
            Under <b>Provisioning scope</b> choose the groups that get access, and <b>Continue</b>.
          </li>
          <li>
            Under <b>Deprovisioning</b> have accounts suspended or deleted <b>within 24 hours</b>, and <b>Finish</b>.
          </li>
          <li>
            Turn <b>Auto-provisioning</b> on.
          </li>
        </ol>
      </Step>
    </>
  );
}

export function GenericSteps() {
  const { directory } = useSetup();
  return (
    <>
      <Step n={1} title="Enter the URL and the token" seen="connection">
        <p>Choose SCIM 2.0 with a bearer token (sometimes called API token or OAuth bearer token):</p>
        <TokenValues urlLabel="Base URL" tokenLabel="Bearer token" />
        {directory.basic_auth && (
          <p>
            If it asks for a user name and a password instead: the user name is <span className="mono">{directory.id}</span>, the password
            is the token.
          </p>
        )}
        <p>Then test the connection.</p>
      </Step>
      <Step n={2} title="Send these attributes">
        <MappingTable
          targetLabel="SCIM attribute"
          sourceLabel="What it holds"
          rows={[
            {
              target: 'userName',
              source: 'what people sign in with',
              note: 'unique, preferably the e-mail address; users are matched by it',
            },
            { target: 'active', source: 'whether they have access' },
            { target: 'externalId', source: 'an id that never changes' },
            { target: 'emails[type eq "work"].value', source: 'the e-mail address' },
            { target: 'name.givenName', source: 'the given name' },
            { target: 'name.familyName', source: 'the family name' },
          ]}
        />
      </Step>
      <Step n={3} title="Assign people, and start" seen="user">
        <p>Try it with one person: the name appears under “What we see”. Then assign everybody else.</p>
      </Step>
    </>
  );
}
