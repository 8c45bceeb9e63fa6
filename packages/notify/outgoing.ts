import type { Pool, PoolClient } from 'pg';
import { newId } from '#identifier';
import type { Mail, Mailer } from './mailer';

/** A mail to one person. */
export interface QueuedMail {
  /** Whose it is; null: the installation's. */
  environmentId: string | null;
  to: string;
  subject: string;
  text: string;
}

/** Puts mails where they are sent from, in the caller's transaction where it has one: they are sent if and only if it commits. */
export async function queueMails(db: Pool | PoolClient, mails: readonly QueuedMail[]): Promise<void> {
  if (mails.length === 0) return;
  await db.query({
    name: 'queue_mails',
    text: `
      insert into mails (id, environment_id, recipient, subject, body)
      select m.id, m.environment_id, m.recipient, m.subject, m.body
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as m (id, environment_id, recipient, subject, body)`,
    values: [
      mails.map(newId),
      mails.map((mail) => mail.environmentId),
      mails.map((mail) => mail.to),
      mails.map((mail) => mail.subject),
      mails.map((mail) => mail.text),
    ],
  });
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
    const { rows } = await pool.query<DueRow>({
      name: 'claim_due_mails',
      text: `
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
    });
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
      await pool.query({ name: 'forget_mail', text: 'delete from mails where id = $1', values: [row.id] });
      if (outcome.kind !== 'sent') told.onGivenUp(mail, outcome.reason);
    }
    if (rows.length < atOnce) return;
  }
}

/** It was not tried. */
async function giveBack(pool: Pool, { id }: DueRow): Promise<void> {
  await pool.query({
    name: 'give_mail_back',
    text: `
      update mails
         set next_attempt_at = now(),
             attempts = attempts - 1
       where id = $1`,
    values: [id],
  });
}

async function delay(pool: Pool, { id, attempts }: DueRow): Promise<void> {
  await pool.query({
    name: 'delay_mail',
    text: `
      update mails
         set next_attempt_at = now() + make_interval(secs => $2)
       where id = $1`,
    values: [id, retrySeconds[attempts - 1] ?? laterSeconds],
  });
}
