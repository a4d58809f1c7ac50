import { sql } from 'kysely';
import { settle } from '../db/check-tables.ts';
import { judgeLookup, type LookupRow } from '../db/contents.ts';
import type { Db } from '../db/pool.ts';
import { readSetting } from '../db/settings.ts';
import type { Logger } from '../lib/logger.ts';
import { lookupRows } from './dimensions.ts';

/**
 * Holds the lookup tables of a shop against what was seeded: throws for rows that are gone, warns of other names. A
 * database without a shop has none.
 */
export async function checkLookups(db: Db, logger: Logger): Promise<void> {
  if ((await readSetting(db, 'shop')) === undefined) return;
  const readings = lookupRows.map(
    ({ table }) =>
      sql`SELECT ${table} AS "table", id::int AS id, nome::text AS nome FROM public.${sql.id(table)}`,
  );
  const { rows } = await sql<LookupRow & { table: string }>`${sql.join(readings, sql` UNION ALL `)}`.execute(
    db,
  );
  settle(
    lookupRows.flatMap((lookup) =>
      judgeLookup(
        lookup.table,
        lookup.rows,
        rows.filter(({ table }) => table === lookup.table),
      ),
    ),
    logger,
  );
}
