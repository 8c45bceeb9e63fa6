import { STATUS_CODES } from 'node:http';
import { newId, presentTime, publicId } from '#identifier';
import { withoutHeaderValues } from '../endpoint/endpoint-headers';
import type { Poster } from './post';
import { retryAfterSeconds } from './retry-schedule';
import type { Sender } from './sender';
import { signatureHeader, signedContent, timestamp } from '../endpoint/signature';

/** What one attempt means for what it was an attempt at. */
export type Outcome =
  /** 2xx, body included. */
  | { kind: 'delivered' }
  /** 410: the endpoint is not there any more. */
  | { kind: 'gone' }
  /** 4xx other than 408, 410 and 429: the endpoint works, and does not want this event. */
  | { kind: 'refused'; retryAfterSeconds?: number | undefined }
  /** Anything else: the endpoint does not work, or not now. */
  | { kind: 'failed'; retryAfterSeconds?: number | undefined }
  /** We stopped it ourselves; it does not count. */
  | { kind: 'stopped' };

export type FinishedOutcome = Exclude<Outcome, { kind: 'stopped' }>;

/** One attempt as `delivery_attempts` keeps it. */
export interface AttemptRecord {
  id: string;
  eventId: string;
  at: Date;
  status: number | null;
  durationMs: number;
  error: string | null;
  responseBody: string | null;
}

/** POSTs an event to an endpoint, once, by Standard Webhooks. */
export async function attempt(
  poster: Poster,
  sender: Sender,
  event: { id: string; json: string },
): Promise<{ outcome: Outcome; record: AttemptRecord }> {
  const at = presentTime();
  const webhookId = publicId('evt', event.id);
  const { signed, body } = signedContent(webhookId, at, event.json);
  const answer = await poster.post(
    sender.url,
    {
      ...sender.headers,
      'content-type': 'application/json',
      'user-agent': 'Causeway-Webhooks/1',
      'webhook-id': webhookId,
      'webhook-timestamp': timestamp(at),
      'webhook-signature': await signatureHeader(sender.keys, at, signed),
    },
    body,
  );
  const outcome: Outcome =
    answer.kind === 'answered'
      ? meaning(answer.status, retryAfterSeconds(answer.retryAfter, presentTime()))
      : { kind: answer.stopped ? 'stopped' : 'failed' };
  return {
    outcome,
    record: {
      id: newId(),
      eventId: event.id,
      at,
      status: answer.status,
      durationMs: answer.durationMs,
      error: answer.kind === 'unanswered' ? answer.reason : outcome.kind === 'delivered' ? null : inWords(answer.status),
      responseBody: answer.body === null ? null : withoutHeaderValues(answer.body, sender.headers),
    },
  };
}

function meaning(status: number, retryAfter: number | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone' };
  const refused = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return { kind: refused ? 'refused' : 'failed', retryAfterSeconds: retryAfter };
}

function inWords(status: number): string {
  const answered = `it answered ${status}${STATUS_CODES[status] === undefined ? '' : ` ${STATUS_CODES[status]}`}`;
  if (status === 410) return `${answered}: the endpoint is disabled`;
  return status >= 300 && status < 400 ? `${answered}: redirects are not followed` : answered;
}
