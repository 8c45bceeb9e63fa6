import {
  Button,
  Collapse,
  MultiSelect,
  NativeSelect,
  NumberInput,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
  UnstyledButton,
} from '@mantine/core';
import { useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { useApiList, useApiWhole, useWrite } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Endpoint, IssuedEndpoint, Organization } from '../broker/answers';
import { ChevronDownIcon, PlusIcon, WebhooksIcon } from '../icons';
import { Nothing } from '../parts/Answer';
import { FormDialog, SecretDialog } from '../parts/dialogs';
import { EndlessTable } from '../parts/EndlessTable';
import { eventTypes } from '../parts/event-words';
import { faultOf, useFields } from '../parts/fields';
import { PageFrame, Section } from '../parts/PageFrame';
import { State } from '../parts/State';

/** Where the vendor receives webhooks. */
export default function Webhooks() {
  const { page, mayChange } = useHere();
  const endpoints = useApiList<Endpoint>('/webhook_endpoints', {}, { everyMs: 10_000 });
  const [parameters, setParameters] = useSearchParams();
  const make = (
    <Button leftSection={<PlusIcon size={16} />} onClick={() => setParameters({ new: '' })}>
      New endpoint
    </Button>
  );
  return (
    <PageFrame
      title="Webhooks"
      about="Each endpoint gets the events it subscribes to: signed, in order, and retried until they are accepted."
      actions={mayChange && make}
    >
      <Section padding={0}>
        <EndlessTable
          query={endpoints}
          label="webhook endpoints"
          keyOf={({ id }) => id}
          linkOf={({ id }) => page(`/webhooks/${id}`)}
          columns={[
            { head: 'URL', width: 'minmax(0, 2.4fr)', clip: true, cell: (one) => one.url },
            {
              head: 'Events',
              width: 'minmax(0, 1.2fr)',
              cell: (one) =>
                one.event_types === null ? 'all' : one.event_types.length === 1 ? one.event_types[0] : `${one.event_types.length} types`,
              wideOnly: true,
            },
            { head: 'Description', width: 'minmax(0, 1.4fr)', clip: true, cell: (one) => one.description ?? '', wideOnly: true },
            { head: 'State', width: '104px', align: 'end', cell: (one) => <State state={one.state} /> },
          ]}
          nothing={
            <Nothing icon={<WebhooksIcon size={24} />} title="No endpoints yet" action={mayChange && make}>
              Add the URL at which your product receives webhooks. Polling the API works without one.
            </Nothing>
          }
        />
      </Section>
      <EndpointForm opened={parameters.has('new')} onClose={() => setParameters({})} />
    </PageFrame>
  );
}

/** Makes an endpoint, or changes the one given. */
export function EndpointForm({ opened, endpoint, onClose }: { opened: boolean; endpoint?: Endpoint; onClose: () => void }) {
  const { page } = useHere();
  const navigate = useNavigate();
  const organizations = useApiWhole<Organization>('/organizations', { enabled: opened && !endpoint });
  const [more, setMore] = useState(false);
  const [made, setMade] = useState<(Endpoint & { secret: string }) | undefined>();
  const { values, set, text } = useFields({
    url: endpoint?.url ?? '',
    description: endpoint?.description ?? '',
    event_types: (endpoint?.event_types ?? []) as string[],
    organization_id: '',
    ordering: endpoint?.ordering ?? ('directory' as string),
    start: 'now',
    max_parallel: endpoint?.max_parallel ?? (8 as number | string),
    headers: Object.entries(endpoint?.headers ?? {})
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  });
  const writing = useWrite<IssuedEndpoint>(
    () => ({
      path: endpoint ? `/webhook_endpoints/${endpoint.id}` : '/webhook_endpoints',
      method: endpoint ? 'PATCH' : 'POST',
      body: {
        url: values.url.trim(),
        description: values.description.trim() || null,
        event_types: values.event_types.length > 0 ? values.event_types : null,
        ordering: values.ordering,
        max_parallel: Number(values.max_parallel) || 8,
        headers: headersIn(values.headers),
        ...(!endpoint && { organization_id: values.organization_id || null, start: values.start }),
      },
    }),
    (answer) => {
      onClose();
      if (!endpoint) setMade(answer);
    },
  );
  return (
    <>
      <FormDialog
        opened={opened}
        title={endpoint ? 'Edit endpoint' : 'New webhook endpoint'}
        submit={endpoint ? 'Save' : 'Add endpoint'}
        pending={writing.isPending}
        error={writing.error}
        onSubmit={() => writing.mutate()}
        onClose={onClose}
        size="lg"
      >
        <TextInput
          label="URL"
          type="url"
          placeholder="https://example.com/webhooks/causeway"
          required
          data-autofocus
          {...text('url', writing.error)}
        />
        <TextInput label="Description (optional)" {...text('description', writing.error)} />
        <MultiSelect
          label="Events"
          placeholder={values.event_types.length === 0 ? 'All types' : undefined}
          data={eventTypes}
          value={values.event_types}
          onChange={(value) => set('event_types', value)}
          clearable
          searchable
          error={faultOf(writing.error, 'event_types')}
        />
        {!endpoint && (
          <NativeSelect
            label="Start with"
            data={[
              { value: 'now', label: 'the next event' },
              { value: 'beginning', label: 'the oldest event that is kept' },
            ]}
            value={values.start}
            onChange={(event) => set('start', event.currentTarget.value)}
          />
        )}
        <UnstyledButton
          onClick={() => setMore(!more)}
          aria-expanded={more}
          style={{ display: 'inline-flex', alignItems: 'center', gap: 6 }}
        >
          <Text size="sm" fw={500}>
            More settings
          </Text>
          <ChevronDownIcon size={14} />
        </UnstyledButton>
        <Collapse expanded={more}>
          <Stack>
            {!endpoint && (
              <Select
                label="Only events of one organization (optional)"
                placeholder="All organizations"
                searchable
                clearable
                data={organizations.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
                value={values.organization_id || null}
                onChange={(value) => set('organization_id', value ?? '')}
              />
            )}
            <NativeSelect
              label="Order"
              description="In order: one event of a directory at a time; a failing one holds back those after it. Unordered: no event waits for another."
              data={[
                { value: 'directory', label: 'In order, per directory' },
                { value: 'none', label: 'Unordered' },
              ]}
              value={values.ordering}
              onChange={(event) => set('ordering', event.currentTarget.value)}
            />
            <Textarea
              label="Headers (optional)"
              description="One per line, for a gateway that asks for one"
              placeholder="X-Api-Key: …"
              autosize
              minRows={1}
              classNames={{ input: 'mono' }}
              {...text('headers', writing.error)}
            />
            <NumberInput
              label="Concurrent requests, at most"
              min={1}
              max={100}
              allowDecimal={false}
              value={values.max_parallel}
              onChange={(value) => set('max_parallel', value)}
              error={faultOf(writing.error, 'max_parallel')}
            />
          </Stack>
        </Collapse>
      </FormDialog>
      <SecretDialog
        title="The endpoint’s signing secret"
        secrets={made && [{ label: 'Signing secret', value: made.secret }]}
        onClose={() => {
          const id = made?.id;
          setMade(undefined);
          if (id) void navigate(page(`/webhooks/${id}`));
        }}
      >
        <Text size="sm" c="dimmed">
          Your receiver uses it to verify that a webhook comes from here. The endpoint’s page shows how, in four languages.
        </Text>
      </SecretDialog>
    </>
  );
}

/** `Name: value`, a line each. */
function headersIn(lines: string): Record<string, string> {
  return Object.fromEntries(
    lines
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [name = '', ...value] = line.split(':');
        return [name.trim(), value.join(':').trim()];
      }),
  );
}
