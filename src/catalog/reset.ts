import { sql } from 'kysely';
import { executedMigrations, pendingMigrations } from '../db/migrate.ts';
import type { Db } from '../db/pool.ts';
import { privateTables, publishedTables } from '../db/schema.ts';
import { codeOf } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { messageOf, OperatorError } from '../lib/errors.ts';

/** Names of what else belongs to the simulator in a database, and of what a reader was given. */
export interface ResetNames {
  readonly publication: string;
  readonly slot: string;
  readonly readerRole: string;
}

export interface ResetResult {
  readonly tables: number;
  readonly publication: boolean;
  readonly slot: boolean;
  /** What is left on the server on purpose, each a sentence with how to remove it. */
  readonly stays: readonly string[];
}

/** A worker not seen for so long is dead. */
const LEASE_MS = 15_000;
const LOCK_TIMEOUT_MS = 5_000;

/** Refuses a database in which nothing says that the simulator made it: neither a migration nor a shop. */
export async function refuseForeignDatabase(db: Db, where: string): Promise<void> {
  if (await madeHere(db)) return;
  throw new OperatorError(`nothing in ${where} was made by cdc-sim; nothing was changed`, {
    fix: 'correct DATABASE_URL or DB_NAME; a database without a shop needs no reset',
  });
}

async function madeHere(db: Db): Promise<boolean> {
  try {
    if ((await executedMigrations(db)).length > 0) {
      // one of a newer version has more than this one knows: it is refused there
      await pendingMigrations(db);
      return true;
    }
    return await hasShop(db);
  } catch (error) {
    // a schema of this name with other columns, or closed to us: somebody else's
    if (['42703', '42501'].includes(codeOf(error))) return false;
    throw error;
  }
}

async function hasShop(db: Db): Promise<boolean> {
  if (!(await exists(db, 'simulator.settings'))) return false;
  const shop = await sql`SELECT 1 FROM simulator.settings WHERE key = 'shop'`.execute(db);
  return shop.rows.length > 0;
}

async function exists(db: Db, table: string): Promise<boolean> {
  const result = await sql<{ found: string | null }>`SELECT to_regclass(${table})::text AS found`.execute(db);
  return result.rows[0]?.found != null;
}

/** Refuses while workers live: they would go on writing into what is being dropped. */
export async function refuseLivingWorkers(db: Db): Promise<void> {
  if (!(await exists(db, 'simulator.workers'))) return;
  const living = await sql<{ name: string }>`
    SELECT name FROM simulator.workers WHERE seen_at > clock_timestamp() - ${LEASE_MS} * interval '1 ms' ORDER BY name`.execute(
    db,
  );
  if (living.rows.length === 0) return;
  const names = living.rows.map((row) => row.name).join(', ');
  throw new OperatorError(
    `${living.rows.length === 1 ? 'a worker writes' : `${living.rows.length} workers write`} into this database: ${names}; nothing was changed`,
    {
      fix: `stop ${living.rows.length === 1 ? 'it' : 'them'} (Ctrl-C; one that was killed is forgotten after ${LEASE_MS / 1000} s), or reset all the same: --force`,
    },
  );
}

/** Bytes of everything that a reset drops. */
export async function sizeOfShop(db: Db): Promise<number> {
  const result = await sql<{ bytes: number }>`
    SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint AS bytes
    FROM unnest(${sql.val(ourTables())}::text[]) AS t (name)`.execute(db);
  return result.rows[0]?.bytes ?? 0;
}

const ourTables = () => [
  ...publishedTables.map((name) => `public.${name}`),
  ...privateTables.map((name) => `simulator.${name}`),
];

/**
 * Drops the simulator's tables, schema and publication in one transaction, then its own slot when nobody uses it.
 * Nothing is dropped that depends on them: a view of somebody else makes all of it fail. `force`: even while workers
 * live. Call {@link refuseForeignDatabase} before.
 */
export async function resetDatabase(
  db: Db,
  names: ResetNames,
  options: { readonly force: boolean },
): Promise<ResetResult> {
  const dropped = await dropAll(db, names, options.force);
  const stays: string[] = [];
  const slot = await dropSlot(db, names.slot, stays);
  await tellWhatStays(db, names, stays);
  return { ...dropped, slot, stays };
}

async function dropAll(
  db: Db,
  names: ResetNames,
  force: boolean,
): Promise<{ tables: number; publication: boolean }> {
  try {
    return await inTransaction(db, async (trx) => {
      await sql`SET LOCAL lock_timeout = ${sql.lit(LOCK_TIMEOUT_MS)}`.execute(trx);
      // whoever wants to join from here on waits, and finds no shop
      if (await exists(trx, 'simulator.workers'))
        await sql`LOCK TABLE simulator.workers IN ACCESS EXCLUSIVE MODE`.execute(trx);
      if (!force) await refuseLivingWorkers(trx);
      const publication =
        await sql`SELECT 1 FROM pg_publication WHERE pubname = ${names.publication}`.execute(trx);
      await sql`DROP PUBLICATION IF EXISTS ${sql.id(names.publication)}`.execute(trx);
      const there = await sql<{ name: string }>`
        SELECT name FROM unnest(${sql.val(ourTables())}::text[]) AS t (name) WHERE to_regclass(name) IS NOT NULL`.execute(
        trx,
      );
      const list = sql.join(there.rows.map((row) => sql.table(row.name)));
      if (there.rows.length > 0) await sql`DROP TABLE ${list}`.execute(trx);
      await sql`DROP FUNCTION IF EXISTS simulator.note_change()`.execute(trx);
      await sql`DROP SCHEMA simulator`.execute(trx);
      return { tables: there.rows.length, publication: publication.rows.length > 0 };
    });
  } catch (error) {
    throw explain(error) ?? error;
  }
}

function explain(error: unknown): OperatorError | undefined {
  const code = codeOf(error);
  const detail = error instanceof Error && 'detail' in error && error.detail ? messageOf(error.detail) : '';
  if (code === '2BP01') {
    return new OperatorError(
      `something that cdc-sim did not make depends on its tables${detail === '' ? '' : `: ${detail}`}; nothing was changed`,
      { fix: 'drop that first (DROP VIEW, DROP TABLE), then run reset again', cause: error },
    );
  }
  if (code === '55P03' || code === '40P01') {
    return new OperatorError('somebody holds the tables locked; nothing was changed', {
      fix: `end who it is: SELECT pid, application_name, query FROM pg_stat_activity WHERE state <> 'idle'; then run reset again`,
      cause: error,
    });
  }
  if (code === '42501') {
    return new OperatorError(`${messageOf(error)}; nothing was changed`, {
      fix: 'connect as the role that made the shop, the owner of its tables',
      cause: error,
    });
  }
  return undefined;
}

/** Drops the simulator's own slot of this database; one in use, or one that we may not drop, stays and is told of. */
async function dropSlot(db: Db, name: string, stays: string[]): Promise<boolean> {
  const found = await sql<{ active: boolean }>`
    SELECT active FROM pg_replication_slots WHERE slot_name = ${name} AND database = current_database()`.execute(
    db,
  );
  const slot = found.rows[0];
  if (slot === undefined) return false;
  const drop = `SELECT pg_drop_replication_slot('${name}')`;
  if (slot.active) {
    stays.push(`the slot ${name} is in use: stop its reader, then ${drop}`);
    return false;
  }
  try {
    await sql`SELECT pg_drop_replication_slot(${name})`.execute(db);
    return true;
  } catch (error) {
    stays.push(`the slot ${name} could not be dropped (${messageOf(error)}): ${drop}`);
    return false;
  }
}

async function tellWhatStays(db: Db, names: ResetNames, stays: string[]): Promise<void> {
  const slots = await sql<{ name: string }>`
    SELECT slot_name AS name FROM pg_replication_slots
    WHERE database = current_database() AND slot_name <> ${names.slot} AND NOT temporary ORDER BY slot_name`.execute(
    db,
  );
  for (const { name } of slots.rows) {
    stays.push(
      `the slot ${name} belongs to a reader and keeps WAL until it is read or dropped: SELECT pg_drop_replication_slot('${name}')`,
    );
  }
  const role = await sql`SELECT 1 FROM pg_roles WHERE rolname = ${names.readerRole}`.execute(db);
  if (role.rows.length > 0) {
    const id = `"${names.readerRole}"`;
    stays.push(
      `the role ${names.readerRole} belongs to the server, not to this database: DROP OWNED BY ${id}; DROP ROLE ${id}`,
    );
  }
}
