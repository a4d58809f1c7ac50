import pg from 'pg';
import type { DatabaseSettings } from '../../config/database.ts';
import { clientConfig } from '../../db/pool.ts';
import { codeOf } from '../../db/sqlstate.ts';
import { delay } from '../../lib/backoff.ts';
import { OperatorError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { SlotFacts, SourceIdentity } from './decide.ts';
import { type Lsn, parseLsn } from './lsn.ts';

export const APPLICATION_NAME = 'cdc-sim lakehouse';
/** A reader that was killed is noticed by the server within this time, unless the network is to blame. */
const BUSY_PATIENCE_MS = 15_000;
const SLOW_CREATION_MS = 5_000;

/** A connection for replication; values come as ISO text in UTC, whatever the server's settings are. */
export function replicationConfig(settings: DatabaseSettings): pg.ClientConfig & { replication: 'database' } {
  return {
    ...clientConfig(settings, APPLICATION_NAME),
    replication: 'database',
    options:
      '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=3 -c statement_timeout=0',
  };
}

export async function replicationClient(settings: DatabaseSettings): Promise<pg.Client> {
  const client = new pg.Client(replicationConfig(settings));
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export async function identify(settings: DatabaseSettings): Promise<SourceIdentity> {
  const client = await replicationClient(settings);
  try {
    const { rows } = await client.query<{ systemid: string; dbname: string }>('IDENTIFY_SYSTEM');
    return { systemId: String(rows[0]?.systemid), database: String(rows[0]?.dbname) };
  } finally {
    await client.end();
  }
}

export async function readSlot(pool: Pick<pg.Pool, 'query'>, slot: string): Promise<SlotFacts | null> {
  const { rows } = await pool.query<{
    plugin: string;
    database: string;
    wal_status: string | null;
    confirmed: string | null;
    active_pid: number | null;
  }>(
    `SELECT plugin::text, database::text, wal_status, confirmed_flush_lsn::text AS confirmed, active_pid
     FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return {
    plugin: row.plugin,
    database: row.database,
    walStatus: row.wal_status,
    confirmedLsn: row.confirmed === null ? null : parseLsn(row.confirmed),
    activePid: row.active_pid,
  };
}

/** Waits until nobody reads from the slot; an OperatorError when somebody keeps doing so. */
export async function waitUntilFree(
  pool: Pick<pg.Pool, 'query'>,
  slot: string,
  signal?: AbortSignal,
  patienceMs = BUSY_PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const pid = (await readSlot(pool, slot))?.activePid ?? null;
    if (pid === null) return;
    if (performance.now() > deadline) {
      throw new OperatorError(
        `the slot ${slot} is in use: another lakehouse reads from this source (server process ${pid})`,
        {
          fix: `stop the other one; if there is none: SELECT pg_terminate_backend(${pid})`,
        },
      );
    }
    if (!(await delay(200, signal))) return;
  }
}

/** Drops the slot when it is there; waits for a reader that is just leaving. */
export async function dropSlot(
  pool: Pick<pg.Pool, 'query'>,
  slot: string,
  patienceMs?: number,
): Promise<boolean> {
  if ((await readSlot(pool, slot)) === null) return false;
  await waitUntilFree(pool, slot, undefined, patienceMs);
  try {
    await pool.query('SELECT pg_drop_replication_slot($1)', [slot]);
    return true;
  } catch (error) {
    if (codeOf(error) === '42704') return false;
    throw error;
  }
}

export interface ExportedSnapshot {
  /** The stream from here on joins the snapshot without gap or overlap. */
  readonly consistentLsn: Lsn;
  readonly snapshotName: string;
  /** Ends the connection that holds the snapshot open for others. */
  release(): Promise<void>;
}

/** Creates the slot and exports the snapshot at its start. */
export async function createSlot(
  settings: DatabaseSettings,
  slot: string,
  logger: Logger,
): Promise<ExportedSnapshot> {
  const client = await replicationClient(settings);
  const slow = setTimeout(
    () =>
      logger.warn(
        'creating the slot waits for transactions that are still running on the source; end old ones: SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start',
      ),
    SLOW_CREATION_MS,
  );
  try {
    const { rows } = await client.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT "${slot}" LOGICAL pgoutput EXPORT_SNAPSHOT`,
    );
    const row = rows[0];
    if (row === undefined) throw new Error('the server said nothing about the new slot');
    return {
      consistentLsn: parseLsn(row.consistent_point),
      snapshotName: row.snapshot_name,
      release: () => client.end(),
    };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw explainSlotError(error, slot);
  } finally {
    clearTimeout(slow);
  }
}

/** What an operator can do about a slot that cannot be made or read; anything else stays as it is. */
export function explainSlotError(error: unknown, slot: string): unknown {
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code === '55000' && /wal_level/.test(text)) {
    return new OperatorError('the source does not write a logical log (wal_level)', {
      fix: 'ALTER SYSTEM SET wal_level = logical; then restart the server',
      cause: error,
    });
  }
  if (code === '53400' || /replication slots are in use|max_wal_senders/.test(text)) {
    return new OperatorError(`the source has no free replication slot or sender: ${text}`, {
      fix: 'drop what nobody uses (SELECT slot_name, active FROM pg_replication_slots), or raise max_replication_slots and max_wal_senders',
      cause: error,
    });
  }
  if (code === '42501') {
    return new OperatorError(`the user may not replicate: ${text}`, {
      fix: 'ALTER ROLE <user> REPLICATION, or connect as one that has it',
      cause: error,
    });
  }
  if (code === '55000' && /can no longer get changes|has been invalidated|lost/.test(text)) {
    return new OperatorError(`the slot ${slot} is lost: ${text}`, {
      fix: 'npm run sim -- lakehouse reset, then start it again: it copies the source anew',
      cause: error,
    });
  }
  return error;
}
