import { Anchor, Box, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { Link } from 'react-router';
import { ArrowLeftIcon } from '../icons';
import { Breakable } from './Breakable';

/** A page's head and body. The title is also the document's, and what a screen reader hears on arriving. */
export function PageFrame({
  title,
  titleMark,
  about,
  back,
  actions,
  children,
}: {
  title: string;
  /** Beside the title: a state, a picture. */
  titleMark?: ReactNode;
  about?: ReactNode;
  back?: { to: string; label: string };
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Causeway`;
  }, [title]);
  return (
    <Stack gap="lg">
      <Box>
        {back && (
          <Anchor component={Link} to={back.to} size="sm" c="dimmed" mb={6} display="inline-flex" style={{ alignItems: 'center', gap: 6 }}>
            <ArrowLeftIcon size={14} />
            {back.label}
          </Anchor>
        )}
        <Group justify="space-between" align="flex-start" gap="md" wrap="wrap">
          <Box style={{ flex: '1 1 260px', minWidth: 0 }}>
            <Group gap="sm" wrap="wrap">
              <Title order={1} style={{ overflowWrap: 'anywhere' }}>
                <Breakable text={title} />
              </Title>
              {titleMark}
            </Group>
            {about && (
              <Text c="dimmed" size="sm" mt={4} maw={720} component="div">
                {about}
              </Text>
            )}
          </Box>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      </Box>
      {children}
    </Stack>
  );
}

/** A box with a heading. */
export function Section({
  title,
  about,
  actions,
  children,
  padding = 'lg',
  id,
}: {
  title?: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  padding?: string | number;
  id?: string;
}) {
  const head = title !== undefined || actions !== undefined;
  return (
    <Paper component="section" id={id} style={{ overflow: 'clip' }}>
      {head && (
        <Group
          justify="space-between"
          align="flex-start"
          gap="sm"
          px="lg"
          py="md"
          style={{ borderBottom: '1px solid var(--causeway-line)' }}
        >
          <Box style={{ flex: '1 1 200px', minWidth: 0 }}>
            {title !== undefined && <Title order={2}>{title}</Title>}
            {about && (
              <Text size="sm" c="dimmed" mt={2} component="div">
                {about}
              </Text>
            )}
          </Box>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
      )}
      <Box p={padding}>{children}</Box>
    </Paper>
  );
}

/** Names and values, one below the other. */
export function Facts({ facts }: { facts: [name: string, value: ReactNode][] }) {
  return (
    <Box
      component="dl"
      m={0}
      style={{ display: 'grid', gridTemplateColumns: 'minmax(110px, max-content) minmax(0, 1fr)', columnGap: 24, rowGap: 10 }}
    >
      {facts.map(([name, value]) => (
        <Box key={name} style={{ display: 'contents' }}>
          <Text component="dt" size="sm" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: 'anywhere', minWidth: 0 }}>
            {value ?? <Absent />}
          </Text>
        </Box>
      ))}
    </Box>
  );
}

/** There is no value. */
export function Absent() {
  return (
    <Text component="span" c="dimmed" inherit aria-label="none">
      –
    </Text>
  );
}
