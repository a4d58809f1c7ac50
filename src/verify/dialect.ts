/** What a column holds, as far as its canonical text is concerned. */
export type ColumnKind =
  | { readonly kind: 'integer' }
  /** `scale`: digits after the point, as declared at the source. */
  | { readonly kind: 'numeric'; readonly scale: number }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'date' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'text' };

export interface Column {
  readonly name: string;
  readonly type: ColumnKind;
}

/** A published table as the source declares it: the measure for both sides. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly Column[];
}

/** Every published table has this primary key. */
export const KEY = 'id';
/** When a row was written, when it was changed last: wall clock of the source. */
export const CREATED = 'criado_em';
export const CHANGED = 'atualizado_em';
/** Hevo's soft delete: NULL and false mean alive. */
export const HEVO_DELETED = '__hevo__marked_deleted';

/** Between two columns' texts: a character that no text of the shop can hold. */
export const SEPARATOR_CODE = 31;
/** Stands for NULL: no value of a column can be this one character. */
export const NULL_CODE = 1;

/**
 * How an engine writes what the checksum is made of. All functions return SQL; two dialects agree when their
 * expressions give the same text for the same value.
 */
export interface Dialect {
  readonly name: string;
  /** Quotes an identifier. */
  quote(name: string): string;
  /**
   * The canonical text of a column, NULL where the value is NULL: integers in decimal; numerics with exactly the
   * declared scale (more digits only where they are not zero); times in UTC as `YYYY-MM-DD HH:MM:SS.ffffff`;
   * dates as `YYYY-MM-DD`; booleans `true`/`false`; text as it is.
   */
  canonical(expression: string, type: ColumnKind): string;
  /** Hexadecimal md5 (lower case) of the UTF-8 bytes of a text expression. */
  md5(expression: string): string;
  /** Exact sum, as text, of the first 60 bits of the hexadecimal hashes in `expression`; NULL over no rows. */
  sumOf60Bits(expression: string): string;
  /** Whole number of the division of two non-negative whole numbers. */
  divide(dividend: string, divisor: number): string;
  /** A text of one character, by its code. */
  character(code: number): string;
  /** Casts to text. */
  text(expression: string): string;
}

/** PostgreSQL, with the session's TimeZone set to UTC (then timestamps without time zone read as UTC, too). */
export const postgresDialect: Dialect = {
  name: 'postgres',
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  canonical: (expression, type) => {
    switch (type.kind) {
      case 'numeric':
        return numericText(expression, type.scale, 'numeric', (inner) => `(${inner})::text`);
      case 'timestamp':
        return `to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;
      case 'date':
        return `to_char(${expression}, 'YYYY-MM-DD')`;
      default:
        return `${expression}::text`;
    }
  },
  md5: (expression) => `md5(${expression})`,
  sumOf60Bits: (expression) => `sum(('x' || substr(${expression}, 1, 15))::bit(60)::bigint)::text`,
  divide: (dividend, divisor) => `(${dividend}) / ${divisor}`,
  character: (code) => `chr(${code})`,
  text: (expression) => `(${expression})::text`,
};

/** Databricks SQL, with the session's TIMEZONE set to UTC. */
export const databricksDialect: Dialect = {
  name: 'databricks',
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  canonical: (expression, type) => {
    switch (type.kind) {
      case 'numeric':
        return numericText(expression, type.scale, 'DECIMAL(38, 10)', (inner) => `CAST(${inner} AS STRING)`);
      case 'timestamp':
        return `date_format(${expression}, 'yyyy-MM-dd HH:mm:ss.SSSSSS')`;
      case 'date':
        return `date_format(${expression}, 'yyyy-MM-dd')`;
      default:
        return `CAST(${expression} AS STRING)`;
    }
  },
  md5: (expression) => `md5(${expression})`,
  sumOf60Bits: (expression) =>
    `CAST(sum(CAST(conv(substr(${expression}, 1, 15), 16, 10) AS DECIMAL(38, 0))) AS STRING)`,
  divide: (dividend, divisor) => `(${dividend}) DIV ${divisor}`,
  character: (code) => `chr(${code})`,
  text: (expression) => `CAST(${expression} AS STRING)`,
};

/** DuckDB, with the session's TimeZone set to UTC. */
export const duckdbDialect: Dialect = {
  name: 'duckdb',
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  canonical: (expression, type) => {
    switch (type.kind) {
      case 'numeric':
        return numericText(expression, type.scale, 'DECIMAL(38, 10)', (inner) => `CAST(${inner} AS VARCHAR)`);
      case 'timestamp':
        return `strftime(${expression}, '%Y-%m-%d %H:%M:%S.%f')`;
      case 'date':
        return `strftime(${expression}, '%Y-%m-%d')`;
      default:
        return `CAST(${expression} AS VARCHAR)`;
    }
  },
  md5: (expression) => `md5(${expression})`,
  sumOf60Bits: (expression) =>
    `CAST(sum(CAST(('0x' || substr(${expression}, 1, 15)) AS UBIGINT)) AS VARCHAR)`,
  divide: (dividend, divisor) => `(${dividend}) // ${divisor}`,
  character: (code) => `chr(${code})`,
  text: (expression) => `CAST(${expression} AS VARCHAR)`,
};

/** The declared scale where that loses nothing, else all the digits there are: an altered thousandth must show. */
function numericText(
  expression: string,
  scale: number,
  wide: string,
  text: (inner: string) => string,
): string {
  const whole = `CAST(${expression} AS ${wide})`;
  const declared =
    wide === 'numeric' ? `round(${whole}, ${scale})` : `CAST(${expression} AS DECIMAL(38, ${scale}))`;
  return `CASE WHEN ${whole} = ${declared} THEN ${text(declared)} ELSE ${text(whole)} END`;
}
