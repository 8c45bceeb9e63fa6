import { type Prefix, publicId } from '#identifier';
import type { ExpiringCredentialJson } from '../log/event-data';
import { appendEvents } from '../log/event-log';
import { prepared } from '#postgres';
import { type DirectoryPool, DirectoryGone, type DirectoryScope, inDirectory } from '../writing/transaction';

/** A credential that will end by itself, told of once two weeks before and once more a day before. */
export interface ExpiringCredential {
  kind: 'bearer_token' | 'oauth_client';
  /** The token's, or the client's whose secret it is. */
  id: string;
  name: string | null;
  expiresAt: Date;
  lastUsedAt: Date | null;
}

const prefixes: Record<ExpiringCredential['kind'], Prefix> = { bearer_token: 'tok', oauth_client: 'oac' };

// A notice is due from its day before the end on, unless it has been given since; and not at all where the end was decided later
// than that: whoever asks for a token of an hour need not be told that it ends soon.
const due = (alias: string) => `
         ${alias}.expires_at > $1::timestamptz
     and exists (select 1
                   from (values (interval '14 days'), (interval '1 day')) as notice (before)
                  where ${alias}.expires_at - notice.before <= $1
                    and ${alias}.expires_at - notice.before > ${alias}.expiry_set_at
                    and ${alias}.expires_at - notice.before > coalesce(${alias}.expiry_announced_at, '-infinity'))`;

interface DueRow {
  kind: ExpiringCredential['kind'];
  row_id: string;
  environment_id: string;
  organization_id: string;
  organization_external_id: string | null;
  directory_id: string;
}

const dueCredentials = prepared<DueRow>(
  'due_credential_notices',
  `
  select due.kind, due.row_id, d.environment_id, d.organization_id, o.external_id as organization_external_id, d.id as directory_id
    from (select 'bearer_token' as kind, t.id as row_id, t.directory_id, t.expires_at
            from bearer_tokens t
           where t.expires_at < $1::timestamptz + interval '14 days'
             and ${due('t')}
          union all
          select 'oauth_client', s.id, c.directory_id, s.expires_at
            from oauth_client_secrets s
            join oauth_clients c on c.id = s.client_id
           where s.expires_at < $1::timestamptz + interval '14 days'
             and ${due('s')}) due
    join directories d on d.id = due.directory_id
    join organizations o on o.environment_id = d.environment_id and o.id = d.organization_id
   where d.deleted_at is null
   order by due.expires_at
   limit 500`,
);

interface AnnouncedRow {
  id: string;
  name: string | null;
  expires_at: Date;
  last_used_at: Date | null;
}

const announceToken = prepared<AnnouncedRow>(
  'announce_expiring_bearer_token',
  `
  update bearer_tokens t
     set expiry_announced_at = $1
   where t.id = $2
     and t.directory_id = $3
     and ${due('t')}
  returning t.id, t.name, t.expires_at, t.last_used_at`,
);

const announceSecret = prepared<AnnouncedRow>(
  'announce_expiring_oauth_client_secret',
  `
  update oauth_client_secrets s
     set expiry_announced_at = $1
    from oauth_clients c
   where s.id = $2
     and c.id = s.client_id
     and c.directory_id = $3
     and ${due('s')}
  returning c.id, null::text as name, s.expires_at, c.last_used_at`,
);

/**
 * Logs `credential.expiring` for every credential that is about to end by itself, and answers which, for whoever writes mails.
 *
 * To be called every now and then, by any number of processes: each notice is given once, in the transaction that notes it.
 */
export async function announceExpiringCredentials(
  pool: DirectoryPool,
  now: Date,
): Promise<{ directory: DirectoryScope; credential: ExpiringCredential }[]> {
  const announced = [];
  for (const row of await dueCredentials.run(pool, [now])) {
    const directory = {
      id: row.directory_id,
      environmentId: row.environment_id,
      organizationId: row.organization_id,
      organizationExternalId: row.organization_external_id,
    };
    const credential = await announce(pool, directory, row, now);
    if (credential) announced.push({ directory, credential });
  }
  return announced;
}

async function announce(
  pool: DirectoryPool,
  directory: DirectoryScope,
  { kind, row_id: rowId }: DueRow,
  now: Date,
): Promise<ExpiringCredential | undefined> {
  try {
    return await inDirectory(pool, directory, null, async (tx) => {
      const [row] = await tx.writeAndRead(kind === 'bearer_token' ? announceToken : announceSecret, [now, rowId, directory.id]);
      if (!row) return undefined; // another process was faster, or it has been revoked
      const credential: ExpiringCredential = { kind, id: row.id, name: row.name, expiresAt: row.expires_at, lastUsedAt: row.last_used_at };
      appendEvents(tx, [{ type: 'credential.expiring', data: () => ({ credential: credentialJson(credential) }) }]);
      return credential;
    });
  } catch (error) {
    if (error instanceof DirectoryGone) return undefined;
    throw error;
  }
}

function credentialJson(credential: ExpiringCredential): ExpiringCredentialJson {
  return {
    kind: credential.kind,
    id: publicId(prefixes[credential.kind], credential.id),
    name: credential.name,
    expires_at: credential.expiresAt.toISOString(),
    last_used_at: credential.lastUsedAt && credential.lastUsedAt.toISOString(),
  };
}
