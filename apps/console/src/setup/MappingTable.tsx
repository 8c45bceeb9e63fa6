import { Box, Text } from '@mantine/core';
import { StackedTable } from '../parts/StackedTable';
import type { WantedAttribute } from '../broker/answers';
import { useSetup } from './setup-session';

/** One attribute to send, as the identity provider's own screen names it. */
export interface MappingRow {
  target: string;
  source: string;
  note?: string;
  optional?: boolean;
  /** What SCIM calls it, where the screen calls it otherwise. */
  path?: string;
}

/**
 * What the identity provider is to send: the target as its screen names it, and where it comes from. What this vendor has mapped
 * besides is added; where it is there already, the vendor's wishes hold. `more` names the rows of what is seldom wanted.
 */
export function MappingTable({
  sourceLabel,
  targetLabel,
  rows,
  more = [],
}: {
  sourceLabel: string;
  targetLabel: string;
  rows: MappingRow[];
  more?: MappingRow[];
}) {
  const { attributes, vendor } = useSetup();
  const wanted = new Map(attributes.map((attribute) => [folded(attribute.path), attribute]));
  const pathOf = (row: MappingRow): string => folded(row.path ?? row.target);
  const shown = new Set(rows.map(pathOf));
  const added = attributes
    .filter(({ path }) => !shown.has(folded(path)))
    .map(({ path }): MappingRow => more.find((row) => pathOf(row) === folded(path)) ?? { target: path, source: 'one of your attributes' });
  const asWanted = (row: MappingRow): MappingRow => {
    const wish = wanted.get(pathOf(row));
    if (!wish) return row;
    const usual = shown.has(pathOf(row));
    const wishes = wish.allowed_values
      ? `${vendor.name} accepts ${valuesIn(wish)}`
      : usual && !wish.required
        ? undefined
        : `used by ${vendor.name}`;
    return { ...row, optional: !wish.required && (!usual || row.optional === true), note: [row.note, wishes].filter(Boolean).join('; ') };
  };
  return (
    <Box my="sm">
      <StackedTable
        bordered
        label="Attributes to send"
        heads={[targetLabel, sourceLabel, 'Required?']}
        rows={[...rows, ...added].map(asWanted).map(({ target, source, note, optional }) => ({
          key: target,
          cells: [
            <span key="target" className="mono">
              {target}
            </span>,
            <Box key="source">
              <span className={/^[a-z][A-Za-z]*$|[.([]/.test(source) ? 'mono' : undefined}>{source}</span>
              {note && (
                <Text size="xs" c="dimmed">
                  {note}
                </Text>
              )}
            </Box>,
            optional ? 'optional' : 'required',
          ],
        }))}
      />
    </Box>
  );
}

/** Whether this vendor wants something that the identity provider's list of attributes does not have until it is added. */
export function useOwnAttributes(): WantedAttribute[] {
  return useSetup().attributes.filter(
    ({ path }) => path.toLowerCase().startsWith('urn:') && !path.toLowerCase().includes(':enterprise:2.0:'),
  );
}

function valuesIn({ allowed_values: allowed }: WantedAttribute): string {
  const values = (allowed ?? []).map(String);
  if (values.length > 8) return `${values.slice(0, 7).join(', ')} and ${values.length - 7} other values`;
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

function folded(path: string): string {
  return path.toLowerCase().replaceAll(/\s|"/g, '');
}
