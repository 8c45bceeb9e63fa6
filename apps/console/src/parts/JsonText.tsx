import { Box, Button, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { CopyButton } from './Copyable';
import classes from './JsonText.module.css';

const longest = 60_000;
const foldedLines = 24;

/** JSON as people read it: indented, coloured, to be copied. What is long is folded. */
export function JsonText({ value, label, folded = true }: { value: unknown; label: string; folded?: boolean }) {
  const whole = JSON.stringify(value, null, 2) ?? 'null';
  const lines = whole.split('\n');
  const [open, setOpen] = useState(!folded || lines.length <= foldedLines + 4);
  const shown = (open ? whole : lines.slice(0, foldedLines).join('\n')).slice(0, longest);
  return (
    <Box className={classes.box}>
      <Box className={classes.copy}>
        <CopyButton value={whole} label={`Copy ${label}`} />
      </Box>
      {/* It scrolls sideways where it must, so a keyboard has to be able to reach it. */}
      <pre className={classes.json} tabIndex={0} role="region" aria-label={label}>
        {coloured(shown)}
      </pre>
      {whole.length > longest && open && (
        <Text size="xs" c="dimmed" px="sm" pb="xs">
          Cut at {longest.toLocaleString('en')} characters; copying takes the whole.
        </Text>
      )}
      {!open && (
        <Button variant="subtle" size="compact-sm" m="xs" onClick={() => setOpen(true)}>
          Show all {lines.length} lines
        </Button>
      )}
    </Box>
  );
}

const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function coloured(json: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let last = 0;
  for (const match of json.matchAll(token)) {
    parts.push(json.slice(last, match.index));
    const [text, string, colon] = match;
    const kind = string === undefined ? classes.literal : colon === undefined ? classes.string : classes.name;
    parts.push(
      <span key={match.index} className={kind}>
        {string ?? text}
      </span>,
      colon ?? '',
    );
    last = match.index + text.length;
  }
  parts.push(json.slice(last));
  return parts;
}
