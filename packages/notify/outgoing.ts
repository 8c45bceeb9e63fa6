import type { Pool, PoolClient } from 'pg';
import { newId } from '#identifier';
import { prepared } from '#postgres';
import type { Mail, Mailer } from './mailer';

/** A mail to one person. */
export interface QueuedMail {
  /** Whose it is; null: the installation's. */
  environmentId: string | null;
  to: string;
  subject: string;
  text: string;
}

const insertMails = prepared(
  'queue_mails',
  `
  insert into mails (id, environment_id, recipient, subject, body)
  select m.id, m.environment_id, m.recipient, m.subject, m.body
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as m (id, environment_id, recipient, subject, body)`,
);

/** Puts mails where they are sent from, in the caller's transaction where it has one: they are sent if and only if it commits. */
export async function queueMails(db: Pool | PoolClient, mails: readonly QueuedMail[]): Promise<void> {
  if (mails.length === 0) return;
  await insertMails.run(db, [
    mails.map(newId),
    mails.map((mail) => mail.environmentId),
    mails.map((mail) => mail.to),
    mails.map((mail) => mail.subject),
    mails.map((mail) => mail.text),
  ]);
}

interface DueRow {
  id: string;
  recipient: string;
  subject: string;
  body: string;
  attempts: number;
}

// Longer than it takes to find out for each of them that the mail server does not answer.
const atOnce = 20;
const leaseSeconds = 900;

// 1, 5, 15 min, 1 h, then every 6 h for three days.
const retrySeconds = [60, 300, 900, 3_600];
const laterSeconds = 6 * 3_600;
const attemptsAtMost = retrySeconds.length + 12;

const claimMails = prepared<DueRow>(
  'claim_due_mails',
  `
  update mails m
     set next_attempt_at = now() + interval '${leaseSeconds} seconds',
         attempts = m.attempts + 1
   where m.id in (select id
                    from mails
                   where next_attempt_at <= now()
                      -- Further ahead than a mail can wait: the database's clock was set back.
                      or next_attempt_at > now() + interval '${laterSeconds + 60} seconds'
                      or (attempts = 0 and next_attempt_at > now() + interval '60 seconds')
                   order by next_attempt_at
                   limit ${atOnce}
                     for update skip locked)
  returning m.id, m.recipient, m.subject, m.body, m.attempts`,
);

const deleteMail = prepared(
  'forget_mail',
  `
  delete from mails
   where id = $1`,
);

/**
 * Sends what is due. At least once: a process that is killed between a mail server's yes and its own note of it sends that one
 * again, under the same Message-ID. `onGivenUp` hears of mails that cannot be sent, `onDelay` of a mail server that cannot be
 * reached; the reasons hold no secret. Ends after the mail under way when `stop` says so.
 */
export async function sendDueMails(
  pool: Pool,
  mailer: Mailer,
  told: { onGivenUp: (mail: Mail, reason: string) => void; onDelay: (reason: string) => void },
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const rows = await claimMails.run(pool, []);
    for (const row of rows) {
      if (stop.aborted) {
        await giveBack(pool, row);
        continue;
      }
      const mail = { id: row.id, to: row.recipient, subject: row.subject, text: row.body };
      const outcome = await mailer.send(mail);
      if (outcome.kind === 'unreachable' && row.attempts < attemptsAtMost) {
        told.onDelay(outcome.reason);
        await delay(pool, row);
        continue;
      }
      await deleteMail.run(pool, [row.id]);
      if (outcome.kind !== 'sent') told.onGivenUp(mail, outcome.reason);
    }
    if (rows.length < atOnce) return;
  }
}

const giveMailBack = prepared(
  'give_mail_back',
  `
  update mails
     set next_attempt_at = now(),
         attempts = attempts - 1
   where id = $1`,
);

/** It was not tried. */
async function giveBack(pool: Pool, { id }: DueRow): Promise<void> {
  await giveMailBack.run(pool, [id]);
}

const delayMail = prepared(
  'delay_mail',
  `
  update mails
     set next_attempt_at = now() + make_interval(secs => $2)
   where id = $1`,
);

async function delay(pool: Pool, { id, attempts }: DueRow): Promise<void> {
  await delayMail.run(pool, [id, retrySeconds[attempts - 1] ?? laterSeconds]);
}
