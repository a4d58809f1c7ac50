import type pg from 'pg';
import { messageOf } from '../lib/errors.ts';
import { identifier } from '../lib/sql-text.ts';
import type { Ask } from './fact-reader.ts';
import type { ReaderFacts, RoleFacts, RowSecurityProbe, TimeoutName } from './facts.ts';
import { timeoutNames } from './facts.ts';
import { publicTable } from './format.ts';

interface RoleRow {
  name: string;
  superuser: boolean;
  replication: boolean;
  login: boolean;
  bypass: boolean;
  createrole: boolean;
  connection_limit: number;
  expired: boolean;
  rds: boolean;
}

const ROLE = `
  SELECT r.rolname::text AS name, r.rolsuper AS superuser, r.rolreplication AS replication, r.rolcanlogin AS login,
    r.rolbypassrls AS bypass, r.rolcreaterole AS createrole, r.rolconnlimit AS connection_limit,
    coalesce(r.rolvaliduntil <= clock_timestamp(), false) AS expired,
    EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
      WHERE m.member = r.oid AND g.rolname = 'rds_replication') AS rds
  FROM pg_roles r WHERE r.rolname = `;

function toRole(row: RoleRow | undefined): RoleFacts | null {
  if (row === undefined) return null;
  return {
    name: row.name,
    superuser: row.superuser,
    replication: row.replication,
    login: row.login,
    bypassRls: row.bypass,
    createRole: row.createrole,
    connectionLimit: row.connection_limit,
    expired: row.expired,
    rdsReplication: row.rds,
  };
}

export async function readCurrentRole(ask: Ask): Promise<RoleFacts> {
  const role = toRole((await ask<RoleRow>(`${ROLE} current_user`))[0]);
  if (role === null) throw new Error('the current role is not in pg_roles');
  return role;
}

/** The reader's role, and what it may do with `tables` (those that exist). */
export async function readReader(ask: Ask, name: string, tables: readonly string[]): Promise<ReaderFacts> {
  const role = toRole((await ask<RoleRow>(`${ROLE} $1`, [name]))[0]);
  const nothing = Object.fromEntries(timeoutNames.map((timeout) => [timeout, null])) as Record<
    TimeoutName,
    null
  >;
  if (role === null) {
    return {
      name,
      role,
      canConnect: false,
      schemaUsage: false,
      unreadable: tables,
      futureTables: false,
      timeouts: nothing,
    };
  }
  const [rights] = await ask<{ connect: boolean; usage: boolean; unreadable: string[]; future: boolean }>(
    `SELECT has_database_privilege($1::name, current_database(), 'CONNECT') AS connect,
      has_schema_privilege($1::name, 'public', 'USAGE') AS usage,
      ARRAY(SELECT t FROM unnest($2::text[]) t
        WHERE NOT has_table_privilege($1::name, format('public.%I', t), 'SELECT') ORDER BY t) AS unreadable,
      EXISTS (SELECT FROM pg_default_acl d, aclexplode(d.defaclacl) a
        WHERE d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, 'public'::regnamespace)
          AND d.defaclrole = coalesce((SELECT relowner FROM pg_class WHERE oid = to_regclass('public.pedidos')), current_user::regrole)
          AND a.privilege_type = 'SELECT' AND a.grantee IN (0, $1::regrole)) AS future`,
    [name, [...tables]],
  );
  return {
    name,
    role,
    canConnect: rights?.connect === true,
    schemaUsage: rights?.usage === true,
    unreadable: rights?.unreadable ?? [],
    futureTables: rights?.future === true || role.superuser || (await readsAll(ask, name)),
    timeouts: await readTimeouts(ask, name),
  };
}

/** The owner of the tables reads what it makes; so does a member of `pg_read_all_data` (from 14 on). */
async function readsAll(ask: Ask, name: string): Promise<boolean> {
  const [row] = await ask<{ all: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('public.pedidos') AND pg_get_userbyid(relowner) = $1)
      OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'pg_read_all_data' AND pg_has_role($1::name, g.oid, 'USAGE')) AS all`,
    [name],
  );
  return row?.all === true;
}

/** Settings of the role in this database, of the role, of the database: the narrowest wins. */
async function readTimeouts(ask: Ask, name: string): Promise<Record<TimeoutName, number | null>> {
  const rows = await ask<{ entry: string }>(
    `SELECT unnest(s.setconfig) AS entry FROM pg_db_role_setting s
     WHERE s.setrole IN (0, $1::regrole) AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
     ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC`,
    [name],
  );
  const timeoutOf = (setting: string): number | null => {
    const found = rows.find((row) => row.entry.startsWith(`${setting}=`));
    return found === undefined ? null : parseDurationMs(found.entry.slice(setting.length + 1));
  };
  return {
    statement_timeout: timeoutOf('statement_timeout'),
    idle_in_transaction_session_timeout: timeoutOf('idle_in_transaction_session_timeout'),
    wal_sender_timeout: timeoutOf('wal_sender_timeout'),
  };
}

const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  '': 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration as PostgreSQL takes it (`2min`, `120000`), in ms; null: not understood. */
export function parseDurationMs(text: string): number | null {
  const match = /^\s*'?(\d+(?:\.\d+)?)\s*([a-z]*)'?\s*$/.exec(text);
  const unit = UNITS[match?.[2] ?? '?'];
  return match?.[1] === undefined || unit === undefined ? null : Number(match[1]) * unit;
}

/**
 * Reads a row of each table as the reader, with `row_security = off`: a read that row security would thin out then
 * fails instead. Nothing stays behind. Throws when the current role may not become the reader.
 */
export async function probeRowSecurity(
  client: pg.ClientBase,
  reader: string,
  tables: readonly string[],
): Promise<readonly RowSecurityProbe[]> {
  const probes: RowSecurityProbe[] = [];
  await client.query('BEGIN READ ONLY');
  try {
    await client.query(`SET LOCAL lock_timeout = '2s'`);
    await client.query(`SET LOCAL ROLE ${identifier(reader)}`);
    await client.query('SET LOCAL row_security = off');
    for (const table of tables) {
      await client.query('SAVEPOINT probe');
      try {
        await client.query(`SELECT 1 FROM ${publicTable(table)} LIMIT 1`);
        probes.push({ table, error: null });
      } catch (error) {
        await client.query('ROLLBACK TO SAVEPOINT probe');
        probes.push({ table, error: messageOf(error) });
      }
    }
  } finally {
    await client.query('ROLLBACK');
  }
  return probes;
}
