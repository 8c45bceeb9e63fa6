import type { Pool } from 'pg';
import { forgetExpiredSetupLinks } from './setup-links';

/**
 * Deletes what let people in and does so no more: sessions of members, links that were mailed to them, setup links and their
 * sessions. Answers how many rows went.
 */
export async function forgetExpiredAccess(pool: Pool, now: Date): Promise<number> {
  const sessions = await pool.query('delete from member_sessions where expires_at < $1', [now]);
  const links = await pool.query('delete from member_links where expires_at < $1', [now]);
  return (sessions.rowCount ?? 0) + (links.rowCount ?? 0) + (await forgetExpiredSetupLinks(pool, now));
}
