import { type DuckDBConnection, StatementType } from '@duckdb/node-api';
import { messageOf, UsageError } from '../lib/errors.ts';

/** More rows than this are refused: an answer has to fit in memory. */
export const MAX_ROWS = 200_000;

/** Values as JSON has them: whole numbers beyond 32 bits, decimals, dates and times come as text. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

const READING: ReadonlySet<StatementType> = new Set([StatementType.SELECT, StatementType.EXPLAIN]);

/**
 * Runs one statement that reads, in a transaction that cannot write. Throws a UsageError for anything else, for wrong
 * SQL, and for answers that are too large.
 *
 * @param connection one that nobody else uses meanwhile
 */
export async function answer(connection: DuckDBConnection, sql: string): Promise<Answer> {
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) {
      throw new UsageError(`${statements.count} statements were given`, 'ask one query at a time');
    }
    const prepared = await statements.prepare(0);
    try {
      if (!READING.has(prepared.statementType)) {
        throw new UsageError(
          `this is no query but ${StatementType[prepared.statementType] ?? 'something else'}: the lakehouse is only read here`,
          'ask with SELECT; the tap and the transformations write',
        );
      }
      const result = await prepared.streamAndReadUntil(MAX_ROWS + 1);
      if (result.currentRowCount > MAX_ROWS) {
        throw new UsageError(
          `the answer has more than ${MAX_ROWS} rows`,
          'add LIMIT, or aggregate; --parquet exports whole tables',
        );
      }
      return { columns: result.deduplicatedColumnNames(), rows: result.getRowsJson() };
    } finally {
      prepared.destroySync();
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(messageOf(error), 'correct the query; SHOW ALL TABLES lists what there is');
  } finally {
    await connection.run('ROLLBACK').catch(() => undefined);
  }
}

/** The rows as objects by column name. */
export function asObjects({ columns, rows }: Answer): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])));
}
