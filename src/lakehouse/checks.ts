import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DATABRICKS_DIR, readSqlFiles } from './transform/load.ts';
import { prepareConnection } from './transform/refresh.ts';
import { translateQuery } from './transform/translate.ts';

export interface CheckResult {
  /** The file's name, as in `databricks/checks`. */
  readonly file: string;
  /** Rows that should not be there; 0 is healthy. */
  readonly rows: number;
  /** The first of them, as text, to show what is wrong. */
  readonly example: string | null;
}

/** Runs `databricks/checks/*.sql` on the local lakehouse. Each returns no rows when all is well. */
export async function runChecks(
  connection: DuckDBConnection,
  options: { readonly catalog?: string; readonly directory?: string } = {},
): Promise<CheckResult[]> {
  await prepareConnection(connection);
  const results: CheckResult[] = [];
  const catalog = options.catalog === undefined ? {} : { catalog: options.catalog };
  for (const { file, text } of await readSqlFiles(options.directory ?? join(DATABRICKS_DIR, 'checks'))) {
    const sql = translateQuery(text, { file: `checks/${file}`, ...catalog });
    const reader = await connection.runAndReadAll(
      `SELECT count(*), any_value(CAST(found AS VARCHAR)) FROM (${sql}) AS found`,
    );
    const [rows, example] = reader.getRows()[0] ?? [];
    results.push({ file, rows: Number(rows ?? 0), example: typeof example === 'string' ? example : null });
  }
  return results;
}
