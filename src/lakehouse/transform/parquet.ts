import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { CATALOG, lakehouseSchemas, quoteIdentifier } from '../raw-schema.ts';

export interface ExportedFile {
  /** `schema.table` */
  readonly table: string;
  readonly path: string;
}

/**
 * Writes every table of the lakehouse to `directory/<schema>/<table>.parquet`, all as of one moment. A file is
 * complete before it takes its name, so that a reader never meets half of one.
 */
export async function exportParquet(
  connection: DuckDBConnection,
  directory: string,
  options: { readonly catalog?: string; readonly schemas?: readonly string[] } = {},
): Promise<ExportedFile[]> {
  const catalog = options.catalog ?? CATALOG;
  const schemas = options.schemas ?? lakehouseSchemas;
  const exported: ExportedFile[] = [];
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    for (const { schema, table } of await tablesOf(connection, catalog, schemas)) {
      await mkdir(join(directory, schema), { recursive: true });
      const path = join(directory, schema, `${table}.parquet`);
      const partial = `${path}.partial`;
      const name = [catalog, schema, table].map(quoteIdentifier).join('.');
      try {
        await connection.run(
          `COPY (FROM ${name}) TO '${partial.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
        );
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
      exported.push({ table: `${schema}.${table}`, path });
    }
  } finally {
    await connection.run('ROLLBACK').catch(() => undefined);
  }
  return exported;
}

async function tablesOf(
  connection: DuckDBConnection,
  catalog: string,
  schemas: readonly string[],
): Promise<{ schema: string; table: string }[]> {
  const reader = await connection.runAndReadAll(
    'SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $1 ORDER BY schema_name, table_name',
    [catalog],
  );
  return reader
    .getRows()
    .map(([schema, table]) => ({ schema: String(schema), table: String(table) }))
    .filter(({ schema }) => schemas.includes(schema));
}
