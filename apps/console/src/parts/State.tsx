import { Badge } from '@mantine/core';
import classes from './State.module.css';

type Tone = 'good' | 'waiting' | 'bad' | 'off' | 'info';

const tones: Record<string, Tone> = {
  active: 'good',
  succeeded: 'good',
  delivered: 'good',
  connected: 'good',
  pending: 'waiting',
  failing: 'bad',
  failed: 'bad',
  parked: 'bad',
  disabled: 'off',
  deactivated: 'off',
  test: 'info',
};

/** A state, in a word and a colour; never in the colour alone. */
export function State({ state, tone }: { state: string; tone?: Tone }) {
  return (
    <Badge
      variant="default"
      className={classes.state}
      data-tone={tone ?? tones[state] ?? 'info'}
      leftSection={<span className={classes.dot} />}
      radius="sm"
      tt="none"
      fw={550}
    >
      {state}
    </Badge>
  );
}
