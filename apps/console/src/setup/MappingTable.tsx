import { Box, Text } from '@mantine/core';
import { StackedTable } from '../parts/StackedTable';
import { useSetup } from './setup-session';

/** What the identity provider is to send: the target as SCIM calls it, and where it comes from there. */
export function MappingTable({ sourceLabel, targetLabel, rows }: {
  sourceLabel: string;
  targetLabel: string;
  rows: { target: string; source: string; note?: string; optional?: boolean }[];
}) {
  const { attributes, vendor } = useSetup();
  const known = new Set(rows.map(({ target }) => target));
  // What this vendor has mapped besides: the target is known, and which field of theirs it comes from they know.
  const wanted = attributes.filter(({ path }) => !known.has(path)).map(({ path, required, allowed_values: allowed }) => ({
    target: path,
    source: 'a field of yours',
    note: allowed ? `${vendor.name} knows ${allowed.join(', ')}` : `for ${vendor.name}`,
    optional: !required,
  }));
  return (
    <Box my="sm">
      <StackedTable
        bordered
        label="Attributes to send"
        heads={[targetLabel, sourceLabel, 'Needed']}
        rows={[...rows, ...wanted].map(({ target, source, note, optional }: (typeof rows)[number]) => ({
          key: target,
          cells: [
            <span key="target" className="mono">{target}</span>,
            <Box key="source"><span className={source.includes(' ') ? undefined : 'mono'}>{source}</span>{note && <Text size="xs" c="dimmed">{note}</Text>}</Box>,
            optional ? 'if you like' : 'yes',
          ],
        }))}
      />
    </Box>
  );
}
