import type { Pool } from 'pg';
import { prepared } from '#postgres';
import { forgetExpiredSetupLinks } from './setup-links';

const forgetSessions = prepared(
  'forget_sessions',
  `
  delete from member_sessions
   where expires_at < $1`,
);

const forgetLinks = prepared(
  'forget_links',
  `
  delete from member_links
   where expires_at < $1`,
);

/**
 * Deletes what let people in and does so no more: sessions of members, links that were mailed to them, setup links and their
 * sessions. Answers how many rows went.
 */
export async function forgetExpiredAccess(pool: Pool, now: Date): Promise<number> {
  const sessions = await forgetSessions.change(pool, [now]);
  const links = await forgetLinks.change(pool, [now]);
  return sessions + links + (await forgetExpiredSetupLinks(pool, now));
}
