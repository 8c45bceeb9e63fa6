import type { Pool } from 'pg';

/** In whose name an environment's setup pages speak to IT admins. */
export interface SetupAppearance {
  vendorName: string;
  /** `#rrggbb`; null: the page's own. */
  color: string | null;
  hasLogo: boolean;
  /** Whom an IT admin may write to. */
  supportEmail: string | null;
}

export interface Logo {
  bytes: Buffer;
  type: 'image/png' | 'image/jpeg' | 'image/webp';
}

export const largestLogoBytes = 65_536;

/** What was chosen, or the environment's name alone. `undefined` where there is no such environment. */
export async function getSetupAppearance(pool: Pool, { environmentId }: { environmentId: string }): Promise<SetupAppearance | undefined> {
  const { rows } = await pool.query<SetupAppearance>(
    `select coalesce(a.vendor_name, e.name) as "vendorName", a.color, a.logo is not null as "hasLogo", a.support_email as "supportEmail"
       from environments e
       left join setup_appearances a on a.environment_id = e.id
      where e.id = $1`,
    [environmentId],
  );
  return rows[0];
}

/** Chooses anew. `logo`: `undefined` leaves it, `null` takes it away. */
export async function changeSetupAppearance(
  pool: Pool,
  change: {
    environmentId: string;
    vendorName: string | null;
    color: string | null;
    supportEmail: string | null;
    logo?: Logo | null | undefined;
  },
): Promise<void> {
  const { logo } = change;
  await pool.query(
    `insert into setup_appearances as a (environment_id, vendor_name, color, support_email, logo, logo_type)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (environment_id) do update
        set vendor_name = excluded.vendor_name,
            color = excluded.color,
            support_email = excluded.support_email,
            logo = case when $7 then a.logo else excluded.logo end,
            logo_type = case when $7 then a.logo_type else excluded.logo_type end,
            updated_at = now()`,
    [
      change.environmentId,
      change.vendorName,
      change.color?.toLowerCase() ?? null,
      change.supportEmail,
      logo?.bytes ?? null,
      logo?.type ?? null,
      logo === undefined,
    ],
  );
}

export async function getLogo(pool: Pool, { environmentId }: { environmentId: string }): Promise<Logo | undefined> {
  const { rows } = await pool.query<Logo>(
    `select logo as bytes, logo_type as type
       from setup_appearances
      where environment_id = $1
        and logo is not null`,
    [environmentId],
  );
  return rows[0];
}
