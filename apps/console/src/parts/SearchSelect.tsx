import { Select } from '@mantine/core';

/** One of many, found by typing; or none. */
export function SearchSelect({
  label,
  placeholder,
  data,
  value,
  onChange,
}: {
  label: string;
  placeholder: string;
  data: { value: string; label: string }[];
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <Select
      aria-label={label}
      placeholder={placeholder}
      data={data}
      value={value === '' ? null : value}
      onChange={(chosen) => onChange(chosen ?? '')}
      searchable
      clearable
      limit={200}
      nothingFoundMessage="Nothing matches"
      w={{ base: '100%', xs: 240 }}
    />
  );
}
