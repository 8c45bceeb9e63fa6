import { Alert, Button, Group, List, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { WarningIcon } from '../icons';
import { Refusal } from './Answer';
import { Copyable } from './Copyable';

/** Secrets that are shown this once. Closing takes a click on a button that says so. */
export function SecretDialog({
  title,
  secrets,
  children,
  onClose,
}: {
  title: string;
  secrets: { label: string; value: string }[] | undefined;
  children?: ReactNode;
  onClose: () => void;
}) {
  return (
    <Modal
      opened={secrets !== undefined}
      onClose={onClose}
      title={title}
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      size="lg"
    >
      <Stack>
        {secrets?.map(({ label, value }) => (
          <Copyable key={label} label={label} value={value} />
        ))}
        <Alert color="yellow" icon={<WarningIcon />}>
          You will not see this again. Copy it now and store it where you keep secrets.
        </Alert>
        {children}
        <Group justify="flex-end">
          <Button onClick={onClose} data-autofocus>
            I have copied it
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Asks before something is done that cannot be taken back, and names what goes. Where `typed` is set it must be typed first. */
export function ConfirmDialog({
  opened,
  title,
  goes,
  typed,
  confirm,
  danger = true,
  pending,
  error,
  onConfirm,
  onClose,
  children,
}: {
  opened: boolean;
  title: string;
  /** What will be gone, or happen, line by line. */
  goes?: ReactNode[];
  typed?: string;
  confirm: string;
  danger?: boolean;
  pending: boolean;
  error?: Error | null;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}) {
  const [text, setText] = useState('');
  const close = (): void => {
    setText('');
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onConfirm();
        }}
      >
        <Stack>
          {children}
          {goes && goes.length > 0 && (
            <List size="sm" spacing={6} listStyleType="disc" withPadding>
              {goes.map((line, i) => (
                <List.Item key={i}>{line}</List.Item>
              ))}
            </List>
          )}
          {typed !== undefined && (
            <TextInput
              label={
                <>
                  Type{' '}
                  <Text component="span" fw={650} inherit>
                    {typed}
                  </Text>{' '}
                  to confirm
                </>
              }
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <Refusal error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              type="submit"
              color={danger ? 'red' : undefined}
              loading={pending}
              disabled={typed !== undefined && text.trim() !== typed.trim()}
            >
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** A form in a dialog. */
export function FormDialog({
  opened,
  title,
  submit,
  pending,
  error,
  onSubmit,
  onClose,
  children,
  size,
}: {
  opened: boolean;
  title: string;
  submit: string;
  pending: boolean;
  error?: Error | null;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
  size?: string;
}) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} size={size}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <Stack>
          {children}
          <Refusal error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={pending}>
              {submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
