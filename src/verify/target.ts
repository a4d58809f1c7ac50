import type { TableShape } from './dialect.ts';

/** Number of rows and sum of their hashes in one bucket of keys. */
export interface BucketSum {
  readonly bucket: number;
  readonly count: number;
  /** Exact sum of the first 60 bits of every row's md5, in decimal: compared as text. */
  readonly sum: string;
}

/** Keys from `from` (included) to `to` (excluded). */
export interface KeyRange {
  readonly from: number;
  readonly to: number;
}

export interface RowHash {
  readonly key: number;
  /** md5 over the canonical text of every column compared. */
  readonly hash: string;
}

/** A row in canonical text by column, NULL kept apart. */
export type CanonicalRow = Readonly<Record<string, string | null>>;

export interface EventCount {
  readonly table: string;
  /** `R`: rows of the first copy, in tools that mark them. */
  readonly op: 'I' | 'U' | 'D' | 'R';
  readonly count: number;
}

/**
 * One side of the comparison: whatever holds the published tables and can compute the checksum. The source is one,
 * every target is one. Only what is alive counts: a row that is softly deleted is not there.
 *
 * `sqlSide` (sql-side.ts) implements all of it over a function that runs a query; an engine that speaks SQL needs a
 * {@link Dialect} and that function.
 */
export interface Side {
  /** For messages; without secrets. */
  readonly label: string;
  /** A sensible number of keys for one checksum query: engines with a long answer time want large pieces. */
  readonly keysPerQuery: number;
  /** The columns of those of the tables that exist; a table that does not exist is absent. Names in lower case. */
  columns(tables: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** Smallest and largest key; null when the table has no (living) row. */
  extent(table: TableShape): Promise<{ readonly min: number; readonly max: number } | null>;
  /** Sums by bucket, bucket = (key − range.from) / width; buckets without rows are left out. */
  sums(table: TableShape, range: KeyRange, width: number): Promise<readonly BucketSum[]>;
  /** Every row of the range; a key that is there twice comes twice. */
  hashes(table: TableShape, range: KeyRange): Promise<readonly RowHash[]>;
  /** The rows whose `column` (whole number) is one of `values`. */
  rows(table: TableShape, column: string, values: readonly number[]): Promise<readonly CanonicalRow[]>;
  /** SQL that an operator can paste to see the row on this side. */
  rowSql(table: string, key: number): string;
}

/** Where the changes should have arrived. */
export interface Target extends Side {
  /** Milliseconds to wait between two looks at what has not arrived yet. */
  readonly pollMs: number;
  /** True when the target has columns of soft deletes that are not being honoured: then `--hevo` is missing. */
  readonly unusedSoftDeletes: boolean;
  /** Change events by table and operation, for targets that append every event. Tables without are left out. */
  eventCounts?(tables: readonly string[]): Promise<readonly EventCount[]>;
  close(): Promise<void>;
}

/** What the operator said about the target. */
export interface TargetOptions {
  /** As it was typed: `postgres://…`, `databricks://host/httpPath?catalog=…&schema=…`, `duckdb:path`. */
  readonly target: string;
  readonly schema: string | undefined;
  /** Hevo's shape: soft deletes and added columns. */
  readonly hevo: boolean;
  /** Who we are at Databricks; from the environment. */
  readonly databricks: DatabricksCredentials;
}

export interface DatabricksCredentials {
  readonly token: string | undefined;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
}

/** Opens a target; throws an OperatorError with the fix when it cannot be reached (exit 1) or named (exit 2). */
export type OpenTarget = (options: TargetOptions) => Promise<Target>;
