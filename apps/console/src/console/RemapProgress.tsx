import { Alert, Progress, Stack, Text } from '@mantine/core';
import { useApi } from '../broker/queries';
import type { Page, Remap } from '../broker/answers';
import { count, number } from '../parts/words';

/** How far the users have come who are being mapped anew, while any are. */
export function RemapProgress({ directoryId }: { directoryId?: string }) {
  const remaps = useApi<Page<Remap>>('/attribute_mapping/remaps', { parameters: { limit: 5 }, everyMs: 2_000 });
  const running = remaps.data?.data.find(
    (remap) =>
      remap.state === 'running' && (directoryId === undefined || remap.directory_id === null || remap.directory_id === directoryId),
  );
  if (!running) return null;
  const { users_total: total, users_done: done, users_failing: failing } = running;
  return (
    <Alert color="water" title="Users are being remapped" role="status">
      <Stack gap={6}>
        <Progress value={total ? (done / total) * 100 : 0} animated aria-label="Users remapped" />
        <Text size="sm">
          {total === null ? 'Counting…' : `${number(done)} of ${count(total, 'user')}`}
          {failing > 0 && `; ${count(failing, 'active user')} ${failing === 1 ? 'breaks' : 'break'} a rule and keep what they had`}. Every
          user that changes causes an event.
        </Text>
      </Stack>
    </Alert>
  );
}
