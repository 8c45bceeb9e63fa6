import { Alert, Button, Center, Group, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Problem } from '../broker/call';
import { WarningIcon } from '../icons';

interface Query<T> {
  data: T | undefined;
  error: Error | null;
  isPending: boolean;
  refetch: () => unknown;
}

/** What a query came to: its answer; while there is none a sketch of it; or why there is none, and what to do. */
export function Answer<T>({ query, sketch, children }: { query: Query<T>; sketch?: ReactNode; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return sketch ?? <Sketch />;
}

/** Grey bars where text will be. */
export function Sketch({ lines = 4 }: { lines?: number }) {
  return (
    <Stack gap="sm" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} height={18} width={`${92 - ((i * 23) % 45)}%`} />
      ))}
    </Stack>
  );
}

export function Failed({ error, retry, title }: { error: Error; retry?: () => void; title?: string }) {
  const requestId = error instanceof Problem ? error.requestId : null;
  const gone = error instanceof Problem && error.status === 404;
  return (
    <Alert
      color={gone ? 'gray' : 'red'}
      icon={<WarningIcon />}
      title={title ?? (gone ? 'Not found' : 'This could not be loaded')}
      role="alert"
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{gone ? 'It does not exist, or has been deleted. Go back to the list and choose another.' : error.message}</Text>
        {requestId && !gone && (
          <Text size="xs" c="dimmed">
            Request <span className="mono">{requestId}</span>
          </Text>
        )}
        {retry && !gone && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Nothing here yet: says what would be, and how it comes to be. */
export function Nothing({ icon, title, children, action }: { icon?: ReactNode; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Center py={48} px="md">
      <Stack align="center" gap="sm" maw={460}>
        {icon && (
          <ThemeIcon size={48} radius="xl" variant="light">
            {icon}
          </ThemeIcon>
        )}
        <Title order={2} ta="center">
          {title}
        </Title>
        {children && (
          <Text c="dimmed" size="sm" ta="center" component="div">
            {children}
          </Text>
        )}
        {action && (
          <Group mt="xs" justify="center">
            {action}
          </Group>
        )}
      </Stack>
    </Center>
  );
}

/** Why a form was refused. */
export function Refusal({ error }: { error: Error | null | undefined }) {
  if (!error) return null;
  // The API names a field by its JSON pointer: `/contacts/0: must be …`.
  return (
    <Alert color="red" role="alert" icon={<WarningIcon />}>
      {error.message.replace(/^\/(\w+)(\/\S*)?: /, '$1: ')}
    </Alert>
  );
}
