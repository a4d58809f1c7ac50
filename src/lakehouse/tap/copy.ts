import pg from 'pg';
import type { DatabaseSettings } from '../../config/database.ts';
import type { Logger } from '../../lib/logger.ts';
import type { LandedTable, RowVersion } from './changes.ts';
import type { Landing } from './landing.ts';
import { replicationConfig } from './slot.ts';

const ROWS_PER_FETCH = 4_000;

export interface CopyResult {
  readonly tables: number;
  readonly rows: number;
  readonly ms: number;
}

/** Copies the tables as they were at the exported snapshot; memory holds two pieces of a table at most. */
export async function copyTables(options: {
  readonly settings: DatabaseSettings;
  readonly snapshotName: string;
  readonly tables: readonly LandedTable[];
  readonly landing: Landing;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called once the snapshot is ours: whoever exported it may let go. */
  readonly onImported: () => Promise<void>;
}): Promise<CopyResult> {
  const { tables, landing, logger, signal } = options;
  const started = performance.now();
  const { replication: _, ...config } = replicationConfig(options.settings);
  const client = new pg.Client({ ...config, types: { getTypeParser: () => (value: string) => value } });
  client.on('error', () => undefined);
  await client.connect();
  let rows = 0;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET TRANSACTION SNAPSHOT '${options.snapshotName.replaceAll("'", "''")}'`);
    // with row security a copy would silently lack rows; so it fails instead
    await client.query('SET LOCAL row_security = off');
    await options.onImported();
    for (const table of tables) {
      const copied = await copyTable(client, table, landing, signal);
      rows += copied;
      logger.debug({ event: 'tap.copied', table: table.name, rows: copied }, `copied ${table.name}`);
    }
    await client.query('COMMIT');
  } finally {
    await client.end().catch(() => undefined);
  }
  return { tables: tables.length, rows, ms: Math.round(performance.now() - started) };
}

async function copyTable(
  client: pg.Client,
  table: LandedTable,
  landing: Landing,
  signal: AbortSignal,
): Promise<number> {
  const columns = [...table.columns.keys()];
  const list = columns.map((name) => client.escapeIdentifier(name)).join(', ');
  await client.query(
    `DECLARE copy NO SCROLL CURSOR FOR SELECT ${list} FROM public.${client.escapeIdentifier(table.name)}`,
  );
  const fetch = () =>
    client.query<(string | null)[]>({ text: `FETCH ${ROWS_PER_FETCH} FROM copy`, rowMode: 'array' });
  let total = 0;
  let next = fetch();
  for (;;) {
    signal.throwIfAborted();
    const { rows } = await next;
    if (rows.length === 0) break;
    // the server fetches the next piece while this one is written
    next = fetch();
    next.catch(() => undefined);
    const versions: RowVersion[] = rows.map((row) => ({
      values: Object.fromEntries(columns.map((name, index) => [name, row[index]])),
      deleted: false,
      modifiedAt: 0n,
      inherits: null,
    }));
    const ingestedAt = BigInt(Date.now()) * 1000n;
    await landing.upsert(table, { columns, rows: versions }, ingestedAt);
    total += rows.length;
  }
  await client.query('CLOSE copy');
  return total;
}
