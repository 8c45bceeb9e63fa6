import { Button, Group, Select, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { useApiList, useApiWhole, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, Organization, Provider } from '../broker/answers';
import { DirectoriesIcon, PlusIcon, ProviderMark } from '../icons';
import { Nothing } from '../parts/Answer';
import { FormDialog } from '../parts/dialogs';
import { EndlessTable } from '../parts/EndlessTable';
import { faultOf, useFields } from '../parts/fields';
import { PageFrame, Section } from '../parts/PageFrame';
import { State } from '../parts/State';
import { When } from '../parts/When';
import { providerNames } from '../parts/words';
import overview from './Overview.module.css';

/** Every connection to an identity provider. */
export default function Directories() {
  const { page, mayChange } = useHere();
  const directories = useApiList<Directory>('/directories', {}, { everyMs: 15_000 });
  const organizations = useOrganizationNames();
  const [parameters, setParameters] = useSearchParams();
  const make = (
    <Button leftSection={<PlusIcon size={16} />} onClick={() => setParameters({ new: '' })}>
      New directory
    </Button>
  );
  return (
    <PageFrame title="Directories" about="One for each identity provider that a customer connects." actions={mayChange && make}>
      <Section padding={0}>
        <EndlessTable
          query={directories}
          label="directories"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/directories/${id}`)}
          columns={[
            {
              head: 'Name',
              width: 'minmax(0, 2fr)',
              cell: (one) => (
                <Group component="span" gap={10} wrap="nowrap">
                  <ProviderMark provider={one.provider} size={22} />
                  <span>{one.name}</span>
                </Group>
              ),
            },
            {
              head: 'Organization',
              width: 'minmax(0, 1.5fr)',
              clip: true,
              cell: (one) => organizations(one.organization_id),
              wideOnly: true,
            },
            {
              head: 'Identity provider',
              width: 'minmax(0, 1.3fr)',
              clip: true,
              cell: (one) => providerNames[one.provider],
              wideOnly: true,
            },
            {
              head: 'Last request',
              width: '130px',
              cell: (one) => (one.last_request_at ? <When time={one.last_request_at} /> : 'never'),
              wideOnly: true,
            },
            { head: 'State', width: '96px', align: 'end', cell: (one) => <State state={one.state} /> },
          ]}
          nothing={
            <Nothing icon={<DirectoriesIcon size={24} />} title="No directories yet" action={mayChange && make}>
              Create one, then send its setup link to the customer’s IT admin.
            </Nothing>
          }
        />
      </Section>
      <DirectoryForm opened={parameters.has('new')} onClose={() => setParameters({})} />
    </PageFrame>
  );
}

/** Names of organizations by id, as far as they are known. */
export function useOrganizationNames(): (id: string) => string {
  const organizations = useApiWhole<Organization>('/organizations');
  const names = new Map(organizations.data?.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? '';
}

export function DirectoryRows({ directories }: { directories: Directory[] }) {
  const { page } = useHere();
  return directories.map((directory) => (
    <Link key={directory.id} to={page(`/directories/${directory.id}`)} className={overview.line}>
      <ProviderMark provider={directory.provider} />
      <div style={{ flex: 1, minWidth: 0 }}>
        <Text size="sm" fw={550}>
          {directory.name}
        </Text>
        <Text size="sm" c="dimmed">
          {providerNames[directory.provider]}
          {directory.last_request_at && (
            <>
              {' '}
              · last request <When time={directory.last_request_at} />
            </>
          )}
        </Text>
      </div>
      <State state={directory.state} />
    </Link>
  ));
}

export function DirectoryForm({ opened, organization, onClose }: { opened: boolean; organization?: Organization; onClose: () => void }) {
  const { page } = useHere();
  const navigate = useNavigate();
  const organizations = useApiWhole<Organization>('/organizations', { enabled: opened && !organization });
  const { values, set, text } = useFields({ name: '', organization_id: '', provider: 'entra' as Provider });
  const [missing, setMissing] = useState(false);
  const organizationId = organization?.id ?? values.organization_id;
  const making = useWrite<Directory>(
    () => ({
      path: '/directories',
      body: { organization_id: organizationId, provider: values.provider, ...(values.name.trim() !== '' && { name: values.name.trim() }) },
    }),
    (made) => {
      onClose();
      void navigate(page(`/directories/${made.id}/connection`));
    },
  );
  return (
    <FormDialog
      opened={opened}
      title={organization ? `New directory for ${organization.name}` : 'New directory'}
      submit="Create directory"
      pending={making.isPending}
      error={making.error}
      onClose={onClose}
      onSubmit={() => {
        setMissing(organizationId === '');
        if (organizationId !== '') making.mutate();
      }}
    >
      {!organization && (
        <Select
          label="Organization"
          placeholder={organizations.data?.length === 0 ? 'Create an organization first' : 'Choose one'}
          searchable
          data={organizations.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
          value={values.organization_id || null}
          onChange={(value) => set('organization_id', value ?? '')}
          error={
            faultOf(making.error, 'organization_id') ??
            (missing && organizationId === '' ? 'Choose the organization that the directory belongs to.' : undefined)
          }
          nothingFoundMessage="No such organization"
          data-autofocus
        />
      )}
      <Select
        label="Identity provider"
        allowDeselect={false}
        data={Object.entries(providerNames).map(([value, label]) => ({ value, label }))}
        value={values.provider}
        onChange={(value) => set('provider', (value ?? 'generic') as Provider)}
        renderOption={({ option }) => (
          <Group gap="sm">
            <ProviderMark provider={option.value} size={22} />
            {option.label}
          </Group>
        )}
      />
      <TextInput
        label="Name (optional)"
        description="Default: the name of the organization"
        placeholder="Acme Entra"
        {...text('name', making.error)}
      />
    </FormDialog>
  );
}
