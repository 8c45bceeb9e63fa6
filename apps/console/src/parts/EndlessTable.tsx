import { Box, Button, Center, Loader, Skeleton, Text } from '@mantine/core';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Link } from 'react-router';
import { Failed } from './Answer';
import classes from './EndlessTable.module.css';

export interface Column<T> {
  head: string;
  /** A track of CSS grid, such as `minmax(0, 2fr)` or `120px`. */
  width: string;
  cell: (row: T) => ReactNode;
  /** Left out where the screen is narrow. */
  wideOnly?: boolean;
  /** Stands below the cell where the screen is narrow: of what is left out there, the most telling. */
  below?: (row: T) => ReactNode;
  align?: 'end';
  /** One line: what is too long for it is cut, and told on hovering. */
  clip?: boolean;
}

interface Answered<T> {
  data: T[];
}

/**
 * A list without an end: pages are fetched as the reader comes near the last row, and only the rows in sight are in the document,
 * so that 100,000 scroll like 100.
 */
export function EndlessTable<T>({
  query,
  columns,
  keyOf,
  linkOf,
  label,
  nothing,
  chosen,
  rowHeight = 47,
}: {
  query: UseInfiniteQueryResult<InfiniteData<Answered<T>>>;
  columns: Column<T>[];
  keyOf: (row: T) => string;
  /** Where a row leads; its first cell becomes the link. */
  linkOf?: (row: T) => string;
  /** What the table holds, for screen readers. */
  label: string;
  nothing: ReactNode;
  chosen?: (row: T) => boolean;
  rowHeight?: number;
}) {
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.data) ?? [], [query.data]);
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const isEmpty = rows.length === 0;
  useLayoutEffect(() => {
    if (list.current) setTop(list.current.getBoundingClientRect().top + window.scrollY);
  }, [isEmpty]);

  // oxlint-disable-next-line react/incompatible-library -- it is the React compiler that cannot memoize it, and there is none here
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : keyOf(row);
    },
  });
  const visible = virtual.getVirtualItems();
  const lastVisible = visible.at(-1)?.index ?? -1;
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  useEffect(() => {
    if (lastVisible >= rows.length - 20 && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [lastVisible, rows.length, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  const tracks: CSSProperties & Record<`--${string}`, string> = {
    '--columns': columns.map(({ width }) => width).join(' '),
    '--columns-phone': columns
      .filter(({ wideOnly }) => !wideOnly)
      .map(({ width }) => width)
      .join(' '),
  };

  if (query.isPending) {
    return (
      <Box px="md" py="sm" aria-busy="true" aria-label={`Loading ${label}`}>
        {Array.from({ length: 6 }, (_, i) => (
          <Skeleton key={i} height={16} my={15} width={`${95 - ((i * 17) % 30)}%`} />
        ))}
      </Box>
    );
  }
  if (query.isError && rows.length === 0)
    return (
      <Box p="md">
        <Failed error={query.error} retry={() => void query.refetch()} />
      </Box>
    );
  if (rows.length === 0 && !hasNextPage) return nothing;

  return (
    <>
      <div className={classes.table} role="table" aria-label={label} aria-rowcount={hasNextPage ? -1 : rows.length + 1} style={tracks}>
        <div role="rowgroup">
          <div className={classes.head} role="row" aria-rowindex={1}>
            {columns.map((column) => (
              <div
                key={column.head}
                role="columnheader"
                className={classes.cell}
                data-phone={column.wideOnly ? 'hide' : undefined}
                data-align={column.align}
              >
                {column.head === 'Actions' ? <span className="visually-hidden">{column.head}</span> : column.head}
              </div>
            ))}
          </div>
        </div>
        <div ref={list} role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {visible.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={classes.row}
                role="row"
                aria-rowindex={item.index + 2}
                data-link={linkOf ? '' : undefined}
                data-chosen={chosen?.(row) ? '' : undefined}
                style={{
                  position: 'absolute',
                  top: 0,
                  left: 0,
                  right: 0,
                  transform: `translateY(${item.start - virtual.options.scrollMargin}px)`,
                }}
              >
                {columns.map((column, i) => {
                  const content = column.cell(row);
                  return (
                    <div
                      key={column.head}
                      role="cell"
                      className={classes.cell}
                      data-phone={column.wideOnly ? 'hide' : undefined}
                      data-align={column.align}
                      data-clip={column.clip || undefined}
                      title={column.clip && typeof content === 'string' ? content : undefined}
                    >
                      {i === 0 && linkOf ? (
                        <Link to={linkOf(row)} className={classes.link}>
                          {content}
                        </Link>
                      ) : (
                        content
                      )}
                      {column.below && <div className={classes.below}>{column.below(row)}</div>}
                    </div>
                  );
                })}
              </div>
            );
          })}
        </div>
      </div>
      {isFetchNextPageError && (
        <Box p="md">
          <Failed error={query.error} retry={() => void fetchNextPage()} title="The next rows could not be loaded" />
        </Box>
      )}
      {isFetchingNextPage && (
        <Center p="sm">
          <Loader size="sm" aria-label="Loading more" />
        </Center>
      )}
      {rows.length === 0 && hasNextPage && !isFetchingNextPage && (
        <Center p="lg" style={{ flexDirection: 'column', gap: 8 }}>
          <Text size="sm" c="dimmed">
            Nothing in this part of the list.
          </Text>
          <Button variant="default" size="xs" onClick={() => void fetchNextPage()}>
            Look further back
          </Button>
        </Center>
      )}
    </>
  );
}

/** For whatever stands in a row and can be pressed by itself. */
export const aboveRowLink = classes.above ?? '';
