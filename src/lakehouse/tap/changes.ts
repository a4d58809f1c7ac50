/** A row as text, column by column; `undefined`: not sent (an unchanged out-of-line value, or a delete's other columns). */
export type RowValues = Readonly<Record<string, string | null | undefined>>;

/** A table of raw, as far as the tap needs to know it. */
export interface LandedTable {
  readonly name: string;
  readonly key: readonly string[];
  /** Column → type as the source prints it. */
  readonly columns: ReadonlyMap<string, string>;
}

/** The last version of a row within a batch. */
export interface RowVersion {
  readonly values: RowValues;
  readonly deleted: boolean;
  /** Commit time at the source, microseconds since 1970. */
  readonly modifiedAt: bigint;
  /** Key of the row in raw that has the values not sent, where the key itself was changed. */
  readonly inherits: RowValues | null;
}

/**
 * The changes of a batch, folded to the last version of each row. A version that lacks values takes those of the
 * version before it; what is still lacking is what raw already has.
 */
export class ChangeBuffer {
  readonly #tables = new Map<string, { table: LandedTable; rows: Map<string, RowVersion> }>();
  #changes = 0;
  #bytes = 0;

  /** Changes received, before folding. */
  get changes(): number {
    return this.#changes;
  }

  /** Size of what was received, in bytes on the wire. */
  get bytes(): number {
    return this.#bytes;
  }

  upsert(
    table: LandedTable,
    values: RowValues,
    oldKey: RowValues | null,
    modifiedAt: bigint,
    bytes: number,
  ): void {
    this.#count(bytes);
    const rows = this.#rows(table);
    const id = keyOf(table, values);
    if (oldKey !== null && keyOf(table, oldKey) !== id) {
      const before = rows.get(keyOf(table, oldKey));
      const merged = merge(before?.values, values, table);
      const inherits = before?.inherits ?? pick(table, oldKey);
      rows.set(id, { values: merged, deleted: false, modifiedAt, inherits });
      rows.set(keyOf(table, oldKey), {
        values: before?.values ?? pick(table, oldKey),
        deleted: true,
        modifiedAt,
        inherits: before?.inherits ?? null,
      });
      return;
    }
    const before = rows.get(id);
    rows.set(id, {
      values: merge(before?.values, values, table),
      deleted: false,
      modifiedAt,
      inherits: before?.inherits ?? null,
    });
  }

  delete(table: LandedTable, key: RowValues, modifiedAt: bigint, bytes: number): void {
    this.#count(bytes);
    const rows = this.#rows(table);
    const id = keyOf(table, key);
    const before = rows.get(id);
    rows.set(id, {
      values: before?.values ?? pick(table, key),
      deleted: true,
      modifiedAt,
      inherits: before?.inherits ?? null,
    });
  }

  *tables(): Iterable<readonly [LandedTable, readonly RowVersion[]]> {
    for (const { table, rows } of this.#tables.values()) yield [table, [...rows.values()]];
  }

  #rows(table: LandedTable): Map<string, RowVersion> {
    let entry = this.#tables.get(table.name);
    if (entry === undefined) {
      entry = { table, rows: new Map() };
      this.#tables.set(table.name, entry);
    }
    return entry.rows;
  }

  #count(bytes: number): void {
    this.#changes += 1;
    this.#bytes += bytes;
  }
}

function keyOf(table: LandedTable, values: RowValues): string {
  const [first] = table.key;
  if (table.key.length === 1 && first !== undefined) return String(values[first]);
  return JSON.stringify(table.key.map((column) => values[column]));
}

function pick(table: LandedTable, values: RowValues): RowValues {
  return Object.fromEntries(table.key.map((column) => [column, values[column]]));
}

function merge(before: RowValues | undefined, values: RowValues, table: LandedTable): RowValues {
  if (before === undefined) return values;
  let merged: Record<string, string | null | undefined> | undefined;
  for (const column of table.columns.keys()) {
    if (values[column] !== undefined || before[column] === undefined) continue;
    merged ??= { ...values };
    merged[column] = before[column];
  }
  return merged ?? values;
}

export interface VersionGroup {
  /** The columns that these versions carry. */
  readonly columns: readonly string[];
  readonly rows: readonly RowVersion[];
}

/** Groups versions by the columns that they carry: most often a single group. */
export function groupByColumns(table: LandedTable, rows: readonly RowVersion[]): VersionGroup[] {
  const names = [...table.columns.keys()];
  const groups = new Map<string, { columns: readonly string[]; rows: RowVersion[] }>();
  for (const row of rows) {
    let mask = '';
    for (let i = 0; i < names.length; i++) if (row.values[names[i] ?? ''] === undefined) mask += `${i},`;
    let group = groups.get(mask);
    if (group === undefined) {
      const columns = mask === '' ? names : names.filter((name) => row.values[name] !== undefined);
      group = { columns, rows: [] };
      groups.set(mask, group);
    }
    group.rows.push(row);
  }
  return [...groups.values()];
}

/** True when the version waits for values of the row that it was renamed from. */
export function needsInheritance(table: LandedTable, row: RowVersion): boolean {
  if (row.inherits === null || row.deleted) return false;
  for (const column of table.columns.keys()) if (row.values[column] === undefined) return true;
  return false;
}
