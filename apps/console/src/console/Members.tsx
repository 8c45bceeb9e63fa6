import { Alert, Button, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useOwn, useOwnWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Invited, MembersAndInvitations, Role } from '../broker/answers';
import { PlusIcon } from '../icons';
import { Answer } from '../parts/Answer';
import { ConfirmDialog, FormDialog } from '../parts/dialogs';
import { useFields } from '../parts/fields';
import { PageFrame, Section } from '../parts/PageFrame';
import { StackedTable } from '../parts/StackedTable';
import { When } from '../parts/When';
import { date } from '../parts/words';
import { NoMailServer } from './entering';

/** Who may see this environment, and who may change it. */
export default function Members() {
  const { session, mayChange, environment } = useHere();
  const members = useOwn<MembersAndInvitations>('/members');
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<{ id: string; email: string } | undefined>();
  const { values, set, text, reset } = useFields({ email: '', role: 'admin' as Role });
  const invitation = useOwnWrite<Invited>(
    () => ({ path: '/invitations', body: values }),
    () => {
      setInviting(false);
      notifications.show({ message: `${values.email} has been invited.`, color: 'teal' });
      reset();
    },
  );
  const change = useOwnWrite<unknown, { id: string; role: Role }>(({ id, role }) => ({
    path: `/members/${id}`,
    method: 'PATCH',
    body: { role },
  }));
  const removal = useOwnWrite<unknown, string>(
    (id) => ({ path: `/members/${id}`, method: 'DELETE' }),
    () => setRemoving(undefined),
  );
  const revocation = useOwnWrite<unknown, string>((id) => ({ path: `/invitations/${id}`, method: 'DELETE' }));

  return (
    <PageFrame
      title="Members"
      about="Admins can change everything here; viewers can see everything."
      actions={
        mayChange && (
          <Button leftSection={<PlusIcon size={16} />} onClick={() => setInviting(true)}>
            Invite a member
          </Button>
        )
      }
    >
      {change.error && (
        <Alert color="red" role="alert">
          {change.error.message}
        </Alert>
      )}
      <Answer query={members}>
        {({ members: list, invitations }) => (
          <>
            <Section padding={0}>
              <StackedTable
                heads={['E-mail', 'Role', 'Last seen', 'Member since', 'Actions']}
                rows={list.map((member) => ({
                  key: member.id,
                  cells: [
                    <Text key="email" fw={550} size="sm">
                      {member.email}
                      {member.id === session.member?.id && (
                        <Text span c="dimmed" fw={400} inherit>
                          {' '}
                          (you)
                        </Text>
                      )}
                    </Text>,
                    mayChange ? (
                      <NativeSelect
                        key="role"
                        aria-label={`Role of ${member.email}`}
                        size="xs"
                        w={110}
                        data={[
                          { value: 'admin', label: 'Admin' },
                          { value: 'viewer', label: 'Viewer' },
                        ]}
                        value={member.role}
                        onChange={(event) => change.mutate({ id: member.id, role: event.currentTarget.value as Role })}
                      />
                    ) : member.role === 'admin' ? (
                      'Admin'
                    ) : (
                      'Viewer'
                    ),
                    member.last_seen_at ? <When key="seen" time={member.last_seen_at} /> : 'never',
                    date(member.since),
                    mayChange && (
                      <Button
                        key="remove"
                        size="compact-sm"
                        variant="subtle"
                        color="red"
                        onClick={() => setRemoving(member)}
                        aria-label={`Remove ${member.email}`}
                      >
                        Remove
                      </Button>
                    ),
                  ],
                }))}
              />
            </Section>
            {invitations.length > 0 && (
              <Section title="Invited" padding={0}>
                <StackedTable
                  heads={['E-mail', 'Role', 'Invited by', 'Expires', 'Actions']}
                  rows={invitations.map((one) => ({
                    key: one.id,
                    cells: [
                      <Text key="email" fw={550} size="sm">
                        {one.email}
                      </Text>,
                      one.role === 'admin' ? 'Admin' : 'Viewer',
                      one.invited_by ?? '',
                      <When key="ends" time={one.expires_at} />,
                      mayChange && (
                        <Button
                          key="revoke"
                          size="compact-sm"
                          variant="subtle"
                          color="red"
                          onClick={() => revocation.mutate(one.id)}
                          aria-label={`Revoke the invitation of ${one.email}`}
                        >
                          Revoke
                        </Button>
                      ),
                    ],
                  }))}
                />
              </Section>
            )}
            {invitations.length > 0 && !session.mail_reaches && <NoMailServer />}
          </>
        )}
      </Answer>
      <FormDialog
        opened={inviting}
        title={`Invite a member to ${environment.name}`}
        submit="Invite"
        pending={invitation.isPending}
        error={invitation.error}
        onSubmit={() => invitation.mutate()}
        onClose={() => setInviting(false)}
      >
        <Stack>
          <TextInput label="E-mail" type="email" required data-autofocus {...text('email', invitation.error)} />
          <NativeSelect
            label="Role"
            data={[
              { value: 'admin', label: 'Admin: can change everything' },
              { value: 'viewer', label: 'Viewer: can see everything' },
            ]}
            value={values.role}
            onChange={(event) => set('role', event.currentTarget.value as Role)}
          />
          <Text size="sm" c="dimmed">
            They get an e-mail with a link that works once, within a week.
          </Text>
        </Stack>
      </FormDialog>
      <ConfirmDialog
        opened={removing !== undefined}
        title={`Remove ${removing?.email ?? ''}?`}
        confirm="Remove"
        pending={removal.isPending}
        error={removal.error}
        onConfirm={() => removing && removal.mutate(removing.id)}
        onClose={() => setRemoving(undefined)}
      >
        <Text size="sm">
          They lose access to this environment at once, and keep their other environments. API keys that they know keep working: revoke
          those too.
        </Text>
      </ConfirmDialog>
    </PageFrame>
  );
}
