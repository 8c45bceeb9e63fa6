import type { Pool, PoolClient } from 'pg';

/** An environment whose log has grown since its mail's reader last looked. */
export interface News {
  environmentId: string;
  /** The last position that was read. */
  position: number;
}

/** Some of the environments that have something new to read. A log that was set back is read from where it ends now. */
export async function environmentsWithNews(pool: Pool): Promise<News[]> {
  await pool.query({
    name: 'set_mail_cursors_back',
    text: `
      update mail_cursors c
         set position = h.position
        from feed_heads h
       where h.environment_id = c.environment_id
         and h.position < c.position`,
  });
  const { rows } = await pool.query<News>({
    name: 'environments_with_news',
    text: `
      select h.environment_id as "environmentId", coalesce(c.position, 0) as position
        from feed_heads h
        left join mail_cursors c on c.environment_id = h.environment_id
       where h.position > coalesce(c.position, 0)
       limit 200`,
  });
  return rows;
}

/** Moves a cursor, if it still stands where the caller read it. False: another process has read the same, and the caller rolls back. */
export async function advanceMailCursor(client: PoolClient, { environmentId, position, to }: News & { to: number }): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'advance_mail_cursor',
    text: `
      insert into mail_cursors as c (environment_id, position)
      select $1, $3
       where $2::bigint = 0 or exists (select 1 from mail_cursors where environment_id = $1)
      on conflict (environment_id) do update
         set position = excluded.position
       where c.position = $2`,
    values: [environmentId, position, to],
  });
  return rowCount === 1;
}
