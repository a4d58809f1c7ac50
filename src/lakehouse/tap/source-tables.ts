import type pg from 'pg';
import { SOURCE_COLUMNS_SQL } from '../raw-schema.ts';
import type { LandedTable } from './changes.ts';

type Queryable = Pick<pg.Pool, 'query'>;

const KEYS_SQL = `
  SELECT c.relname AS table_name, a.attname AS column_name
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
  WHERE i.indisprimary AND n.nspname = 'public' AND c.relname = ANY ($1::text[])
  ORDER BY c.relname, k.position`;

/** The tables of schema `public` in a publication. */
export async function publishedNames(pool: Queryable, publication: string): Promise<string[]> {
  const { rows } = await pool.query<{ tablename: string }>(
    `SELECT tablename FROM pg_publication_tables WHERE pubname = $1 AND schemaname = 'public' ORDER BY tablename`,
    [publication],
  );
  return rows.map((row) => row.tablename);
}

/** Columns and keys of the tables; those without a primary key come with an empty key. */
export async function describeTables(pool: Queryable, names: readonly string[]): Promise<LandedTable[]> {
  type Row = { table_name: string; column_name: string; type: string };
  const [columns, keys] = await Promise.all([
    pool.query<Row>(SOURCE_COLUMNS_SQL, [names]),
    pool.query<Omit<Row, 'type'>>(KEYS_SQL, [names]),
  ]);
  return names
    .map((name) => ({
      name,
      key: keys.rows.filter((row) => row.table_name === name).map((row) => row.column_name),
      columns: new Map(
        columns.rows
          .filter((row) => row.table_name === name)
          .map((row) => [row.column_name, row.type] as const),
      ),
    }))
    .filter((table) => table.columns.size > 0);
}
