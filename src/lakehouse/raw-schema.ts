import { UsageError } from '../lib/errors.ts';

/** The attached DuckDB database that plays the part of the Databricks catalog, and its schemas. */
export const CATALOG = 'lakehouse';
export const lakehouseSchemas = ['raw', 'bronze', 'silver', 'gold'] as const;
export type LakehouseSchema = (typeof lakehouseSchemas)[number];

/** A column as PostgreSQL describes it: `type` is what `format_type(atttypid, atttypmod)` prints. */
export interface SourceColumn {
  readonly name: string;
  readonly type: string;
}

/** A source table; every one of ours has the key `id`. */
export interface SourceTable {
  readonly name: string;
  readonly columns: readonly SourceColumn[];
  /** Default: `id`. */
  readonly primaryKey?: readonly string[];
}

/**
 * What Hevo adds to each row, in the order in which raw tables carry it. `__hevo__marked_deleted`: NULL or false means
 * alive. Hevo's products differ in the types (timestamps or epoch milliseconds); here they are timestamps.
 */
export const hevoColumns = [
  { name: '__hevo__ingested_at', duckType: 'TIMESTAMPTZ' },
  { name: '__hevo__loaded_at', duckType: 'TIMESTAMPTZ' },
  { name: '__hevo__source_modified_at', duckType: 'TIMESTAMPTZ' },
  { name: '__hevo__marked_deleted', duckType: 'BOOLEAN' },
] as const;
export type HevoColumn = (typeof hevoColumns)[number]['name'];

const plainTypes: Readonly<Record<string, string>> = {
  bigint: 'BIGINT',
  integer: 'INTEGER',
  smallint: 'SMALLINT',
  boolean: 'BOOLEAN',
  date: 'DATE',
  text: 'VARCHAR',
  real: 'FLOAT',
  'double precision': 'DOUBLE',
  'timestamp with time zone': 'TIMESTAMPTZ',
  'timestamp without time zone': 'TIMESTAMP',
};

/**
 * The DuckDB type of a source column. Whatever has no counterpart (uuid, enum, json, interval, arrays) becomes text,
 * as it does at Hevo; numeric without precision becomes text too, because no DECIMAL can hold every value of it.
 */
export function duckType(postgresType: string): string {
  const type = postgresType.trim().toLowerCase();
  const plain = plainTypes[type];
  if (plain !== undefined) return plain;
  const numeric = /^numeric\((\d+)(?:,(-?\d+))?\)$/.exec(type);
  if (numeric !== null) {
    const precision = Number(numeric[1]);
    const scale = Number(numeric[2] ?? 0);
    if (precision <= 38 && scale >= 0 && scale <= precision) return `DECIMAL(${precision},${scale})`;
  }
  const zoned = /^timestamp(?:\(\d\))? (with|without) time zone$/.exec(type);
  if (zoned !== null) return zoned[1] === 'with' ? 'TIMESTAMPTZ' : 'TIMESTAMP';
  return 'VARCHAR';
}

/** An identifier as DuckDB and PostgreSQL take it. */
export function quoteIdentifier(name: string): string {
  if (name === '') throw new UsageError('a column or table has an empty name', 'rename it in the source');
  return `"${name.replaceAll('"', '""')}"`;
}

/** `lakehouse.raw."pedidos"`; `catalog` differs where a test attaches the lakehouse under another name. */
export function rawTableName(table: string, catalog: string = CATALOG): string {
  return `${quoteIdentifier(catalog)}.raw.${quoteIdentifier(table)}`;
}

/** Makes the four schemas. */
export function schemasDdl(catalog: string = CATALOG): string {
  return lakehouseSchemas
    .map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(catalog)}.${schema};`)
    .join('\n');
}

/**
 * The table that Hevo would make of a source table: its columns, Hevo's four, and its primary key. Only the key is
 * NOT NULL: a soft-deleted row whose insert was never seen carries nothing else.
 */
export function rawTableDdl(table: SourceTable, catalog: string = CATALOG): string {
  const key = table.primaryKey ?? ['id'];
  const columns = [
    ...table.columns.map((column) => `${quoteIdentifier(column.name)} ${duckType(column.type)}`),
    ...hevoColumns.map((column) => `${quoteIdentifier(column.name)} ${column.duckType}`),
    ...(key.length === 0 ? [] : [`PRIMARY KEY (${key.map(quoteIdentifier).join(', ')})`]),
  ];
  return `CREATE TABLE IF NOT EXISTS ${rawTableName(table.name, catalog)} (\n  ${columns.join(',\n  ')}\n)`;
}

/** Adds a column that appeared in the source later; rows already there keep NULL, as Hevo leaves them. */
export function addColumnDdl(table: string, column: SourceColumn, catalog: string = CATALOG): string {
  return `ALTER TABLE ${rawTableName(table, catalog)} ADD COLUMN IF NOT EXISTS ${quoteIdentifier(column.name)} ${duckType(column.type)}`;
}

/**
 * Lists the columns of the tables in `$1` (text[]) of schema `public`: table_name, column_name, type, in the source's
 * order. Generated columns are left out: PostgreSQL before 18 does not publish them.
 */
export const SOURCE_COLUMNS_SQL = `
  SELECT c.relname AS table_name, a.attname AS column_name, format_type(a.atttypid, a.atttypmod) AS type
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relname = ANY ($1::text[]) AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attgenerated = ''
  ORDER BY c.relname, a.attnum`;
