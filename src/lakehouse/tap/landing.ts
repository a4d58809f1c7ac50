import { type DuckDBConnection, DuckDBDataChunk, VARCHAR } from '@duckdb/node-api';
import type { Logger } from '../../lib/logger.ts';
import {
  addColumnDdl,
  CATALOG,
  duckType,
  hevoColumns,
  quoteIdentifier,
  rawTableDdl,
  rawTableName,
} from '../raw-schema.ts';
import {
  type ChangeBuffer,
  groupByColumns,
  type LandedTable,
  needsInheritance,
  type RowVersion,
  type VersionGroup,
} from './changes.ts';
import type { TapState } from './decide.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { duckText, microsText } from './text-values.ts';

/** DuckDB's vectors hold this many rows. */
const CHUNK_ROWS = 2_048;
const STATE = `${CATALOG}._tap.state`;

type Column = (string | null)[];

/** Writes into schema raw, in the shape that Hevo leaves, and keeps how far it came in the same transaction. */
export class Landing {
  readonly #connection: DuckDBConnection;
  readonly #logger: Logger;
  readonly #tables = new Map<
    string,
    { name: string; key: readonly string[]; columns: Map<string, string> }
  >();
  readonly #stages = new Set<number>();
  readonly #warned = new Set<string>();

  constructor(connection: DuckDBConnection, logger: Logger) {
    this.#connection = connection;
    this.#logger = logger;
  }

  /** Makes what the tap itself needs. */
  async prepare(): Promise<void> {
    await this.#connection.run(`CREATE SCHEMA IF NOT EXISTS ${CATALOG}._tap`);
    await this.#connection.run(
      `CREATE TABLE IF NOT EXISTS ${STATE} (system_id VARCHAR, database VARCHAR, slot VARCHAR, phase VARCHAR,
        applied_lsn VARCHAR, last_commit_at TIMESTAMPTZ, updated_at TIMESTAMPTZ)`,
    );
  }

  async readState(): Promise<TapState | null> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT system_id, database, slot, phase, applied_lsn FROM ${STATE}`,
    );
    const row = reader.getRows()[0];
    if (row === undefined) return null;
    const [systemId, database, slot, phase, lsn] = row.map(String);
    return {
      systemId: systemId ?? '',
      database: database ?? '',
      slot: slot ?? '',
      phase: phase === 'streaming' || phase === 'stopped' ? phase : 'copying',
      appliedLsn: parseLsn(lsn ?? ''),
    };
  }

  /** Replaces the state; part of the transaction that is open, if one is. */
  async writeState(state: TapState, lastCommitAt: bigint | null): Promise<void> {
    await this.#connection.run(`DELETE FROM ${STATE}`);
    await this.#connection.run(
      `INSERT INTO ${STATE} VALUES ($1, $2, $3, $4, $5, CAST($6 AS TIMESTAMPTZ), CAST($7 AS TIMESTAMPTZ))`,
      [
        state.systemId,
        state.database,
        state.slot,
        state.phase,
        formatLsn(state.appliedLsn),
        lastCommitAt === null ? null : microsText(lastCommitAt),
        nowText(),
      ],
    );
  }

  begin = () => this.#connection.run('BEGIN TRANSACTION');
  commit = () => this.#connection.run('COMMIT');

  async rollback(): Promise<void> {
    await this.#connection.run('ROLLBACK').catch(() => undefined);
    // a rollback takes what was made inside the transaction with it
    this.#stages.clear();
    this.#tables.clear();
  }

  table(name: string): LandedTable | undefined {
    return this.#tables.get(name);
  }

  /** Lets rows carry columns that the table is about to get: `ensureTable` follows before they are written. */
  announce(name: string, columns: readonly string[]): void {
    const known = this.#tables.get(name);
    for (const column of columns) if (known?.columns.has(column) === false) known.columns.set(column, 'text');
  }

  /** Removes every table of raw: a copy starts from nothing. */
  async clear(): Promise<void> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT table_name FROM duckdb_tables() WHERE database_name = '${CATALOG}' AND schema_name = 'raw'`,
    );
    for (const [name] of reader.getRows())
      await this.#connection.run(`DROP TABLE ${rawTableName(String(name))}`);
    this.#tables.clear();
  }

  /** Makes the table, or adds the columns that it lacks. A column that the source no longer has stays. */
  async ensureTable(table: LandedTable): Promise<void> {
    const columns = [...table.columns].map(([name, type]) => ({ name, type }));
    await this.#connection.run(rawTableDdl({ name: table.name, columns, primaryKey: table.key }));
    const reader = await this.#connection.runAndReadAll(
      `SELECT column_name FROM duckdb_columns() WHERE database_name = $1 AND schema_name = 'raw' AND table_name = $2`,
      [CATALOG, table.name],
    );
    const present = new Set(reader.getRows().map(([name]) => String(name)));
    for (const column of columns) {
      if (present.has(column.name)) continue;
      await this.#connection.run(addColumnDdl(table.name, column));
      this.#logger.info(
        { event: 'tap.column', table: table.name, column: column.name, type: column.type },
        `raw.${table.name} has a new column: ${column.name} (${duckType(column.type)})`,
      );
    }
    const known = this.#tables.get(table.name);
    if (known === undefined) {
      this.#tables.set(table.name, { name: table.name, key: table.key, columns: new Map(table.columns) });
    } else for (const [name, type] of table.columns) known.columns.set(name, type);
  }

  /** Applies a batch inside the open transaction. `ingestedAt`: when its first change was received. */
  async apply(buffer: ChangeBuffer, ingestedAt: bigint): Promise<void> {
    for (const [table, versions] of buffer.tables()) {
      const rows = await this.#inherit(table, versions);
      for (const group of groupByColumns(table, rows)) await this.upsert(table, group, ingestedAt);
    }
  }

  /** Upserts versions that carry the same columns; the other columns of a row keep what they have. */
  async upsert(table: LandedTable, group: VersionGroup, ingestedAt: bigint): Promise<void> {
    const { columns, rows } = group;
    const types = columns.map((name) => duckType(table.columns.get(name) ?? 'text'));
    const width = columns.length + 2;
    const stage = await this.#stage(width);
    await this.#append(stage, width, rows.length, (start, end) => [
      ...columns.map((name, index) => this.#texts(table, name, types[index] ?? '', rows, start, end)),
      rows.slice(start, end).map((row) => (row.modifiedAt === 0n ? null : microsText(row.modifiedAt))),
      rows.slice(start, end).map((row) => (row.deleted ? 'true' : null)),
    ]);
    const targets = [...columns, ...hevoColumns.map((column) => column.name)].map(quoteIdentifier);
    const values = [
      ...types.map((type, index) => `CAST(c${index} AS ${type})`),
      `TIMESTAMPTZ '${microsText(ingestedAt)}'`,
      `TIMESTAMPTZ '${nowText()}'`,
      `CAST(c${columns.length} AS TIMESTAMPTZ)`,
      `CAST(c${columns.length + 1} AS BOOLEAN)`,
    ];
    const key = table.key.map(quoteIdentifier);
    const sets = targets.filter((name) => !key.includes(name)).map((name) => `${name} = excluded.${name}`);
    await this.#connection.run(
      `INSERT INTO ${rawTableName(table.name)} (${targets.join(', ')}) SELECT ${values.join(', ')} FROM ${stage}
       ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${sets.join(', ')}`,
    );
    await this.#connection.run(`DELETE FROM ${stage}`);
  }

  async #stage(width: number): Promise<string> {
    const name = `stage_${width}`;
    if (!this.#stages.has(width)) {
      const columns = Array.from({ length: width }, (_, index) => `c${index} VARCHAR`);
      await this.#connection.run(`CREATE OR REPLACE TEMP TABLE ${name} (${columns.join(', ')})`);
      this.#stages.add(width);
    }
    return name;
  }

  async #append(
    stage: string,
    width: number,
    rows: number,
    columns: (start: number, end: number) => Column[],
  ): Promise<void> {
    const appender = await this.#connection.createAppender(stage, 'main', 'temp');
    const types = new Array(width).fill(VARCHAR);
    for (let start = 0; start < rows; start += CHUNK_ROWS) {
      const end = Math.min(rows, start + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(types, end - start);
      chunk.setColumns(columns(start, end));
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
  }

  #texts(
    table: LandedTable,
    column: string,
    type: string,
    rows: readonly RowVersion[],
    start: number,
    end: number,
  ): Column {
    const texts: Column = new Array(end - start);
    for (let i = start; i < end; i++) {
      const text = rows[i]?.values[column] ?? null;
      const value = text === null ? null : duckText(text, type);
      if (value === undefined) this.#warnOnce(`${table.name}.${column}`, text ?? '');
      texts[i - start] = value ?? null;
    }
    return texts;
  }

  /** A row whose key was changed takes what was not sent from the row under its old key. */
  async #inherit(table: LandedTable, versions: readonly RowVersion[]): Promise<readonly RowVersion[]> {
    if (!versions.some((version) => needsInheritance(table, version))) return versions;
    const result: RowVersion[] = [];
    for (const version of versions) {
      if (!needsInheritance(table, version) || version.inherits === null) {
        result.push(version);
        continue;
      }
      const { inherits } = version;
      const names = [...table.columns.keys()];
      const where = table.key.map((name, i) => `CAST(${quoteIdentifier(name)} AS VARCHAR) = $${i + 1}`);
      const reader = await this.#connection.runAndReadAll(
        `SELECT ${names.map((name) => `CAST(${quoteIdentifier(name)} AS VARCHAR)`).join(', ')}
         FROM ${rawTableName(table.name)} WHERE ${where.join(' AND ')}`,
        table.key.map((name) => inherits[name] ?? null),
      );
      const before = reader.getRows()[0] ?? [];
      const values: Record<string, string | null | undefined> = { ...version.values };
      for (const [i, name] of names.entries()) {
        if (values[name] === undefined) values[name] = (before[i] ?? null) as string | null;
      }
      result.push({ ...version, values });
    }
    return result;
  }

  #warnOnce(column: string, text: string): void {
    if (this.#warned.has(column)) return;
    this.#warned.add(column);
    this.#logger.warn(
      { event: 'tap.value', column, value: text },
      `${column} holds ${text}, which DECIMAL cannot: NULL in raw (keep such values out with a CHECK)`,
    );
  }
}

function nowText(): string {
  return microsText(BigInt(Date.now()) * 1000n);
}
