import type { Pool } from 'pg';
import { prepared } from '#postgres';

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

const selectSetupAppearance = prepared<SetupAppearance>(
  'select_setup_appearance',
  `
  select coalesce(a.vendor_name, e.name) as "vendorName", a.color, a.logo is not null as "hasLogo", a.support_email as "supportEmail"
    from environments e
    left join setup_appearances a on a.environment_id = e.id
   where e.id = $1`,
);

/** What was chosen, or the environment's name alone. `undefined` where there is no such environment. */
export async function getSetupAppearance(pool: Pool, { environmentId }: { environmentId: string }): Promise<SetupAppearance | undefined> {
  const [row] = await selectSetupAppearance.run(pool, [environmentId]);
  return row;
}

const upsertSetupAppearance = prepared<
  never,
  ChosenAppearance & { logo: Buffer | null; logoType: Logo['type'] | null; keepsLogo: boolean }
>(
  'upsert_setup_appearance',
  `
  insert into setup_appearances as a (environment_id, vendor_name, color, support_email, logo, logo_type)
  values (:environmentId, :vendorName, :color, :supportEmail, :logo, :logoType)
  on conflict (environment_id) do update
     set vendor_name = excluded.vendor_name,
         color = excluded.color,
         support_email = excluded.support_email,
         logo = case when :keepsLogo then a.logo else excluded.logo end,
         logo_type = case when :keepsLogo then a.logo_type else excluded.logo_type end,
         updated_at = now()`,
);

interface ChosenAppearance {
  environmentId: string;
  vendorName: string | null;
  color: string | null;
  supportEmail: string | null;
}

/** Chooses anew. `logo`: `undefined` leaves it, `null` takes it away. */
export async function changeSetupAppearance(
  pool: Pool,
  { logo, ...chosen }: ChosenAppearance & { logo?: Logo | null | undefined },
): Promise<void> {
  await upsertSetupAppearance.run(pool, {
    ...chosen,
    color: chosen.color?.toLowerCase() ?? null,
    logo: logo?.bytes ?? null,
    logoType: logo?.type ?? null,
    keepsLogo: logo === undefined,
  });
}

const selectLogo = prepared<Logo>(
  'select_logo',
  `
  select logo as bytes, logo_type as type
    from setup_appearances
   where environment_id = $1
     and logo is not null`,
);

export async function getLogo(pool: Pool, { environmentId }: { environmentId: string }): Promise<Logo | undefined> {
  const [row] = await selectLogo.run(pool, [environmentId]);
  return row;
}
