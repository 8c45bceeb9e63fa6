import { Box } from '@mantine/core';
import { Link, useLocation } from 'react-router';
import classes from './PageTabs.module.css';

interface Tab {
  to: string;
  name: string;
  /** A number beside the name. */
  note?: string | number | undefined;
  /** Paths below it that belong to it as well. */
  within?: string;
}

/** Pages of one thing, side by side. They are links: each has an address, and opens in a tab of its own. */
export function PageTabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  const { pathname } = useLocation();
  return (
    <Box component="nav" aria-label={label} className={classes.tabs}>
      {tabs.map(({ to, name, note, within }) => (
        <Link
          key={to}
          to={to}
          className={classes.tab}
          aria-current={pathname === to || (within !== undefined && pathname.startsWith(within)) ? 'page' : undefined}
        >
          {name}
          {note !== undefined && <span className={classes.note}>{note}</span>}
        </Link>
      ))}
    </Box>
  );
}
