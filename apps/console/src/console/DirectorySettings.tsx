import { Alert, Button, Group, NumberInput, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { Problem } from '../broker/call';
import { useApi, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { AttributeMapping, Brake, Directory } from '../broker/answers';
import { Answer, Failed, Refusal, Sketch } from '../parts/Answer';
import { ConfirmDialog } from '../parts/dialogs';
import { faultOf, useFields } from '../parts/fields';
import { Section } from '../parts/PageFrame';
import { When } from '../parts/When';
import { count, providerShortNames } from '../parts/words';
import { MappingEditor } from './MappingEditor';
import { RemapProgress } from './RemapProgress';

/** What can be changed of a directory. */
export function DirectorySettings({ directory }: { directory: Directory }) {
  return (
    <>
      <NameAndAccess directory={directory} />
      <BrakeSettings directory={directory} />
      <DirectoryMapping directory={directory} />
    </>
  );
}

function NameAndAccess({ directory }: { directory: Directory }) {
  const { mayChange } = useHere();
  const { values, set, text } = useFields({ name: directory.name, basic_auth: directory.basic_auth });
  const saving = useWrite<Directory>(
    () => ({ path: `/directories/${directory.id}`, method: 'PATCH', body: { name: values.name.trim(), basic_auth: values.basic_auth } }),
    () => notifications.show({ message: 'Saved.', color: 'teal' }),
  );
  return (
    <Section title="Name and access">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <Stack maw={520}>
          <TextInput label="Name" disabled={!mayChange} {...text('name', saving.error)} />
          <Switch
            label="Also accept HTTP Basic authentication"
            description={
              <>
                For identity providers that ask for a user name and a password: the user name is{' '}
                <span className="mono">{directory.id}</span>, the password is the bearer token.
              </>
            }
            checked={values.basic_auth}
            disabled={!mayChange}
            onChange={(event) => set('basic_auth', event.currentTarget.checked)}
          />
          <Refusal error={saving.error} />
          {mayChange ? (
            <Group>
              <Button type="submit" loading={saving.isPending}>
                Save
              </Button>
            </Group>
          ) : (
            <Text size="sm" c="dimmed">
              Only an admin of this environment can change this.
            </Text>
          )}
        </Stack>
      </form>
    </Section>
  );
}

/** The brake on a mistake that would remove everybody. */
function BrakeSettings({ directory }: { directory: Directory }) {
  const brake = useApi<Brake | null>(`/directories/${directory.id}/brake`, { everyMs: 10_000 });
  return (
    <Section
      title="Brake"
      about="Keeps a mistake in the identity provider from removing everybody: once the limit is reached, nobody else is deactivated or deleted until somebody has checked."
    >
      {/* null is an answer: there is no brake. */}
      {brake.data === undefined ? (
        brake.error ? (
          <Failed error={brake.error} retry={() => void brake.refetch()} />
        ) : (
          <Sketch lines={2} />
        )
      ) : (
        <BrakeForm
          key={JSON.stringify(brake.data && [brake.data.max_users, brake.data.max_percent, brake.data.window_seconds])}
          directory={directory}
          brake={brake.data}
        />
      )}
    </Section>
  );
}

const windows = [
  { value: '600', label: '10 minutes' },
  { value: '3600', label: 'an hour' },
  { value: '21600', label: '6 hours' },
  { value: '86400', label: 'a day' },
  { value: '604800', label: '7 days' },
];

function BrakeForm({ directory, brake }: { directory: Directory; brake: Brake | null }) {
  const { mayChange } = useHere();
  const { values, set } = useFields({
    on: brake !== null,
    max_users: (brake?.max_users ?? (brake ? '' : 50)) as number | string,
    max_percent: (brake?.max_percent ?? '') as number | string,
    window_seconds: String(brake?.window_seconds ?? 3600),
  });
  const saving = useWrite<Brake | null>(
    () => ({
      path: `/directories/${directory.id}/brake`,
      method: 'PUT',
      body: values.on
        ? {
            max_users: values.max_users === '' ? null : Number(values.max_users),
            max_percent: values.max_percent === '' ? null : Number(values.max_percent),
            window_seconds: Number(values.window_seconds),
          }
        : null,
    }),
    () => notifications.show({ message: 'Saved.', color: 'teal' }),
  );
  const release = useWrite(() => ({ path: `/directories/${directory.id}/brake/release` }));
  const choices = windows.some(({ value }) => value === values.window_seconds)
    ? windows
    : [...windows, { value: values.window_seconds, label: `${values.window_seconds} seconds` }];
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate();
      }}
    >
      <Stack maw={620}>
        {brake?.engaged_at && (
          <Alert color="red" title="The brake is on">
            <Stack gap="xs" align="flex-start">
              <Text size="sm">
                Since <When time={brake.engaged_at} />, after {count(brake.departures, 'departure')}, whoever{' '}
                {providerShortNames[directory.provider]} wants to deactivate or delete stays. Ask the customer’s IT admin whether this is
                intended.
              </Text>
              {mayChange && (
                <Button size="xs" color="red" loading={release.isPending} onClick={() => release.mutate()}>
                  It is intended: release the brake
                </Button>
              )}
            </Stack>
          </Alert>
        )}
        <Switch
          label="Limit how many users can be removed"
          checked={values.on}
          disabled={!mayChange}
          onChange={(event) => set('on', event.currentTarget.checked)}
        />
        {values.on && (
          <Group align="flex-start" gap="md">
            <NumberInput
              label="Users, at most"
              min={1}
              allowDecimal={false}
              w={150}
              disabled={!mayChange}
              value={values.max_users}
              onChange={(value) => set('max_users', value)}
              error={faultOf(saving.error, 'max_users')}
            />
            <NumberInput
              label="Percent of active users"
              min={1}
              max={100}
              w={210}
              suffix=" %"
              disabled={!mayChange}
              value={values.max_percent}
              onChange={(value) => set('max_percent', value)}
              error={faultOf(saving.error, 'max_percent')}
            />
            <Select
              label="Within"
              w={150}
              allowDeselect={false}
              data={choices}
              disabled={!mayChange}
              value={values.window_seconds}
              onChange={(value) => set('window_seconds', value ?? '3600')}
            />
          </Group>
        )}
        {brake && !brake.engaged_at && (
          <Text size="sm" c="dimmed">
            {count(brake.departures, 'departure')} so far within this time.
          </Text>
        )}
        <Refusal error={saving.error ?? release.error} />
        {mayChange && (
          <Group>
            <Button type="submit" loading={saving.isPending}>
              Save
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

/** The environment's mapping holds here, unless the directory is given one of its own. */
function DirectoryMapping({ directory }: { directory: Directory }) {
  const { mayChange } = useHere();
  const path = `/directories/${directory.id}/attribute_mapping`;
  const mapping = useApi<AttributeMapping>(path);
  const [own, setOwn] = useState(false);
  const [asking, setAsking] = useState(false);
  const removal = useWrite(
    () => ({ path, method: 'DELETE' }),
    () => {
      setAsking(false);
      setOwn(false);
    },
  );
  if (mapping.error instanceof Problem && mapping.error.status === 404) return null;
  return (
    <Answer query={mapping}>
      {({ inherited, ...one }) => (
        <>
          <Section
            title="Mapping"
            about={
              inherited
                ? 'This directory uses the mapping of the environment.'
                : 'This directory has its own mapping, which replaces the environment’s.'
            }
            actions={
              mayChange &&
              (inherited ? (
                !own && (
                  <Button size="xs" variant="default" onClick={() => setOwn(true)}>
                    Use a different mapping here
                  </Button>
                )
              ) : (
                <Button size="xs" variant="subtle" color="red" onClick={() => setAsking(true)}>
                  Remove
                </Button>
              ))
            }
          >
            <Text size="sm" c="dimmed">
              {count(one.attributes.length, 'attribute')} and {count(one.roles.rules.length, 'role rule')}.
              {own && inherited && ' Below is a copy to start from; it takes effect once you save it.'}
            </Text>
          </Section>
          <RemapProgress directoryId={directory.id} />
          {(own || !inherited) && <MappingEditor key={JSON.stringify(one)} mapping={one} path={path} onSaved={() => setOwn(false)} />}
          <ConfirmDialog
            opened={asking}
            title="Remove this mapping?"
            confirm="Remove"
            pending={removal.isPending}
            error={removal.error}
            onConfirm={() => removal.mutate()}
            onClose={() => setAsking(false)}
          >
            <Text size="sm">The directory uses the environment’s mapping again, and its users are remapped by it.</Text>
          </ConfirmDialog>
        </>
      )}
    </Answer>
  );
}
