import type { DatabaseSettings } from '../config/database.ts';
import { judgeSequences } from '../db/contents.ts';
import type { Connections, Db } from '../db/pool.ts';
import { readCatalog, readSequences } from '../db/read-catalog.ts';
import { publishedTables } from '../db/schema.ts';
import { type Difference, judgeShape } from '../db/shape.ts';
import { delay } from '../lib/backoff.ts';
import { type Ask, askOf, fact } from './fact-reader.ts';
import type {
  ActivityFacts,
  Fact,
  Facts,
  GrowthFacts,
  PublicationFacts,
  ServerFacts,
  SlotFacts,
  SpillFacts,
  TableFacts,
  TransactionFacts,
} from './facts.ts';
import { growthPerHour } from './growth.ts';
import { probeRowSecurity, readCurrentRole, readReader } from './read-reader.ts';
import { readStoredSamples } from './storage-guard.ts';

export interface ReadOptions {
  readonly publication: string;
  readonly readerRole: string;
  /** Over how long the WAL rate is taken. */
  readonly walWindowMs?: number;
}

const HERE = `CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END`;

/** Reads everything that is judged, each fact by itself: one that is out of reach does not hide the others. */
export async function readFacts(
  connections: Connections,
  settings: DatabaseSettings,
  options: ReadOptions,
): Promise<Facts> {
  const ask = askOf(connections.db);
  const walStart = await fact(() => readWalPosition(ask));
  const walStartMs = performance.now();
  const tables = await fact(() => readTables(ask));
  const present = tables.known ? tables.value.map((table) => table.name) : [];
  const reader = await fact(() => readReader(ask, options.readerRole, present));
  const server = await fact(() => readServer(ask));
  return {
    address: { host: settings.host, port: settings.port, user: settings.user },
    server,
    tls: await fact(() => readTls(ask)),
    currentRole: await fact(() => readCurrentRole(ask)),
    platformRoles: await fact(() => readPlatformRoles(ask)),
    tables,
    shape: await fact(() => readShape(connections.db)),
    reader,
    rowSecurity: await fact(async () => {
      if (!reader.known) throw new Error(reader.reason);
      if (reader.value.role === null) throw new Error(`there is no role ${options.readerRole}`);
      const { unreadable } = reader.value;
      return probeAsReader(
        connections,
        options.readerRole,
        present.filter((table) => !unreadable.includes(table)),
      );
    }),
    publication: await fact(() => readPublication(ask, options.publication)),
    slots: await fact(() => readSlots(ask)),
    walSenders: await fact(() => readWalSenders(ask)),
    activity: await fact(() => readActivity(ask)),
    spill: await fact(() => readSpill(ask)),
    growth: await fact(() => readGrowth(connections, ask, server)),
    walPerHour: await fact(async () => {
      if (!walStart.known) throw new Error(walStart.reason);
      await delay(Math.max((options.walWindowMs ?? 2_000) - (performance.now() - walStartMs), 0));
      const bytes = (await readWalPosition(ask)) - walStart.value;
      return (bytes * 3_600_000) / (performance.now() - walStartMs);
    }),
  };
}

async function probeAsReader(connections: Connections, reader: string, tables: readonly string[]) {
  const client = await connections.pool.connect();
  let broken: Error | undefined;
  try {
    return await probeRowSecurity(client, reader, tables);
  } catch (error) {
    broken = error instanceof Error && /terminat|ECONN|read timeout/i.test(error.message) ? error : undefined;
    throw error;
  } finally {
    client.release(broken);
  }
}

async function readWalPosition(ask: Ask): Promise<number> {
  const [row] = await ask<{ bytes: number }>(`SELECT pg_wal_lsn_diff(${HERE}, '0/0')::float8 AS bytes`);
  return row?.bytes ?? 0;
}

async function readServer(ask: Ask): Promise<ServerFacts> {
  const sentMs = Date.now();
  const [clock] = await ask<{ now_ms: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now_ms',
  );
  const receivedMs = Date.now();
  const [row] = await ask<{
    number: number;
    version: string;
    recovery: boolean;
    encoding: string;
    database: string;
  }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
      pg_is_in_recovery() AS recovery, current_setting('server_encoding') AS encoding, current_database()::text AS database`,
  );
  if (row === undefined || clock === undefined) throw new Error('the server said nothing about itself');
  const size = await fact(async () => {
    const [sized] = await ask<{ bytes: number }>(
      'SELECT pg_database_size(current_database())::float8 AS bytes',
    );
    return sized?.bytes ?? 0;
  });
  // a value that holds for this session alone says nothing of the reader's
  const settings = await ask<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[])
      AND source NOT IN ('database', 'user', 'database user', 'client', 'session')`,
    [
      [
        'wal_level',
        'max_replication_slots',
        'max_wal_senders',
        'max_slot_wal_keep_size',
        'wal_sender_timeout',
        'statement_timeout',
        'idle_in_transaction_session_timeout',
        'logical_decoding_work_mem',
      ],
    ],
  );
  return {
    versionNumber: row.number,
    version: row.version,
    inRecovery: row.recovery,
    encoding: row.encoding,
    database: row.database,
    databaseBytes: size.known ? size.value : null,
    clockOffsetMs: clock.now_ms - (sentMs + receivedMs) / 2,
    roundTripMs: receivedMs - sentMs,
    settings: Object.fromEntries(settings.map((setting) => [setting.name, setting.setting])),
  };
}

async function readTls(ask: Ask): Promise<boolean> {
  const [row] = await ask<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  if (row === undefined) throw new Error('pg_stat_ssl does not show this connection');
  return row.ssl;
}

async function readPlatformRoles(ask: Ask): Promise<readonly string[]> {
  const rows = await ask<{ name: string }>(
    `SELECT rolname::text AS name FROM pg_roles
     WHERE rolname IN ('rds_replication', 'rds_superuser', 'supabase_admin', 'cloudsqlsuperuser', 'azure_pg_admin') ORDER BY 1`,
  );
  return rows.map((row) => row.name);
}

async function readTables(ask: Ask): Promise<readonly TableFacts[]> {
  return ask<TableFacts>(
    `SELECT c.relname::text AS name, c.relkind::text AS kind, c.relpersistence::text AS persistence,
      c.relreplident::text AS "replicaIdentity", c.relrowsecurity AS "rowSecurity",
      c.relforcerowsecurity AS "forceRowSecurity", pg_get_userbyid(c.relowner)::text AS owner,
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid) AS "hasPrimaryKey",
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid) AS "identityIndexValid",
      CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_relation_size(c.reltoastrelid) END::float8 AS "toastBytes",
      coalesce((SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'kind', t.typtype, 'isArray', t.typcategory = 'A', 'generated', a.attgenerated <> '',
          'outOfLine', a.attstorage IN ('x', 'e')) ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns
     FROM unnest($1::text[]) WITH ORDINALITY AS e (name, nr)
     JOIN pg_class c ON c.relname = e.name AND c.relnamespace = 'public'::regnamespace ORDER BY e.nr`,
    [[...publishedTables]],
  );
}

async function readShape(db: Db): Promise<readonly Difference[] | null> {
  const { tables } = await readCatalog(db);
  if (tables.length === 0) return null;
  const shape = judgeShape(tables);
  // a table that is not there or not as it should be is not read
  return shape.some(({ level }) => level === 'fail')
    ? shape
    : [...shape, ...judgeSequences(await readSequences(db))];
}

async function readPublication(ask: Ask, name: string): Promise<PublicationFacts | null> {
  const [row] = await ask<Omit<PublicationFacts, 'tables' | 'rowFilters' | 'columnLists'>>(
    `SELECT pubname::text AS name, puballtables AS "allTables", pubinsert AS insert, pubupdate AS update,
      pubdelete AS delete, pubtruncate AS truncate, coalesce((to_jsonb(p) ->> 'pubviaroot')::boolean, false) AS "viaRoot"
     FROM pg_publication p WHERE pubname = $1`,
    [name],
  );
  if (row === undefined) return null;
  const tables = await ask<{ table: string }>(
    `SELECT schemaname || '.' || tablename AS table FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1`,
    [name],
  );
  // filters and column lists came with 15: asked for by name they would be an error before
  const restricted = await ask<{ table: string; filtered: boolean; listed: boolean }>(
    `SELECT n.nspname || '.' || c.relname AS table, to_jsonb(r) ->> 'prqual' IS NOT NULL AS filtered,
      to_jsonb(r) ->> 'prattrs' IS NOT NULL AS listed
     FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid JOIN pg_class c ON c.oid = r.prrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = $1 ORDER BY 1`,
    [name],
  );
  return {
    ...row,
    tables: tables.map((table) => table.table),
    rowFilters: restricted.filter((table) => table.filtered).map((table) => table.table),
    columnLists: restricted.filter((table) => table.listed).map((table) => table.table),
  };
}

async function readSlots(ask: Ask): Promise<readonly SlotFacts[]> {
  return ask<SlotFacts>(
    `SELECT s.slot_name::text AS name, s.database::text, s.slot_type = 'logical' AS logical, s.active, s.temporary,
      to_jsonb(s) ->> 'wal_status' AS "walStatus", pg_wal_lsn_diff(${HERE}, s.restart_lsn)::float8 AS "retainedBytes",
      CASE WHEN NOT s.active THEN extract(epoch FROM clock_timestamp() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::float8 / 3600 END AS "idleHours"
     FROM pg_replication_slots s ORDER BY s.slot_name`,
  );
}

async function readWalSenders(ask: Ask): Promise<number> {
  const [row] = await ask<{ senders: number }>('SELECT count(*)::int AS senders FROM pg_stat_replication');
  return row?.senders ?? 0;
}

/** A transaction of another database holds a slot back only once it has written (has a transaction id). */
async function readActivity(ask: Ask): Promise<ActivityFacts> {
  const running = await ask<TransactionFacts & { visible: boolean }>(
    `SELECT pid, NULL AS "preparedAs", coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::float8 AS "ageSeconds",
      coalesce(state, '') AS state, coalesce(application_name, '') AS application,
      query IS DISTINCT FROM '<insufficient privilege>' AS visible
     FROM pg_stat_activity
     WHERE pid <> pg_backend_pid() AND coalesce(backend_type, 'client backend') = 'client backend'
       AND (datname = current_database() OR backend_xid IS NOT NULL)`,
  );
  const prepared = await ask<TransactionFacts>(
    `SELECT NULL AS pid, gid AS "preparedAs", extract(epoch FROM clock_timestamp() - prepared)::float8 AS "ageSeconds",
      'prepared' AS state, '' AS application FROM pg_prepared_xacts WHERE database = current_database()`,
  );
  return {
    transactions: [
      ...running
        .filter((row) => row.visible && row.ageSeconds > 0)
        .map(({ visible: _visible, ...row }) => row),
      ...prepared,
    ],
    hidden: running.filter((row) => !row.visible).length,
  };
}

async function readSpill(ask: Ask): Promise<readonly SpillFacts[]> {
  const [view] = await ask<{ found: boolean }>(
    `SELECT to_regclass('pg_catalog.pg_stat_replication_slots') IS NOT NULL AS found`,
  );
  if (view?.found !== true) throw new Error('this server does not count it (from version 14 on)');
  return ask<SpillFacts>(
    `SELECT t.slot_name::text AS slot, t.spill_count::float8 AS "spillCount", t.spill_bytes::float8 AS "spillBytes"
     FROM pg_stat_replication_slots t JOIN pg_replication_slots s USING (slot_name)
     WHERE s.database = current_database() ORDER BY 1`,
  );
}

const DAY_MS = 86_400_000;

async function readGrowth(
  connections: Connections,
  ask: Ask,
  server: Fact<ServerFacts>,
): Promise<GrowthFacts> {
  const [here] = await ask<{ found: boolean }>(
    `SELECT to_regclass('simulator.settings') IS NOT NULL AS found`,
  );
  const bytes = server.known ? server.value.databaseBytes : null;
  if (here?.found !== true || !server.known || bytes === null) return { bytesPerDay: null };
  const now = { atMs: Date.now() + server.value.clockOffsetMs, bytes };
  const samples = (await readStoredSamples(connections.db)).filter((sample) => sample.atMs < now.atMs);
  const perHour = growthPerHour([...samples, now], DAY_MS, 5 * 60_000);
  return { bytesPerDay: perHour === null ? null : perHour * 24 };
}
