import type pg from 'pg';
import { UsageError } from '../lib/errors.ts';
import { type ColumnKind, postgresDialect, type TableShape } from './dialect.ts';
import { sqlSide } from './sql-side.ts';
import type { EventCount, Side } from './target.ts';

/** The moment up to which the target is asked about. */
export interface Watermark {
  /** `clock_timestamp()` of the source, canonical (UTC, microseconds). */
  readonly at: string;
  readonly atMs: number;
  /** Where the WAL stood; null on a standby. */
  readonly lsn: string | null;
  readonly snapshot: string;
}

/** The source, as the oracle sees it. */
export interface Source extends Side {
  /** Shapes of those of the tables that exist, as declared. */
  shapes(tables: readonly string[]): Promise<readonly TableShape[]>;
  watermark(): Promise<Watermark>;
  /** When each of the keys was deleted last, canonical; keys without tombstone are absent. */
  tombstones(table: string, keys: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /** Change events by table and operation since the shop was made, or since `since`. */
  ledger(tables: readonly string[], since: string | null): Promise<readonly EventCount[]>;
  /** Writes a token into the heartbeat; returns its time, canonical. Throws where the source is read-only. */
  writeProbe(token: string): Promise<string>;
}

const KEYS_PER_QUERY = 100_000;
const UTC = (expression: string) => postgresDialect.canonical(expression, { kind: 'timestamp' });

/** The oracle's view of the source behind `pool`. */
export function sourceSide(pool: pg.Pool, label: string): Source {
  const run = async (sql: string, values?: readonly unknown[]) =>
    (await pool.query<Record<string, unknown>>(sql, values ? [...values] : undefined)).rows;
  const side = sqlSide({
    label,
    dialect: postgresDialect,
    run,
    schema: ['public'],
    keysPerQuery: KEYS_PER_QUERY,
    softDeletes: false,
  });
  return {
    label,
    keysPerQuery: side.keysPerQuery,
    columns: side.columns,
    extent: side.extent,
    sums: side.sums,
    hashes: side.hashes,
    rows: side.rows,
    rowSql: side.rowSql,
    shapes: async (tables) => shapesFrom(await run(SHAPES, [tables]), tables),
    watermark: async () => {
      const row = (await run(WATERMARK))[0] ?? {};
      return {
        at: String(row['at']),
        atMs: Number(row['at_ms']),
        lsn: row['lsn'] === null ? null : String(row['lsn']),
        snapshot: String(row['snapshot']),
      };
    },
    tombstones: async (table, keys) => {
      if (keys.length === 0) return new Map();
      const rows = await run(TOMBSTONES, [table, keys]);
      return new Map(rows.map((row) => [Number(row['key']), String(row['at'])]));
    },
    ledger: async (tables, since) => {
      if (since !== null) refuseFolded((await run(FOLDED_SINCE, [since]))[0], since);
      const rows = since === null ? run(LEDGER, [tables]) : run(LEDGER_SINCE, [tables, since]);
      return (await rows).map((row) => ({
        table: String(row['table_name']),
        op: String(row['op']) as EventCount['op'],
        count: Number(row['n']),
      }));
    },
    writeProbe: async (token) => String((await run(WRITE_PROBE, [token]))[0]?.['at']),
  };
}

const SHAPES = `
  SELECT table_name, column_name, udt_name, numeric_scale FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name = ANY ($1::text[]) ORDER BY table_name, ordinal_position`;

const WATERMARK = `
  SELECT ${UTC('now')} AS at, extract(epoch FROM now)::float8 * 1000 AS at_ms, pg_current_snapshot()::text AS snapshot,
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_insert_lsn() END AS lsn
  FROM clock_timestamp() AS now`;

const TOMBSTONES = `
  SELECT key, ${UTC('max(deleted_at)')} AS at FROM simulator.tombstones
  WHERE table_name = $1 AND key = ANY ($2::bigint[]) GROUP BY key`;

const LEDGER = `
  SELECT table_name, op::text AS op, sum(row_count)::bigint AS n FROM (
    SELECT table_name, op, row_count FROM simulator.ledger
    UNION ALL SELECT table_name, op, row_count FROM simulator.ledger_totals) noted
  WHERE table_name = ANY ($1::text[]) GROUP BY table_name, op`;

const LEDGER_SINCE = `
  SELECT table_name, op::text AS op, sum(row_count)::bigint AS n FROM simulator.ledger
  WHERE table_name = ANY ($1::text[]) AND noted_at >= $2::timestamptz GROUP BY table_name, op`;

/** Old notes are folded into totals that know no times: then `since` must lie after the oldest single note. */
const FOLDED_SINCE = `
  SELECT EXISTS (SELECT FROM simulator.ledger_totals WHERE row_count > 0) AS is_folded,
    coalesce(min(noted_at) > $1::timestamptz, true) AS is_older, ${UTC('min(noted_at)')} AS oldest FROM simulator.ledger`;

function refuseFolded(row: Readonly<Record<string, unknown>> | undefined, since: string): void {
  if (row?.['is_folded'] !== true || row['is_older'] !== true) return;
  throw new UsageError(
    `the ledger no longer knows single events as old as ${since}`,
    row['oldest'] === null
      ? 'leave --events-since out: the totals since the shop was made are exact'
      : `--events-since with a time after ${String(row['oldest'])} UTC, or leave it out: the totals since the shop was made are exact`,
  );
}

const WRITE_PROBE = `
  INSERT INTO public.cdc_heartbeat (id, token, emitido_em) VALUES (1, $1, clock_timestamp())
  ON CONFLICT (id) DO UPDATE SET token = excluded.token, emitido_em = clock_timestamp(), atualizado_em = clock_timestamp()
  RETURNING ${UTC('emitido_em')} AS at`;

function shapesFrom(
  rows: readonly Readonly<Record<string, unknown>>[],
  tables: readonly string[],
): TableShape[] {
  return tables.flatMap((name) => {
    const columns = rows
      .filter((row) => row['table_name'] === name)
      .map((row) => ({
        name: String(row['column_name']),
        type: columnKind(String(row['udt_name']), row['numeric_scale']),
      }));
    return columns.length === 0 ? [] : [{ name, columns }];
  });
}

/** Types that published tables may have; anything else is compared as the text that PostgreSQL prints. */
function columnKind(type: string, scale: unknown): ColumnKind {
  if (/^int[248]$/.test(type)) return { kind: 'integer' };
  if (type === 'numeric' && typeof scale === 'number') return { kind: 'numeric', scale };
  if (type === 'timestamptz' || type === 'timestamp') return { kind: 'timestamp' };
  if (type === 'date') return { kind: 'date' };
  if (type === 'bool') return { kind: 'boolean' };
  return { kind: 'text' };
}
