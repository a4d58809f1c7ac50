import type pg from 'pg';
import { publishedTables } from '../../src/db/schema.ts';
import { noProgress } from '../../src/verify/progress.ts';
import type { VerifyReport } from '../../src/verify/report.ts';
import type { Source } from '../../src/verify/source-side.ts';
import type { Target } from '../../src/verify/target.ts';
import { type VerifyOptions, verify } from '../../src/verify/verify.ts';

export const noCredentials = { token: undefined, clientId: undefined, clientSecret: undefined };

/** Asks the oracle; without options it judges at once, which is right where nothing moves. */
export async function ask(
  source: Source,
  target: Target,
  options: Partial<VerifyOptions> = {},
): Promise<VerifyReport> {
  return verify(source, target, {
    tables: publishedTables,
    lagMs: 0,
    waitMs: 0,
    bucketRows: 16,
    probes: 0,
    events: null,
    signal: new AbortController().signal,
    progress: noProgress,
    ...options,
  });
}

/** Every difference as `table key class columns`, torn orders as `torn key`. */
export function found(report: VerifyReport): string[] {
  return [
    ...report.differences.map(({ table, key, kind, columns }) =>
      [table, key, kind, ...columns.map(({ name }) => name)].join(' '),
    ),
    ...report.tornOrders.map(({ order }) => `torn ${order}`),
    ...report.shapeProblems,
  ];
}

/** Changes a target behind its pipeline's back; as for an apply worker, triggers and foreign keys do not fire. */
export async function tamper(pool: pg.Pool, ...statements: string[]): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    for (const statement of statements) await client.query(statement);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

/** Makes the target equal to a resting source, whatever was done to it. */
export async function refill(source: pg.Pool, target: pg.Pool): Promise<void> {
  for (const table of publishedTables) {
    const rows = await source.query<{ all: string }>(
      `SELECT coalesce(jsonb_agg(t), '[]')::text AS all FROM public.${table} t`,
    );
    const client = await target.connect();
    try {
      await client.query(`BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM public.${table}`);
      await client.query(
        `INSERT INTO public.${table} SELECT r.* FROM jsonb_populate_recordset(NULL::public.${table}, $1::jsonb) r`,
        [rows.rows[0]?.all],
      );
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }
}

/** A downstream database keeps no rules of the shop: drops the CHECKs that would refuse a planted fault. */
export async function dropChecks(pool: pg.Pool): Promise<void> {
  const checks = await pool.query<{ drop: string }>(
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop
     FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace`,
  );
  for (const { drop } of checks.rows) await pool.query(drop);
  for (const table of publishedTables) {
    const columns = await pool.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND attnotnull AND attname <> 'id'`,
      [`public.${table}`],
    );
    const list = columns.rows.map(({ name }) => `ALTER COLUMN ${name} DROP NOT NULL`).join(', ');
    if (list !== '') await pool.query(`ALTER TABLE public.${table} ${list}`);
  }
}
