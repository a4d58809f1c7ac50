import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import * as shop from '../../migrations/0001_shop.ts';
import * as simulator from '../../migrations/0002_simulator.ts';
import { OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Db } from './pool.ts';
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
  if ((await pendingMigrations(db)).length === 0) return [];
  await refuseMissingPrivileges(db);
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
  return done;
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

/** Asked before, as a statement that fails in the transaction of a migration hides why it did. */
async function refuseMissingPrivileges(db: Db): Promise<void> {
  const { rows } = await sql<{ database: string; role: string; in_database: boolean; in_public: boolean }>`
    SELECT current_database() AS database, current_user AS role,
      to_regnamespace(${MIGRATION_SCHEMA}) IS NOT NULL
        OR has_database_privilege(current_database(), 'CREATE') AS in_database,
      coalesce(has_schema_privilege(to_regnamespace('public'), 'CREATE'), true) AS in_public`.execute(db);
  const [row] = rows;
  if (row === undefined || (row.in_database && row.in_public)) return;
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const grants = [
    ...(row.in_database ? [] : [`GRANT CREATE ON DATABASE ${quoted(row.database)} TO ${quoted(row.role)};`]),
    ...(row.in_public ? [] : [`GRANT CREATE ON SCHEMA public TO ${quoted(row.role)};`]),
  ];
  throw new OperatorError(`user ${row.role} may not create what the simulator needs in ${row.database}`, {
    fix: `connect as the owner of the database, or let the owner run: ${grants.join(' ')}`,
  });
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
