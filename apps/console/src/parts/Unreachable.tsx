import { Alert, Button, Group, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { Problem } from '../broker/call';
import { WarningIcon } from '../icons';

/** Says that what is shown may be old, while the broker cannot be reached. It tries again by itself as long as something on the page does. */
export function Unreachable() {
  const queries = useQueryClient();
  const cache = queries.getQueryCache();
  const away = useSyncExternalStore(
    (changed) => cache.subscribe(changed),
    () => cache.getAll().some((query) => query.isActive() && query.state.data !== undefined && isAway(query.state.error)),
  );
  if (!away) return null;
  return (
    <Alert color="yellow" icon={<WarningIcon />} radius={0} role="alert" py="xs">
      <Group gap="sm">
        <Text size="sm">The broker cannot be reached at the moment. What you see may be out of date.</Text>
        <Button size="compact-sm" variant="default" onClick={() => void queries.refetchQueries({ type: 'active' })}>
          Try again
        </Button>
      </Group>
    </Alert>
  );
}

function isAway(error: Error | null): boolean {
  return error instanceof Problem && (error.status === 0 || error.status === 503);
}
