import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { CheckIcon } from '../icons';
import classes from './setup.module.css';
import { useProgress } from './Watch';

/** One step of a guide. Where we can see that it is done, it says so. */
export function Step({ n, title, seen, children }: { n: number; title: string; seen?: 'connection' | 'user'; children: ReactNode }) {
  const progress = useProgress();
  const done =
    seen === 'connection'
      ? progress.data !== undefined && progress.data.directory.state !== 'pending'
      : seen === 'user'
        ? Boolean(progress.data?.first)
        : false;
  return (
    <li className={classes.step}>
      <span className={classes.number} data-done={done || undefined} aria-hidden="true">
        {done ? <CheckIcon size={16} /> : n}
      </span>
      <div>
        <Text component="h2" fw={650} fz="1rem" mb={8} lh={1.5}>
          {title}
          {done && <span className="visually-hidden"> (done)</span>}
        </Text>
        <div className={classes.body}>{children}</div>
        {done && seen === 'connection' && (
          <Text size="sm" mt={8} fw={550} c="teal.9" darkHidden>
            We have received the test connection.
          </Text>
        )}
        {done && seen === 'connection' && (
          <Text size="sm" mt={8} fw={550} c="teal.3" lightHidden>
            We have received the test connection.
          </Text>
        )}
      </div>
    </li>
  );
}
