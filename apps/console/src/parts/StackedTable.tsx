import { Box } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './StackedTable.module.css';

export interface StackedRow {
  key: string;
  cells: ReactNode[];
}

/**
 * A short table. Where the screen is narrow each row becomes a block, with a column's head before each value: nothing has to be
 * scrolled sideways. The roles are said, since what is no longer laid out as a table is no longer told as one.
 */
export function StackedTable({
  heads,
  rows,
  bordered,
  label,
}: {
  heads: string[];
  rows: StackedRow[];
  bordered?: boolean;
  label?: string;
}) {
  return (
    <Box component="table" role="table" aria-label={label} className={classes.table} data-bordered={bordered || undefined}>
      <thead role="rowgroup">
        <tr role="row">
          {heads.map((head) => (
            <th key={head} role="columnheader" scope="col">
              <span className={head === 'Actions' ? 'visually-hidden' : undefined}>{head}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ key, cells }) => (
          <tr key={key} role="row">
            {cells.map((cell, i) => (
              <td
                key={heads[i]}
                role="cell"
                data-label={heads[i] === 'Actions' ? undefined : heads[i]}
                data-actions={heads[i] === 'Actions' || undefined}
              >
                <div>{cell}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </Box>
  );
}
