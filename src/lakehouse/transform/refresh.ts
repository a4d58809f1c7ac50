import type { DuckDBConnection } from '@duckdb/node-api';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import { CATALOG, quoteIdentifier, schemasDdl } from '../raw-schema.ts';
import type { Expectation, Transformation } from './header.ts';
import { loadTransformations } from './load.ts';
import { macrosSql } from './macros.ts';
import { translateCondition, translateQuery } from './translate.ts';

export interface RefreshOptions {
  /** In dependency order; default: those that ship to Databricks. */
  readonly transformations?: readonly Transformation[];
  /** The attached database; default `lakehouse`. */
  readonly catalog?: string;
  /** Aborted: the refresh ends before its next table and leaves everything as it was. */
  readonly signal?: AbortSignal;
}

export interface ViolationCount {
  readonly expectation: string;
  readonly action: Expectation['onViolation'];
  /** Rows for which the condition was not true. */
  readonly rows: number;
}

export interface RefreshedTable {
  /** `schema.table` */
  readonly name: string;
  readonly rows: number;
  readonly droppedRows: number;
  /** Expectations with at least one violation. */
  readonly violations: readonly ViolationCount[];
  readonly ms: number;
}

export interface RefreshReport {
  readonly tables: readonly RefreshedTable[];
  readonly ms: number;
}

/** Time zone and macros that translated SQL relies on; once for a connection. */
export async function prepareConnection(connection: DuckDBConnection): Promise<void> {
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(macrosSql);
}

/**
 * Rebuilds every table above raw, in one transaction: raw is read at one moment, and whoever reads meanwhile sees all
 * tables as they were, then all as they are. An expectation with FAIL UPDATE ends the whole refresh with an
 * OperatorError; nothing changes then.
 *
 * @param connection one that nobody else uses meanwhile
 */
export async function refresh(
  connection: DuckDBConnection,
  options: RefreshOptions = {},
): Promise<RefreshReport> {
  const started = performance.now();
  const transformations = options.transformations ?? (await loadTransformations());
  const catalog = options.catalog ?? CATALOG;
  await prepareConnection(connection);
  await connection.run('BEGIN TRANSACTION');
  try {
    await connection.run(schemasDdl(catalog));
    const tables: RefreshedTable[] = [];
    for (const transformation of transformations) {
      options.signal?.throwIfAborted();
      tables.push(await rebuild(connection, transformation, catalog));
    }
    await connection.run('COMMIT');
    return { tables, ms: performance.now() - started };
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function rebuild(
  connection: DuckDBConnection,
  transformation: Transformation,
  catalog: string,
): Promise<RefreshedTable> {
  const started = performance.now();
  const { file, schema, table, expectations } = transformation;
  const name = [catalog, schema, table].map(quoteIdentifier).join('.');
  const query = translateQuery(transformation.body, { file, catalog });
  try {
    await connection.run(`CREATE OR REPLACE TABLE ${name} AS ${query}`);
  } catch (error) {
    throw new OperatorError(`${file} failed: ${messageOf(error)}`, {
      fix: 'if a raw table is missing, let the tap land it first (npm run sim -- lakehouse); else correct the SQL of the file',
      cause: error,
    });
  }
  if (transformation.comment !== null) {
    await connection.run(`COMMENT ON TABLE ${name} IS '${transformation.comment.replaceAll("'", "''")}'`);
  }
  const conditions = expectations.map((expectation) => translateCondition(expectation.condition, file));
  const counts = await countViolations(connection, name, conditions);
  const violations = expectations
    .map((expectation, index) => ({
      expectation: expectation.name,
      action: expectation.onViolation,
      rows: counts.violations[index] ?? 0,
    }))
    .filter((violation) => violation.rows > 0);
  const fatal = violations.find((violation) => violation.action === 'fail');
  if (fatal !== undefined) {
    const { condition } = expectations.find(({ name: other }) => other === fatal.expectation) ?? {};
    throw new OperatorError(
      `${schema}.${table}: ${fatal.rows} rows violate ${fatal.expectation}, which must hold`,
      { fix: `look at the rows for which (${condition}) is not true, and repair what fed them (${file})` },
    );
  }
  const dropped = await dropViolating(
    connection,
    name,
    conditions.filter((_, index) => expectations[index]?.onViolation === 'drop'),
    violations.some((violation) => violation.action === 'drop'),
  );
  return {
    name: `${schema}.${table}`,
    rows: counts.rows - dropped,
    droppedRows: dropped,
    violations,
    ms: performance.now() - started,
  };
}

async function countViolations(
  connection: DuckDBConnection,
  name: string,
  conditions: readonly string[],
): Promise<{ rows: number; violations: number[] }> {
  const counts = [
    'count(*)',
    ...conditions.map((condition) => `count(*) FILTER ((${condition}) IS NOT TRUE)`),
  ];
  const reader = await connection.runAndReadAll(`SELECT ${counts.join(', ')} FROM ${name}`);
  const [rows = 0, ...violations] = (reader.getRows()[0] ?? []).map(Number);
  return { rows, violations };
}

async function dropViolating(
  connection: DuckDBConnection,
  name: string,
  conditions: readonly string[],
  needed: boolean,
): Promise<number> {
  if (!needed) return 0;
  const all = conditions.map((condition) => `(${condition})`).join(' AND ');
  const result = await connection.run(`DELETE FROM ${name} WHERE (${all}) IS NOT TRUE`);
  return result.rowsChanged;
}
