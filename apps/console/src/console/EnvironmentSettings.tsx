import { Box, Button, ColorInput, FileButton, Group, Image, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useOwn, useOwnWrite } from '../broker/queries';
import { sessionKey, useHere } from '../broker/session';
import type { SetupAppearance } from '../broker/answers';
import { Answer, Refusal } from '../parts/Answer';
import { InlineId } from '../parts/Copyable';
import { ConfirmDialog } from '../parts/dialogs';
import { faultOf, useFields } from '../parts/fields';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { date } from '../parts/words';

/** The environment's name, and in whose name its setup pages speak. */
export default function EnvironmentSettings() {
  const appearance = useOwn<SetupAppearance>('/appearance');
  return (
    <PageFrame title="Settings">
      <Name />
      <Answer query={appearance}>{(one) => <Appearance appearance={one} />}</Answer>
      <Deletion />
    </PageFrame>
  );
}

function Name() {
  const { environment, mayChange } = useHere();
  const queries = useQueryClient();
  const { values, text } = useFields({ name: environment.name });
  const saving = useOwnWrite(
    () => ({ path: '', method: 'PATCH', body: values }),
    () => {
      void queries.invalidateQueries({ queryKey: sessionKey });
      notifications.show({ message: 'Saved.', color: 'teal' });
    },
  );
  return (
    <Section title="Environment">
      <Stack maw={520}>
        <Facts
          facts={[
            ['Id', <InlineId key="id" id={environment.id} />],
            ['Created', date(environment.created_at)],
          ]}
        />
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            saving.mutate();
          }}
        >
          <Stack>
            <TextInput label="Name" disabled={!mayChange} {...text('name', saving.error)} />
            <Refusal error={saving.error} />
            {mayChange && (
              <Group>
                <Button type="submit" loading={saving.isPending}>
                  Save
                </Button>
              </Group>
            )}
          </Stack>
        </form>
      </Stack>
    </Section>
  );
}

function Appearance({ appearance }: { appearance: SetupAppearance }) {
  const { mayChange, own } = useHere();
  const { values, set, text } = useFields({
    vendor_name: appearance.vendor_name,
    color: appearance.color ?? '',
    support_email: appearance.support_email ?? '',
  });
  // undefined: the one that is there stays; null: none.
  const [logo, setLogo] = useState<{ base64: string; url: string } | null | undefined>();
  const saving = useOwnWrite(
    () => ({
      path: '/appearance',
      method: 'PUT',
      body: {
        vendor_name: values.vendor_name.trim() || null,
        color: values.color || null,
        support_email: values.support_email.trim() || null,
        ...(logo !== undefined && { logo: logo?.base64 ?? null }),
      },
    }),
    () => notifications.show({ message: 'Saved. Setup pages look like this from now on.', color: 'teal' }),
  );
  const shownLogo = logo === undefined ? (appearance.has_logo ? own('/appearance/logo') : undefined) : logo?.url;
  return (
    <Section title="Setup page" about="What your customers’ IT admins see when they open a setup link: your name, your colour, your logo.">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            saving.mutate();
          }}
        >
          <Stack>
            <TextInput label="Name of your product" disabled={!mayChange} {...text('vendor_name', saving.error)} />
            <ColorInput
              label="Colour (optional)"
              format="hex"
              eyeDropperButtonProps={{ 'aria-label': 'Pick a colour from the screen' }}
              placeholder="#2f5bd0"
              disabled={!mayChange}
              value={values.color}
              onChange={(color) => set('color', color)}
              error={faultOf(saving.error, 'color')}
            />
            <TextInput
              label="Support address (optional)"
              description="Where IT admins can ask for help"
              type="email"
              disabled={!mayChange}
              {...text('support_email', saving.error)}
            />
            <div>
              <Text size="sm" fw={600} mb={4}>
                Logo (optional)
              </Text>
              <Group gap="xs">
                <FileButton
                  accept="image/png,image/jpeg,image/webp"
                  onChange={(file) => void pictureIn(file).then((picture) => picture && setLogo(picture))}
                >
                  {(props) => (
                    <Button variant="default" size="xs" disabled={!mayChange} {...props}>
                      Choose an image
                    </Button>
                  )}
                </FileButton>
                {shownLogo && mayChange && (
                  <Button variant="subtle" size="xs" color="red" onClick={() => setLogo(null)}>
                    Remove
                  </Button>
                )}
              </Group>
              <Text size="xs" c={faultOf(saving.error, 'logo') ? 'var(--mantine-color-error)' : 'dimmed'} mt={4}>
                {faultOf(saving.error, 'logo') ?? 'PNG, JPEG or WebP, at most 64 KiB'}
              </Text>
            </div>
            <Refusal error={saving.error} />
            {mayChange && (
              <Group>
                <Button type="submit" loading={saving.isPending}>
                  Save
                </Button>
              </Group>
            )}
          </Stack>
        </form>
        <Box>
          <Text size="sm" fw={600} mb={4}>
            Preview
          </Text>
          <Box style={{ border: '1px solid var(--causeway-line)', borderRadius: 12, overflow: 'hidden' }}>
            <Box h={6} style={{ background: values.color || 'var(--mantine-primary-color-filled)' }} />
            <Stack p="lg" gap="sm">
              <Group gap="sm">
                {shownLogo && <Image src={shownLogo} alt="" h={32} w="auto" fit="contain" />}
                <Text fw={650}>{values.vendor_name}</Text>
              </Group>
              <Text fz={20} fw={650}>
                Connect your directory
              </Text>
              <Text size="sm" c="dimmed">
                So that people get access to {values.vendor_name} when they join, and lose it when they leave.
              </Text>
            </Stack>
          </Box>
        </Box>
      </SimpleGrid>
    </Section>
  );
}

async function pictureIn(file: File | null): Promise<{ base64: string; url: string } | undefined> {
  if (!file) return undefined;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return { base64, url: URL.createObjectURL(file) };
}

function Deletion() {
  const { environment, mayChange } = useHere();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const deletion = useOwnWrite(
    () => ({ path: '', method: 'DELETE' }),
    () => {
      void queries.refetchQueries({ queryKey: sessionKey }).then(() => navigate('/', { replace: true }));
    },
  );
  if (!mayChange) return null;
  return (
    <Section title="Delete the environment">
      <Group justify="space-between">
        <Text size="sm" c="dimmed" style={{ flex: '1 1 300px' }}>
          Possible only while no directory has ever been created in it: its events and requests have to be kept.
        </Text>
        <Button variant="default" onClick={() => setAsking(true)}>
          Delete…
        </Button>
      </Group>
      <ConfirmDialog
        opened={asking}
        title={`Delete ${environment.name}?`}
        typed={environment.name}
        confirm="Delete the environment"
        pending={deletion.isPending}
        error={deletion.error}
        onConfirm={() => deletion.mutate()}
        onClose={() => setAsking(false)}
        goes={[
          'its organizations',
          'its webhook endpoints and their secrets',
          'its API keys: whatever calls with one is refused',
          'its members’ access to it',
        ]}
      >
        <Text size="sm">This cannot be undone. What goes:</Text>
      </ConfirmDialog>
    </Section>
  );
}
