import type { Pool } from 'pg';
import type { Provider } from '#directory';

/** Notes which identity provider a directory is connected to, where its IT admin knows better than its vendor. False where it is so already. */
export async function chooseProvider(
  pool: Pool,
  { environmentId, directoryId, provider }: { environmentId: string; directoryId: string; provider: Provider },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update directories
        set provider = $3,
            updated_at = now()
      where environment_id = $1
        and id = $2
        and deleted_at is null
        and provider <> $3`,
    [environmentId, directoryId, provider],
  );
  return rowCount === 1;
}
