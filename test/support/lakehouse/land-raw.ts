import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { publishedTables } from '../../../src/db/schema.ts';
import {
  duckType,
  quoteIdentifier,
  rawTableDdl,
  rawTableName,
  SOURCE_COLUMNS_SQL,
  type SourceColumn,
  schemasDdl,
} from '../../../src/lakehouse/raw-schema.ts';

export interface LocalLakehouse {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  close(): void;
}

/** A DuckDB in memory with the database `lakehouse` and its schemas. */
export async function createLakehouse(): Promise<LocalLakehouse> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run("ATTACH ':memory:' AS lakehouse");
  await connection.run(schemasDdl());
  return {
    instance,
    connection,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/**
 * Lands every published table as a full load would, in the shape that Hevo leaves: rows upserted by key, rows that are
 * gone from the source marked as deleted and kept. `client` should hold one snapshot (REPEATABLE READ).
 */
export async function landRaw(client: pg.ClientBase, connection: DuckDBConnection): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'land-raw-'));
  try {
    const { rows } = await client.query<{ table_name: string; column_name: string; type: string }>(
      SOURCE_COLUMNS_SQL,
      [publishedTables],
    );
    for (const table of publishedTables) {
      const columns = rows
        .filter((row) => row.table_name === table)
        .map((row) => ({ name: row.column_name, type: row.type }));
      const file = join(directory, `${table}.csv`);
      const list = columns.map((column) => quoteIdentifier(column.name)).join(', ');
      await pipeline(
        client.query(copyTo(`COPY (SELECT ${list} FROM public.${table}) TO STDOUT (FORMAT csv)`)),
        createWriteStream(file),
      );
      await landFile(connection, table, columns, file);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function landFile(
  connection: DuckDBConnection,
  table: string,
  columns: readonly SourceColumn[],
  file: string,
): Promise<void> {
  const raw = rawTableName(table);
  await connection.run(rawTableDdl({ name: table, columns }));
  const types = columns.map((column) => `'${column.name}': '${duckType(column.type)}'`).join(', ');
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE staging AS FROM read_csv('${file}', columns = {${types}}, header = false,
      auto_detect = false, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false)`,
  );
  await connection.run(
    `UPDATE ${raw} SET __hevo__marked_deleted = TRUE WHERE id NOT IN (SELECT id FROM staging)`,
  );
  // alive is NULL for some rows and false for others: both occur in Hevo's tables
  await connection.run(
    `INSERT OR REPLACE INTO ${raw} SELECT *, atualizado_em, atualizado_em, atualizado_em,
      CASE WHEN id % 2 = 0 THEN FALSE END FROM staging`,
  );
}
