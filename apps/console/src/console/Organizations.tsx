import { Button, NumberInput, Select, TagsInput, TextInput } from '@mantine/core';
import { useNavigate, useSearchParams } from 'react-router';
import { useApiList, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Organization } from '../broker/answers';
import { OrganizationsIcon, PlusIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { FormDialog } from '../parts/dialogs';
import { EndlessTable } from '../parts/EndlessTable';
import { faultOf, useFields } from '../parts/fields';
import { Absent, PageFrame, Section } from '../parts/PageFrame';
import { date, number } from '../parts/words';

/** The vendor's customers. */
export default function Organizations() {
  const { page, mayChange } = useHere();
  const organizations = useApiList<Organization>('/organizations');
  const [parameters, setParameters] = useSearchParams();
  const making = parameters.has('new');
  const make = (
    <Button leftSection={<PlusIcon size={16} />} onClick={() => setParameters({ new: '' })}>
      New organization
    </Button>
  );
  return (
    <PageFrame
      title="Organizations"
      about="Your customers. Each has one or more directories, into which its identity providers push users and groups."
      actions={mayChange && make}
    >
      <Section padding={0}>
        <EndlessTable
          query={organizations}
          label="organizations"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/organizations/${id}`)}
          columns={[
            { head: 'Name', width: 'minmax(0, 2fr)', cell: ({ name }) => name },
            {
              head: 'Your id',
              width: 'minmax(0, 1.4fr)',
              cell: ({ external_id: id }) => (id === null ? <Absent /> : <span className="mono">{id}</span>),
              wideOnly: true,
            },
            { head: 'Domains', width: 'minmax(0, 1.6fr)', cell: ({ domains }) => domains.join(', ') || <Absent />, wideOnly: true },
            {
              head: 'Seats used',
              width: '110px',
              align: 'end',
              cell: (one) => `${number(one.seats_used)}${one.seat_limit === null ? '' : ` of ${number(one.seat_limit)}`}`,
            },
            { head: 'Created', width: '120px', align: 'end', cell: (one) => date(one.created_at), wideOnly: true },
          ]}
          nothing={
            <Nothing icon={<OrganizationsIcon size={24} />} title="No organizations yet" action={mayChange && make}>
              Create one for your first customer. Directories, users and events belong to it.
            </Nothing>
          }
        />
      </Section>
      <OrganizationForm opened={making} onClose={() => setParameters({})} />
    </PageFrame>
  );
}

const seatModes = [
  { value: 'reject', label: 'Reject users over the limit' },
  { value: 'expand', label: 'Expand automatically, up to a ceiling' },
  { value: 'observe', label: 'Accept everybody, and report it' },
];

/** Makes an organization, or changes the one given. */
export function OrganizationForm({ opened, organization, onClose }: { opened: boolean; organization?: Organization; onClose: () => void }) {
  const { page } = useHere();
  const navigate = useNavigate();
  const initial = {
    name: organization?.name ?? '',
    external_id: organization?.external_id ?? '',
    domains: organization?.domains ?? [],
    contacts: organization?.contacts ?? [],
    seat_limit: organization?.seat_limit ?? ('' as number | string),
    seat_mode: organization?.seat_mode ?? ('reject' as string),
    seat_ceiling: organization?.seat_ceiling ?? ('' as number | string),
  };
  const { values, set, text, reset } = useFields(initial);
  const writing = useWrite<Organization>(
    () => ({
      path: organization ? `/organizations/${organization.id}` : '/organizations',
      method: organization ? 'PATCH' : 'POST',
      body: {
        name: values.name.trim(),
        external_id: values.external_id.trim() || null,
        domains: values.domains,
        contacts: values.contacts,
        seat_limit: values.seat_limit === '' ? null : values.seat_limit,
        seat_mode: values.seat_mode,
        seat_ceiling: values.seat_mode === 'expand' && values.seat_ceiling !== '' ? values.seat_ceiling : null,
      },
    }),
    (made) => {
      onClose();
      if (!organization) {
        reset(initial);
        void navigate(page(`/organizations/${made.id}`));
      }
    },
  );
  return (
    <FormDialog
      opened={opened}
      title={organization ? 'Edit organization' : 'New organization'}
      submit={organization ? 'Save' : 'Create organization'}
      pending={writing.isPending}
      error={writing.error}
      onClose={onClose}
      onSubmit={() => writing.mutate()}
    >
      <TextInput label="Name" placeholder="Acme" required data-autofocus {...text('name', writing.error)} />
      <TextInput
        label="Your id (optional)"
        description="What your own product calls this customer; events carry it"
        placeholder="acme"
        {...text('external_id', writing.error)}
      />
      <TagsInput
        label="E-mail domains (optional)"
        placeholder={values.domains.length === 0 ? 'acme.com' : undefined}
        value={values.domains}
        onChange={(value) => set('domains', value)}
        error={faultOf(writing.error, 'domains')}
        splitChars={[',', ' ']}
      />
      <TagsInput
        label="Contacts (optional)"
        description="Who gets an e-mail when provisioning fails"
        placeholder={values.contacts.length === 0 ? 'it@acme.com' : undefined}
        value={values.contacts}
        onChange={(value) => set('contacts', value)}
        error={faultOf(writing.error, 'contacts')}
        splitChars={[',', ' ']}
      />
      <NumberInput
        label="Seats (optional)"
        description="How many active users the organization may have"
        min={0}
        allowDecimal={false}
        thousandSeparator=","
        value={values.seat_limit}
        onChange={(value) => set('seat_limit', value)}
        error={faultOf(writing.error, 'seat_limit')}
      />
      {values.seat_limit !== '' && (
        <Select
          label="When they run out"
          data={seatModes}
          allowDeselect={false}
          value={values.seat_mode}
          onChange={(value) => set('seat_mode', value ?? 'reject')}
          error={faultOf(writing.error, 'seat_mode')}
        />
      )}
      {values.seat_limit !== '' && values.seat_mode === 'expand' && (
        <NumberInput
          label="Ceiling (optional)"
          min={0}
          allowDecimal={false}
          thousandSeparator=","
          value={values.seat_ceiling}
          onChange={(value) => set('seat_ceiling', value)}
          error={faultOf(writing.error, 'seat_ceiling')}
        />
      )}
    </FormDialog>
  );
}
