import { Alert, Stack, Text } from '@mantine/core';

/** Why a request failed, in plain words, and what to do about it. */
export function RequestFailure({ explanation, fix, detail }: { explanation: string | null; fix: string | null; detail: string | null }) {
  return (
    <Alert color="red" title={explanation ?? 'The request was rejected'}>
      <Stack gap={10}>
        {fix && (
          <div>
            <Text size="sm" fw={600}>
              What to do
            </Text>
            <Text size="sm">{fix}</Text>
          </div>
        )}
        {detail && (
          <div>
            <Text size="sm" fw={600}>
              What the identity provider was told
            </Text>
            <Text size="sm">{detail}</Text>
          </div>
        )}
      </Stack>
    </Alert>
  );
}
