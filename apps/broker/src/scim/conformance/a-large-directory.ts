import type { Pool } from 'pg';
import { uuidOf } from './a-scim-directory';

/** The SCIM id of the n-th user, from 0, that `manyUsers` put into a directory. */
export function largeUserId(n: number): string {
  return `usr_01990000000070008000${n.toString(16).padStart(12, '0')}`;
}

/**
 * Puts users into a directory without SCIM, which would take minutes: copies of one of its users, in whose values `template` stands
 * for what is each one's own. No events tell of them.
 */
export async function manyUsers(pool: Pool, template: { id: string }, count: number): Promise<void> {
  const { rows: columns } = await pool.query<{ name: string; type: string }>(
    `select column_name as name, udt_name as type from information_schema.columns where table_name = 'users' order by ordinal_position`,
  );
  const values = columns.map(({ name, type }) => {
    if (name === 'id') return `('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
    return ['text', 'json', 'jsonb', '_text'].includes(type)
      ? `replace(u.${name}::text, 'template', 'person-' || n)::${type.replace(/^_(.*)/, '$1[]')}`
      : `u.${name}`;
  });
  await pool.query(
    `
    insert into users (${columns.map(({ name }) => name).join(', ')})
    select ${values.join(', ')}
      from users u
     cross join generate_series(0, $2::int - 1) as n
     where u.id = $1`,
    [uuidOf(template.id), count],
  );
}
