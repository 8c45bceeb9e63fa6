import { ActionIcon, Box, CopyButton as Copier, Group, Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { CheckIcon, CopyIcon } from '../icons';

export function CopyButton({ value, label = 'Copy' }: { value: string; label?: string }) {
  return (
    <Copier value={value} timeout={2000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon variant="subtle" color={copied ? 'teal' : 'gray'} onClick={copy} aria-label={copied ? 'Copied' : label} size="md">
            {copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </Copier>
  );
}

/** A value that is there to be pasted elsewhere, named as the place where it goes is named. */
export function Copyable({ label, value, hint }: { label: string; value: string; hint?: ReactNode }) {
  return (
    <Box>
      <Text size="sm" fw={600} mb={4}>
        {label}
      </Text>
      <Group
        gap={4}
        wrap="nowrap"
        align="center"
        pl="sm"
        pr={4}
        py={4}
        style={{ background: 'var(--causeway-code)', border: '1px solid var(--causeway-line)', borderRadius: 'var(--mantine-radius-md)' }}
      >
        <Text component="code" className="mono" style={{ flex: 1, minWidth: 0, lineHeight: 1.5 }}>
          {value}
        </Text>
        <CopyButton value={value} label={`Copy ${label}`} />
      </Group>
      {hint && (
        <Text size="xs" c="dimmed" mt={4} component="div">
          {hint}
        </Text>
      )}
    </Box>
  );
}

/** An id within a line: what it is, and a way to copy it. */
export function InlineId({ id }: { id: string }) {
  return (
    <Box component="span" style={{ display: 'inline-flex', alignItems: 'center', gap: 2, maxWidth: '100%' }}>
      <Text component="span" className="mono" style={{ minWidth: 0 }}>
        {id}
      </Text>
      <CopyButton value={id} label={`Copy ${id.split('_')[0]} id`} />
    </Box>
  );
}
