import { sql } from 'kysely';
import type { Db } from '../db/pool.ts';
import { readSettings } from '../db/settings.ts';
import { readDatabaseSize, readQuickFacts } from '../db/status-queries.ts';
import { countStates } from '../orders/count-states.ts';
import type { OrderStateName } from '../orders/lifecycle.ts';
import { moves } from './moved-meter.ts';

/** What `cdc-sim status` tells; figures of work are those that the workers left with their leases. */
export interface StatusReport {
  readonly at: string;
  readonly where: string;
  readonly shop: { readonly id: string; readonly seed: string; readonly createdAt: string } | null;
  readonly ratePerMinute: number;
  readonly rateOverride: number | null;
  readonly configuredRate: number;
  readonly paused: boolean;
  /** Why the workers hold traffic back, beside the operator's pause. */
  readonly heldBy: readonly string[];
  readonly achievedPerMinute: number;
  readonly movedLastMinute: Readonly<Record<string, number>>;
  readonly orders: Readonly<Record<OrderStateName, number>>;
  readonly dueBacklog: number;
  readonly workers: readonly {
    readonly name: string;
    readonly share: number;
    readonly placedPerMinute: number;
    readonly startedAt: string;
  }[];
  readonly slots: readonly {
    readonly name: string;
    readonly plugin: string | null;
    readonly active: boolean;
    readonly walStatus: string | null;
    readonly retainedBytes: number | null;
  }[];
  readonly lastHeartbeatAt: string | null;
  readonly databaseBytes: number;
  readonly lastVerify: unknown;
}

const LEASE_MS = 15_000;
const BACKLOG_LIMIT = 10_000;

const iso = (ms: number) => new Date(ms).toISOString();

/** Reads the whole report from the database; needs no running daemon. */
export async function readStatusReport(
  db: Db,
  options: { readonly where: string; readonly configuredRate: number },
): Promise<StatusReport> {
  const [settings, quick, orders, databaseBytes, slots, due] = await Promise.all([
    readSettings(db),
    readQuickFacts(db, LEASE_MS),
    countStates(db),
    readDatabaseSize(db),
    readSlots(db),
    countDue(db),
  ]);
  const figure = (value: unknown) => (typeof value === 'number' ? value : 0);
  // what the living go by counts, not what this command was started with
  const theirRate = quick.workers
    .map(({ stats }) => stats['configuredRate'])
    .find((rate) => typeof rate === 'number');
  const configuredRate = theirRate ?? options.configuredRate;
  const movedLastMinute: Record<string, number> = {};
  const held = new Set<string>();
  for (const { stats } of quick.workers) {
    const theirs = (stats['moved'] ?? {}) as Record<string, unknown>;
    for (const move of moves) movedLastMinute[move] = (movedLastMinute[move] ?? 0) + figure(theirs[move]);
    if (Array.isArray(stats['heldBy'])) for (const reason of stats['heldBy']) held.add(String(reason));
  }
  return {
    at: new Date().toISOString(),
    where: options.where,
    shop: quick.shop as StatusReport['shop'],
    ratePerMinute: settings.rate ?? configuredRate,
    rateOverride: settings.rate,
    configuredRate,
    paused: settings.paused,
    heldBy: [...held],
    achievedPerMinute: quick.workers.reduce((sum, { stats }) => sum + figure(stats['placedPerMinute']), 0),
    movedLastMinute,
    orders,
    dueBacklog: due,
    workers: quick.workers.map(({ name, startedAtMs, stats }) => ({
      name,
      share: 1 / quick.workers.length,
      placedPerMinute: figure(stats['placedPerMinute']),
      startedAt: iso(startedAtMs),
    })),
    slots,
    lastHeartbeatAt: quick.lastHeartbeatAtMs === null ? null : iso(quick.lastHeartbeatAtMs),
    databaseBytes,
    lastVerify: quick.lastVerify,
  };
}

async function readSlots(db: Db): Promise<StatusReport['slots']> {
  const result = await sql<StatusReport['slots'][number]>`
    SELECT slot_name AS name, plugin, active, wal_status AS "walStatus",
      (CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END)::float8
        AS "retainedBytes"
    FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database()
    ORDER BY slot_name`.execute(db);
  return result.rows;
}

async function countDue(db: Db): Promise<number> {
  const result = await sql<{ due: number }>`
    SELECT count(*)::int AS due FROM (
      SELECT FROM simulator.order_schedule WHERE due_at <= statement_timestamp() LIMIT ${BACKLOG_LIMIT}) late`.execute(
    db,
  );
  return result.rows[0]?.due ?? 0;
}
