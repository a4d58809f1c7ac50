import type pg from 'pg';
import { publishedTables } from '../../db/schema.ts';
import { OperatorError } from '../../lib/errors.ts';

/** Makes the publication of all published tables when there is none (without TRUNCATE, which readers mishandle). */
export async function ensurePublication(pool: Pick<pg.Pool, 'query'>, publication: string): Promise<void> {
  const found = await pool.query('SELECT 1 FROM pg_publication WHERE pubname = $1', [publication]);
  if (found.rowCount === 1) return;
  const present = await pool.query<{ tablename: string }>(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename = ANY ($1::text[])`,
    [publishedTables],
  );
  if (present.rows.length < publishedTables.length) {
    throw new OperatorError('this database does not have the tables of the shop', {
      fix: 'start the simulator first (npm start), or with the lakehouse: npm run lakehouse',
    });
  }
  const tables = publishedTables.map((table) => `public."${table}"`).join(', ');
  await pool.query(
    `CREATE PUBLICATION "${publication}" FOR TABLE ${tables} WITH (publish = 'insert, update, delete')`,
  );
}
