import { useParams } from 'react-router';
import type { SetupRequest } from '../broker/answers';
import { Answer, Failed } from '../parts/Answer';
import { JsonText } from '../parts/JsonText';
import { Facts, PageFrame, Section } from '../parts/PageFrame';
import { readable } from '../parts/request-path';
import { RequestFailure } from '../parts/RequestFailure';
import { State } from '../parts/State';
import { dateAndTime } from '../parts/words';
import { useSetupAnswer } from './setup-session';

/** One request of the customer's own identity provider: what it sent, what it was answered, and what to do. */
export default function SetupRequestPage() {
  const { request: id = '' } = useParams();
  const request = useSetupAnswer<SetupRequest>(`/requests/${id}`);
  const back = { to: '/requests', label: 'Request log' };
  if (request.error && !request.data)
    return (
      <PageFrame title="Request" back={back}>
        <Failed error={request.error} />
      </PageFrame>
    );
  return (
    <Answer query={request}>
      {(one) => (
        <PageFrame
          title={`${one.method} ${readable(one.path.split('?')[0] ?? one.path)}`}
          titleMark={<State state={String(one.status)} tone={one.outcome === 'failed' ? 'bad' : 'good'} />}
          back={back}
          about={
            one.subject ? (
              <>
                About <b>{one.subject}</b>
              </>
            ) : undefined
          }
        >
          {one.outcome === 'failed' && <RequestFailure {...one} />}
          <Section title="About">
            <Facts
              facts={[
                ['At', dateAndTime(one.at)],
                [
                  'Path',
                  <span key="path" className="mono">
                    {readable(one.path)}
                  </span>,
                ],
                [
                  'Request',
                  <span key="id" className="mono">
                    {one.id}
                  </span>,
                ],
              ]}
            />
          </Section>
          {one.request_body !== null && (
            <Section title="Request body" about="Secrets are masked.">
              <JsonText value={one.request_body} label="request body" />
            </Section>
          )}
          {one.response_body !== null && (
            <Section title="Response body">
              <JsonText value={one.response_body} label="response body" />
            </Section>
          )}
        </PageFrame>
      )}
    </Answer>
  );
}
