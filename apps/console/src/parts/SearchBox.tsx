import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';
import { SearchIcon } from '../icons';

/** Asks a third of a second after the last key. */
export function SearchBox({
  label,
  value,
  onChange,
  width,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
  width?: number | string;
}) {
  const [text, setText] = useState(value);
  const tell = useDebouncedCallback(onChange, 300);
  const change = (next: string): void => {
    setText(next);
    tell(next);
  };
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      type="search"
      leftSection={<SearchIcon size={16} />}
      rightSection={text !== '' && <CloseButton size="sm" aria-label="Clear the search" onClick={() => change('')} />}
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
      w={{ base: '100%', xs: width ?? 300 }}
    />
  );
}
