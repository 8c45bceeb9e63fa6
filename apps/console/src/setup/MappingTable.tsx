import { Table, Text } from '@mantine/core';

/** What the identity provider is to send: the target as SCIM calls it, and where it comes from there. */
export function MappingTable({ sourceLabel, targetLabel, rows }: {
  sourceLabel: string;
  targetLabel: string;
  rows: { target: string; source: string; note?: string; optional?: boolean }[];
}) {
  return (
    <Table.ScrollContainer minWidth={420} my="sm">
      <Table withTableBorder verticalSpacing={8} fz="sm">
        <Table.Thead><Table.Tr><Table.Th>{targetLabel}</Table.Th><Table.Th>{sourceLabel}</Table.Th><Table.Th>Needed</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {rows.map(({ target, source, note, optional }) => (
            <Table.Tr key={target}>
              <Table.Td><span className="mono">{target}</span></Table.Td>
              <Table.Td><span className="mono">{source}</span>{note && <Text size="xs" c="dimmed">{note}</Text>}</Table.Td>
              <Table.Td>{optional ? 'if you like' : 'yes'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
