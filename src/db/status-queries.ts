import { sql } from 'kysely';
import type { Db } from './pool.ts';
import { publishedTables } from './schema.ts';

export type ChangeOperation = 'I' | 'U' | 'D';

export interface TableCounter {
  readonly table: string;
  readonly op: ChangeOperation;
  readonly count: number;
}

/**
 * Rows inserted, updated and deleted in each published table since the server's counters were last reset: what
 * PostgreSQL counts anyway, of all its clients, at no cost. It also counts what was rolled back, and runs up to a
 * second late: good for rates. What is exact is the ledger.
 */
export async function readTableCounters(db: Db): Promise<readonly TableCounter[]> {
  const result = await sql<{ table_name: string; i: number; u: number; d: number }>`
    SELECT relname AS table_name, n_tup_ins AS i, n_tup_upd AS u, n_tup_del AS d
    FROM pg_stat_user_tables
    WHERE schemaname = 'public' AND relname = ANY (${sql.val([...publishedTables])}::text[])`.execute(db);
  return result.rows.flatMap(({ table_name: table, i, u, d }) => [
    { table, op: 'I' as const, count: i },
    { table, op: 'U' as const, count: u },
    { table, op: 'D' as const, count: d },
  ]);
}

export interface WorkerRow {
  readonly id: string;
  readonly name: string;
  readonly startedAtMs: number;
  readonly seenAtMs: number;
  /** As the worker left them with its lease. */
  readonly stats: Readonly<Record<string, unknown>>;
}

export interface QuickFacts {
  readonly workers: readonly WorkerRow[];
  readonly lastHeartbeatAtMs: number | null;
  readonly lastVerify: unknown;
  readonly shop: unknown;
}

/** What lies in small tables: one round trip. `leaseMs`: a worker not seen for that long is dead. */
export async function readQuickFacts(db: Db, leaseMs: number): Promise<QuickFacts> {
  const result = await sql<{
    workers: WorkerRow[] | null;
    heartbeat_ms: number | null;
    last_verify: unknown;
    shop: unknown;
  }>`
    SELECT
      (SELECT json_agg(json_build_object('id', id, 'name', name, 'stats', stats,
          'startedAtMs', extract(epoch FROM started_at)::float8 * 1000,
          'seenAtMs', extract(epoch FROM seen_at)::float8 * 1000) ORDER BY started_at, id)
        FROM simulator.workers WHERE seen_at > clock_timestamp() - ${leaseMs} * interval '1 ms') AS workers,
      (SELECT extract(epoch FROM max(emitido_em))::float8 * 1000 FROM public.cdc_heartbeat) AS heartbeat_ms,
      (SELECT value FROM simulator.settings WHERE key = 'last_verify') AS last_verify,
      (SELECT value FROM simulator.settings WHERE key = 'shop') AS shop`.execute(db);
  const row = result.rows[0];
  return {
    workers: row?.workers ?? [],
    lastHeartbeatAtMs: row?.heartbeat_ms ?? null,
    lastVerify: row?.last_verify ?? null,
    shop: row?.shop ?? null,
  };
}

/** Size of the whole database in bytes. Looks at every file: not for every second. */
export async function readDatabaseSize(db: Db): Promise<number> {
  const result = await sql<{ size: number }>`SELECT pg_database_size(current_database()) AS size`.execute(db);
  return result.rows[0]?.size ?? 0;
}
