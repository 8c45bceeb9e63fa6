import type { Pool, PoolClient } from 'pg';
import { prepared } from '#postgres';

/** An environment whose log has grown since its mail's reader last looked. */
export interface News {
  environmentId: string;
  /** The last position that was read. */
  position: number;
}

const setCursorsBack = prepared(
  'set_mail_cursors_back',
  `
  update mail_cursors c
     set position = h.position
    from feed_heads h
   where h.environment_id = c.environment_id
     and h.position < c.position`,
);

const selectNews = prepared<News>(
  'environments_with_news',
  `
  select h.environment_id as "environmentId", coalesce(c.position, 0) as position
    from feed_heads h
    left join mail_cursors c on c.environment_id = h.environment_id
   where h.position > coalesce(c.position, 0)
   limit 200`,
);

/** Some of the environments that have something new to read. A log that was set back is read from where it ends now. */
export async function environmentsWithNews(pool: Pool): Promise<News[]> {
  await setCursorsBack.run(pool, []);
  return selectNews.run(pool, []);
}

const advanceCursor = prepared(
  'advance_mail_cursor',
  `
  insert into mail_cursors as c (environment_id, position)
  select $1, $3
   where $2::bigint = 0 or exists (select 1 from mail_cursors where environment_id = $1)
  on conflict (environment_id) do update
     set position = excluded.position
   where c.position = $2`,
);

/** Moves a cursor, if it still stands where the caller read it. False: another process has read the same, and the caller rolls back. */
export async function advanceMailCursor(client: PoolClient, { environmentId, position, to }: News & { to: number }): Promise<boolean> {
  return (await advanceCursor.change(client, [environmentId, position, to])) === 1;
}
