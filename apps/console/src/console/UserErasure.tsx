import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { User } from '../broker/answers';
import { ConfirmDialog } from '../parts/dialogs';
import { Section } from '../parts/PageFrame';

/** Erases what is known of a person, where they ask for it. */
export function UserErasure({ user }: { user: User }) {
  const { mayChange } = useHere();
  const [asking, setAsking] = useState(false);
  const erasure = useWrite(
    () => ({ path: `/directory_users/${user.id}/personal_data`, method: 'DELETE' }),
    () => {
      setAsking(false);
      notifications.show({ message: 'The data is being erased. This takes a moment.', color: 'teal' });
    },
  );
  if (!mayChange) return null;
  return (
    <Section title="Personal data">
      <Group justify="space-between">
        <Text size="sm" c="dimmed" style={{ flex: '1 1 300px' }}>
          For requests under the GDPR: erases the person from events, requests and delivery attempts. Ids and sequence numbers stay, so that
          nothing seems to be missing.
        </Text>
        <Button variant="default" color="red" onClick={() => setAsking(true)}>
          Erase…
        </Button>
      </Group>
      <ConfirmDialog
        opened={asking}
        title="Erase the personal data?"
        typed={user.user_name}
        confirm="Erase"
        pending={erasure.isPending}
        error={erasure.error}
        onConfirm={() => erasure.mutate()}
        onClose={() => setAsking(false)}
        goes={[
          'names, addresses and all other attributes, in every stored event',
          'what requests and webhook attempts say about the person',
        ]}
      >
        <Text size="sm">This cannot be undone. Delete the person in the identity provider first, or it sends them again. What goes:</Text>
      </ConfirmDialog>
    </Section>
  );
}
