import pg from 'pg';
import { type DatabaseSettings, settingsFromUrl } from '../../config/database.ts';
import { clientConfig } from '../../db/pool.ts';
import { SESSION_OPTIONS } from '../../db/session.ts';
import { messageOf, OperatorError, UsageError } from '../../lib/errors.ts';
import { parseSchema } from '../arguments.ts';
import { postgresDialect } from '../dialect.ts';
import { type RunSql, sqlSide } from '../sql-side.ts';
import type { OpenTarget } from '../target.ts';

const KEYS_PER_QUERY = 100_000;
const POLL_MS = 100;
const CONNECTIONS = 2;

/** Reads query by query from a pool whose sessions think in UTC and cannot write. */
export function readOnlyPool(settings: DatabaseSettings, size: number): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(settings, 'cdc-sim verify'),
    max: size,
    options: `${SESSION_OPTIONS} -c TimeZone=UTC -c default_transaction_read_only=on -c statement_timeout=600000`,
  });
  // a connection that breaks while idle is found out by the next query
  pool.on('error', () => undefined);
  return pool;
}

/** Runs a statement, and says in what it failed. */
export function runOn(pool: pg.Pool): RunSql {
  return async (sql) => (await pool.query<Record<string, unknown>>(sql)).rows;
}

/** Any PostgreSQL downstream: a subscriber, or what a tool loads into. */
export const openPostgresTarget: OpenTarget = async (options) => {
  const { settings, schema } = postgresAddress(options.target);
  const pool = readOnlyPool(settings, CONNECTIONS);
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    await pool.end();
    throw new OperatorError(
      `cannot reach the target ${settings.host}:${settings.port}/${settings.database}: ${messageOf(error)}`,
      { fix: 'check host, port, user and password of --target, and that the server runs', cause: error },
    );
  }
  const name = options.schema ?? schema ?? 'public';
  const side = sqlSide({
    label: `postgres://${settings.host}:${settings.port}/${settings.database}, schema ${name}`,
    dialect: postgresDialect,
    run: runOn(pool),
    schema: [name],
    keysPerQuery: KEYS_PER_QUERY,
    softDeletes: options.hevo,
  });
  return Object.assign(side, { pollMs: POLL_MS, close: () => pool.end() });
};

/** Where and which schema a `postgres://` target is; throws a UsageError when it is none. */
export function postgresAddress(text: string): { settings: DatabaseSettings; schema: string | null } {
  const errors: string[] = [];
  const settings = settingsFromUrl('--target', text, errors);
  if (settings === null) {
    throw new UsageError(errors.join('; '), '--target postgres://user:password@host:5432/database');
  }
  const schema = new URL(text).searchParams.get('schema');
  return { schema: schema === null ? null : parseSchema('schema', schema), settings };
}
