import { type Dialect, HEVO_DELETED, KEY, NULL_CODE, SEPARATOR_CODE, type TableShape } from './dialect.ts';
import type { CanonicalRow, EventCount, KeyRange, Side } from './target.ts';

/** Runs one query and returns its rows as objects; column names in lower case. */
export type RunSql = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export interface SqlSideOptions {
  readonly label: string;
  readonly dialect: Dialect;
  readonly run: RunSql;
  /** Where the tables are, unquoted: `['public']`, `['lakehouse', 'raw']`. */
  readonly schema: readonly string[];
  readonly keysPerQuery: number;
  /** Honour `__hevo__marked_deleted` in the tables that have it. */
  readonly softDeletes: boolean;
}

/** Columns in which tools that append every event keep the operation. */
const OP_COLUMNS = ['__hevo_op_type', '__hevo__op_type', '__op', '_op'];

/** SQL of one side; pure, so that every statement can be looked at in a test. */
export class SqlBuilder {
  readonly #dialect: Dialect;
  readonly #schema: readonly string[];

  constructor(dialect: Dialect, schema: readonly string[]) {
    this.#dialect = dialect;
    this.#schema = schema;
  }

  relation(table: string): string {
    return [...this.#schema, table].map((part) => this.#dialect.quote(part)).join('.');
  }

  /** The text that is hashed: every column in its canonical form, NULL told from empty. */
  rowText(table: TableShape): string {
    const { canonical, character, quote } = this.#dialect;
    const parts = table.columns.map(
      (column) => `coalesce(${canonical(quote(column.name), column.type)}, ${character(NULL_CODE)})`,
    );
    return `concat_ws(${character(SEPARATOR_CODE)}, ${parts.join(', ')})`;
  }

  alive(softDeletes: boolean): string {
    const deleted = this.#dialect.quote(HEVO_DELETED);
    return softDeletes ? `(${deleted} IS NULL OR ${deleted} = false)` : 'true';
  }

  columns(tables: readonly string[]): string {
    const schema = this.#schema;
    const catalog = schema.length > 1 ? `table_catalog = ${literal(schema[0] ?? '')} AND ` : '';
    const from =
      schema.length > 1
        ? `${this.#dialect.quote(schema[0] ?? '')}.information_schema.columns`
        : 'information_schema.columns';
    return (
      `SELECT table_name AS table_name, column_name AS column_name FROM ${from} WHERE ${catalog}` +
      `table_schema = ${literal(schema.at(-1) ?? '')} AND table_name IN (${tables.map(literal).join(', ')})`
    );
  }

  extent(table: TableShape, softDeletes: boolean): string {
    const key = this.#dialect.quote(KEY);
    return `SELECT min(${key}) AS first, max(${key}) AS last FROM ${this.relation(table.name)} WHERE ${this.alive(softDeletes)}`;
  }

  sums(table: TableShape, range: KeyRange, width: number, softDeletes: boolean): string {
    const { dialect } = { dialect: this.#dialect };
    const key = dialect.quote(KEY);
    return (
      `SELECT bucket, count(*) AS n, ${dialect.sumOf60Bits('h')} AS s FROM (` +
      `SELECT ${dialect.divide(`${key} - ${whole(range.from)}`, whole(width))} AS bucket, ` +
      `${dialect.md5(this.rowText(table))} AS h FROM ${this.relation(table.name)} ` +
      `WHERE ${this.#between(range)} AND ${this.alive(softDeletes)}) hashed GROUP BY bucket`
    );
  }

  hashes(table: TableShape, range: KeyRange, softDeletes: boolean): string {
    const key = this.#dialect.quote(KEY);
    return (
      `SELECT ${key} AS id, ${this.#dialect.md5(this.rowText(table))} AS h FROM ${this.relation(table.name)} ` +
      `WHERE ${this.#between(range)} AND ${this.alive(softDeletes)}`
    );
  }

  rows(table: TableShape, column: string, values: readonly number[], softDeletes: boolean): string {
    const { canonical, quote } = this.#dialect;
    const list = table.columns
      .map((c) => `${canonical(quote(c.name), c.type)} AS ${quote(c.name)}`)
      .join(', ');
    return (
      `SELECT ${list} FROM ${this.relation(table.name)} ` +
      `WHERE ${quote(column)} IN (${values.map(whole).join(', ')}) AND ${this.alive(softDeletes)}`
    );
  }

  eventCounts(table: string, opColumn: string): string {
    const op = this.#dialect.quote(opColumn);
    return `SELECT ${op} AS op, count(*) AS n FROM ${this.relation(table)} GROUP BY ${op}`;
  }

  row(table: string, key: number): string {
    return `SELECT * FROM ${this.relation(table)} WHERE ${this.#dialect.quote(KEY)} = ${whole(key)};`;
  }

  #between(range: KeyRange): string {
    const key = this.#dialect.quote(KEY);
    return `${key} >= ${whole(range.from)} AND ${key} < ${whole(range.to)}`;
  }
}

/** Everything of {@link Side} (and `eventCounts`) over one function that runs a query. */
export function sqlSide(options: SqlSideOptions): Side & {
  /** True once `columns` met soft deletes that are not honoured. */
  readonly unusedSoftDeletes: boolean;
  eventCounts(tables: readonly string[]): Promise<readonly EventCount[]>;
} {
  const { run } = options;
  const builder = new SqlBuilder(options.dialect, options.schema);
  const known = new Map<string, Set<string>>();
  const soft = (table: string) => options.softDeletes && known.get(table)?.has(HEVO_DELETED) === true;
  let unusedSoftDeletes = false;
  const columns = async (tables: readonly string[]) => {
    const found = new Map<string, Set<string>>();
    for (const row of await run(builder.columns(tables))) {
      const table = String(row['table_name']).toLowerCase();
      const names = found.get(table) ?? new Set<string>();
      names.add(String(row['column_name']).toLowerCase());
      found.set(table, names);
    }
    for (const [table, names] of found) {
      known.set(table, names);
      if (names.has(HEVO_DELETED) && !options.softDeletes) unusedSoftDeletes = true;
    }
    return found;
  };
  return {
    label: options.label,
    keysPerQuery: options.keysPerQuery,
    get unusedSoftDeletes() {
      return unusedSoftDeletes;
    },
    columns,
    extent: async (table) => {
      const row = (await run(builder.extent(table, soft(table.name))))[0];
      if (row?.['first'] === null || row?.['first'] === undefined) return null;
      return { min: Number(row['first']), max: Number(row['last']) };
    },
    sums: async (table, range, width) =>
      (await run(builder.sums(table, range, width, soft(table.name)))).map((row) => ({
        bucket: Number(row['bucket']),
        count: Number(row['n']),
        sum: String(row['s']),
      })),
    hashes: async (table, range) =>
      (await run(builder.hashes(table, range, soft(table.name)))).map((row) => ({
        key: Number(row['id']),
        hash: String(row['h']),
      })),
    rows: async (table, column, values) =>
      values.length === 0
        ? []
        : ((await run(builder.rows(table, column, values, soft(table.name)))) as readonly CanonicalRow[]),
    rowSql: (table, key) => builder.row(table, key),
    eventCounts: async (tables) => {
      const counts: EventCount[] = [];
      for (const [table, names] of await columns(tables)) {
        const opColumn = OP_COLUMNS.find((name) => names.has(name));
        if (opColumn === undefined) continue;
        for (const row of await run(builder.eventCounts(table, opColumn))) {
          const op = operation(row['op']);
          if (op !== null) counts.push({ table, op, count: Number(row['n']) });
        }
      }
      return counts;
    },
  };
}

/** Tools write the operation as one letter or as a word; Debezium's `c` (create) is an insert. */
function operation(value: unknown): EventCount['op'] | null {
  const letter = String(value).trim().charAt(0).toUpperCase();
  if (letter === 'C') return 'I';
  return letter === 'I' || letter === 'U' || letter === 'D' || letter === 'R' ? letter : null;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Numbers go into the text of a statement: only whole ones may. */
function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number`);
  return value;
}
