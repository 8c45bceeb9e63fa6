import { Box, Table, Text } from '@mantine/core';
import type { Json } from '../broker/shapes';
import classes from './Difference.module.css';

/** What changed, field by field: as it was, and as it is. */
export function Difference({ before, after }: { before: Record<string, Json>; after: Record<string, unknown> }) {
  const changes = Object.entries(before).flatMap(([name, value]) =>
    name === 'raw' && isObject(value) && isObject(after.raw)
      ? Object.entries(value).map(([attribute, was]) => ({ name: attribute, was, is: (after.raw as Record<string, unknown>)[attribute] }))
      : [{ name, was: value, is: after[name] }]);
  return (
    <Box style={{ overflowX: 'auto' }}>
      <Table className={classes.table} layout="fixed" withTableBorder>
        <Table.Thead><Table.Tr><Table.Th w="26%">Field</Table.Th><Table.Th>Before</Table.Th><Table.Th>After</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {changes.map(({ name, was, is }) => (
            <Table.Tr key={name}>
              <Table.Td><Text component="span" className="mono">{name}</Text></Table.Td>
              <Table.Td className={classes.before}><Value value={was} /></Table.Td>
              <Table.Td className={classes.after}><Value value={is} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  );
}

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <Text component="span" size="sm" fs="italic" className={classes.none}>none</Text>;
  return <Text component="span" className="mono" style={{ whiteSpace: 'pre-wrap' }}>{typeof value === 'string' ? value : JSON.stringify(value, null, 1)}</Text>;
}

function isObject(value: unknown): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
