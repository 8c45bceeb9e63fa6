import type { Queryable } from '#postgres';

// PostgreSQL counts rows as they are committed, a second late. Only who owns a table may analyze it.
const grown = `
  select c.oid::regclass::text as name
    from pg_stat_user_tables s
    join pg_class c on c.oid = s.relid
   where s.schemaname = current_schema()
     and pg_has_role(c.relowner, 'USAGE')
     and s.n_live_tup > 500 + 2 * greatest(c.reltuples, 0)
   order by 1`;

/**
 * Analyzes the tables of the schema that have doubled since anybody did, and answers their names.
 *
 * A statement is planned once for each connection, and the plan stays until its tables are analyzed. On an empty table every index that begins with
 * the directory looks alike, so what is planned before the first customer comes may read a whole directory to find one user: 5 ms among
 * 25,000, where an identity provider asks for each of 50,000 in turn. Autovacuum would come within minutes; a first synchronization is half
 * done by then. A table that is young is analyzed in milliseconds, and one that is old does not double any more.
 */
export async function analyzeGrown(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>({ text: grown });
  // Autovacuum may be at it: nobody waits for that.
  for (const { name } of rows) await db.query({ text: `analyze (skip_locked) ${name}` });
  return rows.map(({ name }) => name);
}
