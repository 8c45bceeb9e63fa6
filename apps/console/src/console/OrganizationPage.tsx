import { Button, Menu, Progress, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { useApi, useApiWhole, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, Organization } from '../broker/answers';
import { DirectoriesIcon, DotsIcon, PlusIcon } from '../icons';
import { Answer, Nothing } from '../parts/Answer';
import { InlineId } from '../parts/Copyable';
import { ConfirmDialog } from '../parts/dialogs';
import { Absent, Facts, PageFrame, Section } from '../parts/PageFrame';
import { count, date, number } from '../parts/words';
import { DirectoryForm, DirectoryRows } from './Directories';
import { OrganizationForm } from './Organizations';

/** One customer: who they are, and their directories. */
export default function OrganizationPage() {
  const { organization: id = '' } = useParams();
  const organization = useApi<Organization>(`/organizations/${id}`);
  return <Answer query={organization}>{(one) => <Shown key={one.id} organization={one} />}</Answer>;
}

function Shown({ organization }: { organization: Organization }) {
  const { page, mayChange } = useHere();
  const navigate = useNavigate();
  const directories = useApiWhole<Directory>(`/directories?organization_id=${organization.id}`);
  const [changing, setChanging] = useState(false);
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const deletion = useWrite(
    () => ({ path: `/organizations/${organization.id}`, method: 'DELETE' }),
    () => void navigate(page('/organizations'), { replace: true }),
  );
  const { seats_used: used, seat_limit: limit } = organization;
  const add = (
    <Button leftSection={<PlusIcon size={16} />} onClick={() => setAdding(true)}>
      New directory
    </Button>
  );

  return (
    <PageFrame
      title={organization.name}
      back={{ to: page('/organizations'), label: 'Organizations' }}
      actions={
        mayChange && (
          <>
            <Button variant="default" onClick={() => setChanging(true)}>
              Edit
            </Button>
            {add}
            <Menu>
              <Menu.Target>
                <Button variant="default" px={8} aria-label="More">
                  <DotsIcon />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item color="red" onClick={() => setDeleting(true)}>
                  Delete the organization…
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      <Section title="Directories" padding={0}>
        <Answer query={directories}>
          {(list) =>
            list.length === 0 ? (
              <Nothing icon={<DirectoriesIcon size={24} />} title="No directories yet" action={mayChange && add}>
                A directory is what the customer’s identity provider connects to.
              </Nothing>
            ) : (
              <DirectoryRows directories={list} />
            )
          }
        </Answer>
      </Section>
      <Section title="About">
        <Facts
          facts={[
            ['Id', <InlineId key="id" id={organization.id} />],
            [
              'Your id',
              organization.external_id === null ? (
                <Absent key="external-id" />
              ) : (
                <span key="external-id" className="mono">
                  {organization.external_id}
                </span>
              ),
            ],
            ['Domains', organization.domains.join(', ') || <Absent key="domains" />],
            ['Contacts', organization.contacts.join(', ') || <Absent key="contacts" />],
            [
              'Seats',
              <Stack key="seats" gap={6} maw={320}>
                <Text size="sm">
                  {limit === null ? `${number(used)} used, no limit` : `${number(used)} of ${number(limit)} used`}
                  {limit !== null && `; ${seatWords[organization.seat_mode]}`}
                  {organization.seat_ceiling !== null && ` of ${number(organization.seat_ceiling)}`}
                </Text>
                {limit !== null && limit > 0 && (
                  <Progress
                    value={Math.min(100, (used / limit) * 100)}
                    color={used >= limit ? 'red' : used >= limit * 0.8 ? 'yellow' : undefined}
                    aria-label="Seats used"
                  />
                )}
              </Stack>,
            ],
            ['Created', date(organization.created_at)],
          ]}
        />
      </Section>
      <OrganizationForm opened={changing} organization={organization} onClose={() => setChanging(false)} />
      <DirectoryForm opened={adding} organization={organization} onClose={() => setAdding(false)} />
      <ConfirmDialog
        opened={deleting}
        title={`Delete ${organization.name}?`}
        typed={organization.name}
        confirm="Delete the organization"
        pending={deletion.isPending}
        error={deletion.error}
        onConfirm={() => deletion.mutate()}
        onClose={() => setDeleting(false)}
        goes={[
          `${count(directories.data?.length ?? 0, 'directory', 'directories')}${directories.data?.length ? `: ${directories.data.map(({ name }) => name).join(', ')}` : ''}`,
          `${count(used, 'active user')}, all deactivated users, and all groups`,
          'every token and setup link: the customer’s identity provider is locked out at once',
        ]}
      >
        <Text size="sm">This cannot be undone. What goes:</Text>
      </ConfirmDialog>
    </PageFrame>
  );
}

const seatWords = {
  reject: 'users over the limit are rejected',
  expand: 'expands automatically, up to a ceiling',
  observe: 'users over the limit are accepted and reported',
};
