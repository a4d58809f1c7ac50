import type { DuckDBConnection } from '@duckdb/node-api';
import { type Dashboard, datasetSql, type Widget, type WidgetPosition } from './dashboards.ts';
import { prepareConnection } from './transform/refresh.ts';
import { translateQuery } from './transform/translate.ts';

/** A field of a widget and what people call it. */
export interface DataField {
  readonly name: string;
  readonly label: string;
  /** Money in reais, to be shown as such. */
  readonly currency: boolean;
}

export type Cell = string | number | boolean | null;

/** One widget with its rows, ready to draw. Filters are left out: they belong to Databricks. */
export interface WidgetData {
  readonly name: string;
  readonly kind: string;
  readonly title: string;
  readonly description: string | null;
  readonly position: WidgetPosition;
  /** By role: x, y, color, value, target; tables have `columns` alone. */
  readonly roles: Readonly<Record<string, DataField>>;
  readonly columns: readonly DataField[];
  /** One entry a row, keyed by field. Numbers are numbers, dates are YYYY-MM-DD. */
  readonly rows: readonly Readonly<Record<string, Cell>>[];
}

export interface DashboardData {
  readonly name: string;
  readonly title: string;
  readonly widgets: readonly WidgetData[];
}

/**
 * Runs the datasets of a dashboard on the local gold tables, each once.
 *
 * @param connection one that nobody else uses meanwhile
 */
export async function dashboardData(
  connection: DuckDBConnection,
  { name, definition }: Dashboard,
  options: { readonly catalog?: string } = {},
): Promise<DashboardData> {
  await prepareConnection(connection);
  const rowsOf = new Map<string, Record<string, Cell>[]>();
  for (const dataset of definition.datasets) {
    const sql = translateQuery(datasetSql(definition, dataset.name), {
      file: `dashboards/${name}.lvdash.json, dataset ${dataset.name}`,
      defaultSchema: 'gold',
      ...options,
    });
    const reader = await connection.runAndReadAll(sql);
    const names = reader.columnNames();
    rowsOf.set(
      dataset.name,
      reader.getRowsJson().map((row) => toRecord(names, row, reader.columnTypes().map(String))),
    );
  }
  const cells = definition.pages.flatMap((page) => page.layout);
  return {
    name,
    title: definition.pages[0]?.displayName ?? name,
    widgets: cells
      .filter(({ widget }) => !widget.spec.widgetType.startsWith('filter'))
      .map(({ widget, position }) => widgetData(widget, position, rowsOf)),
  };
}

function widgetData(
  widget: Widget,
  position: WidgetPosition,
  rowsOf: ReadonlyMap<string, readonly Record<string, Cell>[]>,
): WidgetData {
  const roles: Record<string, DataField> = {};
  const columns: DataField[] = [];
  for (const [role, entry] of Object.entries(widget.spec.encodings)) {
    if (Array.isArray(entry)) columns.push(...entry.map(toField));
    else roles[role] = toField(entry);
  }
  const query = widget.queries[0]?.query;
  const fields = new Set(query?.fields.map((field) => field.name));
  const rows = rowsOf.get(query?.datasetName ?? '') ?? [];
  return {
    name: widget.name,
    kind: widget.spec.widgetType,
    title: widget.spec.frame.title,
    description: widget.spec.frame.description ?? null,
    position,
    roles,
    columns,
    rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(([field]) => fields.has(field)))),
  };
}

function toField(entry: {
  fieldName: string;
  displayName?: string | undefined;
  format?: unknown;
}): DataField {
  const format = entry.format as { type?: string } | undefined;
  return {
    name: entry.fieldName,
    label: entry.displayName ?? entry.fieldName,
    currency: format?.type === 'number-currency',
  };
}

/** Numbers of any width become numbers: charts need no more digits, and figures to the cent stay far below 2^53. */
function toRecord(
  names: readonly string[],
  row: readonly unknown[],
  types: readonly string[],
): Record<string, Cell> {
  return Object.fromEntries(
    names.map((name, index) => {
      const value = row[index] ?? null;
      const isNumber = /^(DECIMAL|.*INT|DOUBLE|FLOAT)/.test(types[index] ?? '');
      return [name, isNumber && value !== null ? Number(value) : (value as Cell)];
    }),
  );
}
