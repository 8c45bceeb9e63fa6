import { Text } from '@mantine/core';
import classes from './Difference.module.css';
import { StackedTable } from './StackedTable';

/** What changed, field by field: as it was, and as it is. */
export function Difference({ before, after }: { before: object; after: Record<string, unknown> }) {
  const changes = Object.entries(before).flatMap(([name, value]: [string, unknown]) =>
    name === 'raw' && isObject(value) && isObject(after.raw)
      ? Object.entries(value).map(([attribute, was]) => ({ name: attribute, was, is: (after.raw as Record<string, unknown>)[attribute] }))
      : [{ name, was: value, is: after[name] }],
  );
  return (
    <StackedTable
      bordered
      label="What changed"
      heads={['Field', 'Before', 'After']}
      rows={changes.map(({ name, was, is }) => ({
        key: name,
        cells: [
          <span key="name" className="mono">
            {name}
          </span>,
          <span key="before" className={classes.before}>
            <Value value={was} />
          </span>,
          <span key="after" className={classes.after}>
            <Value value={is} />
          </span>,
        ],
      }))}
    />
  );
}

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined)
    return (
      <Text component="span" size="sm" fs="italic" className={classes.none}>
        none
      </Text>
    );
  return (
    <Text component="span" className="mono" style={{ whiteSpace: 'pre-wrap' }}>
      {typeof value === 'string' ? value : JSON.stringify(value, null, 1)}
    </Text>
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
