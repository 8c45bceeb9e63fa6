import { Anchor, SimpleGrid, Stack, Text } from '@mantine/core';
import { Link, useParams } from 'react-router';
import { useApi, useOwn } from '../broker/queries';
import { useHere } from '../broker/session';
import type { Directory, WholeRequest } from '../broker/answers';
import { Answer, Failed, Sketch } from '../parts/Answer';
import { InlineId } from '../parts/Copyable';
import { JsonText } from '../parts/JsonText';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { readable } from '../parts/request-path';
import { RequestFailure } from '../parts/RequestFailure';
import { State } from '../parts/State';
import { dateAndTime, duration } from '../parts/words';

/** One SCIM exchange: what was sent, what was answered, what came of it, and what to do where it failed. */
export default function RequestPage() {
  const { request: id = '' } = useParams();
  const { page } = useHere();
  const request = useOwn<WholeRequest>(`/requests/${id}`);
  if (request.error && !request.data)
    return (
      <PageFrame title="Request" back={{ to: page('/requests'), label: 'Requests' }}>
        <Failed error={request.error} />
      </PageFrame>
    );
  return (
    <Answer query={request} sketch={<Sketch lines={10} />}>
      {(one) => <Shown request={one} />}
    </Answer>
  );
}

function Shown({ request }: { request: WholeRequest }) {
  const { page } = useHere();
  const directory = useApi<Directory>(`/directories/${request.directory_id}`);
  const failed = request.outcome === 'failed';
  return (
    <PageFrame
      title={`${request.method} ${readable(request.path.split('?')[0] ?? request.path)}`}
      titleMark={<State state={String(request.status)} tone={failed ? 'bad' : 'good'} />}
      back={{ to: page('/requests'), label: 'Requests' }}
      about={
        request.subject ? (
          <>
            About <b>{request.subject}</b>
          </>
        ) : undefined
      }
    >
      {failed && <RequestFailure {...request} />}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title="About">
          <Facts
            facts={[
              ['Id', <InlineId key="id" id={request.id} />],
              ['At', dateAndTime(request.at)],
              ['Took', duration(request.duration_ms)],
              [
                'Directory',
                <Anchor key="dir" component={Link} to={page(`/directories/${request.directory_id}`)} size="sm">
                  {directory.data?.name ?? request.directory_id}
                </Anchor>,
              ],
              [
                'Path',
                <span key="path" className="mono">
                  {readable(request.path)}
                </span>,
              ],
              ['Sent by', request.user_agent],
            ]}
          />
        </Section>
        <Section title="Result">
          <Stack gap={8}>
            {request.events.length === 0 && (
              <Text size="sm" c="dimmed">
                {failed
                  ? 'Nothing was changed.'
                  : request.method === 'GET'
                    ? 'Read only: nothing was changed.'
                    : 'Nothing changed: everything was already as requested.'}
              </Text>
            )}
            {request.events.map((event) => (
              <Anchor key={event.id} component={Link} to={page(`/events/${event.id}`)} size="sm" className="mono">
                {event.type}
              </Anchor>
            ))}
            {request.notes.length > 0 && (
              <div>
                <Text size="sm" fw={600}>
                  Accepted, although it deviates from SCIM
                </Text>
                <Text component="ul" size="sm" my={4} pl={18}>
                  {request.notes.map((note) => (
                    <li key={note}>{note}</li>
                  ))}
                </Text>
              </div>
            )}
          </Stack>
        </Section>
      </SimpleGrid>
      {request.request_body !== null && (
        <Section title="Request body" about="Secrets are masked.">
          <JsonText value={request.request_body} label="request body" />
        </Section>
      )}
      {request.response_body !== null && (
        <Section title="Response body">
          <JsonText value={request.response_body} label="response body" />
        </Section>
      )}
    </PageFrame>
  );
}
