import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import * as shop from '../../migrations/0001_shop.ts';
import * as simulator from '../../migrations/0002_simulator.ts';
import { OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { judgeAccess, judgeCreation, judgeOwnership, type Lack } from './access.ts';
import { checkTables } from './check-tables.ts';
import type { Db } from './pool.ts';
import { readCatalog } from './read-catalog.ts';
import { publishedTables } from './schema.ts';

/** Every migration there is, in order; a released one never changes. */
const migrations: Readonly<Record<string, Migration>> = { '0001_shop': shop, '0002_simulator': simulator };

const MIGRATION_SCHEMA = 'simulator';
/** Those who start at the same time wait for the first of them here. */
const MIGRATION_LOCK = 7_318_003;

/**
 * Brings the database up to this version of the code; several may start at once. Touches no table that it did not
 * make. Throws an {@link OperatorError} when the database belongs to somebody else or to a newer version.
 *
 * @returns the names of the migrations that were run now
 */
export async function migrate(db: Db, logger: Logger): Promise<readonly string[]> {
  const before = await readCatalog(db);
  const { simulator } = before.access;
  const isMade = before.tables.some(({ schema }) => schema === 'simulator');
  if (isMade) refuse(judgeAccess(before.access));
  // what is in there cannot be looked at
  else if (simulator.exists && !simulator.usage) refuse(judgeCreation(before.access));
  const pending = await pendingMigrations(db);
  if (pending.length === 0) {
    await checkTables(db, before, logger);
    return [];
  }
  const isFresh = (await executedMigrations(db)).length === 0;
  refuse(isFresh ? judgeCreation(before.access) : judgeOwnership(before.access, pending));
  // asked before, as a statement that fails in the transaction of a migration hides why it did;
  // one transaction, and a lock that ends with it: both hold through a pooler in transaction mode
  const done = await db.transaction().execute(async (trx) => {
    await sql`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK}::bigint)`.execute(trx);
    const migrator = new Migrator({
      db: trx,
      provider: { getMigrations: async () => ({ ...migrations }) },
      migrationTableSchema: MIGRATION_SCHEMA,
      migrationTableName: 'migration',
      migrationLockTableName: 'migration_lock',
    });
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
    return (results ?? [])
      .filter((result) => result.status === 'Success')
      .map((result) => result.migrationName);
  });
  if (done.length > 0) logger.info({ migrations: done }, `database migrated: ${done.join(', ')}`);
  await checkTables(db, await readCatalog(db), logger);
  return done;
}

function refuse(lack: Lack | undefined): void {
  if (lack !== undefined) throw new OperatorError(lack.message, { fix: lack.fix });
}

/**
 * The migrations that this database still needs. Throws when it is not one that the simulator may touch: a newer
 * version's, or one whose tables of our names were made by somebody else.
 */
export async function pendingMigrations(db: Db): Promise<readonly string[]> {
  const known = Object.keys(migrations);
  const executed = await executedMigrations(db);
  const newer = executed.filter((name) => !known.includes(name));
  if (newer.length > 0) {
    throw new OperatorError(
      `the database is newer than this version of cdc-sim: it has the migration ${newer.join(', ')}`,
      {
        fix: 'update cdc-sim (git pull && npm ci, or pull the newer image), or point it at another database',
      },
    );
  }
  if (executed.length === 0) await refuseForeignTables(db);
  return known.filter((name) => !executed.includes(name));
}

/** The names of executed migrations; empty for a database that was never migrated. */
export async function executedMigrations(db: Db): Promise<string[]> {
  const table = await sql<{ found: string | null }>`
    SELECT to_regclass(${`${MIGRATION_SCHEMA}.migration`})::text AS found`.execute(db);
  if (table.rows[0]?.found == null) return [];
  const rows = await sql<{ name: string }>`
    SELECT name FROM ${sql.table(`${MIGRATION_SCHEMA}.migration`)} ORDER BY name`.execute(db);
  return rows.rows.map((row) => row.name);
}

async function refuseForeignTables(db: Db): Promise<void> {
  const found = await sql<{ name: string; owner: string }>`
    SELECT c.relname AS name, pg_get_userbyid(c.relowner) AS owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relname = ANY(${sql.val([...publishedTables])}::text[])
    ORDER BY c.relname`.execute(db);
  if (found.rows.length === 0) return;
  // the first starter of several may have migrated between the two looks
  if ((await executedMigrations(db)).length > 0) return;
  const names = found.rows.map((row) => `public.${row.name}`).join(', ');
  throw new OperatorError(
    `this database already has tables of these names that cdc-sim did not make: ${names}`,
    {
      fix: 'use an empty database (CREATE DATABASE loja) and set DB_NAME to it, or rename those tables; nothing was changed',
    },
  );
}
