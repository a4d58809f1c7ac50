import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, OperatorError } from '../lib/errors.ts';
import { DATABRICKS_DIR } from './transform/load.ts';

/** Width of a dashboard's grid. */
export const GRID_COLUMNS = 12;

/** The version that Databricks expects of each kind of widget; others show as empty. */
const widgetVersions: Readonly<Record<string, number>> = {
  counter: 2,
  table: 2,
  'filter-single-select': 2,
  'filter-multi-select': 2,
  'filter-date-range-picker': 2,
  bar: 3,
  line: 3,
  area: 3,
  pie: 3,
  pivot: 3,
  heatmap: 3,
  combo: 1,
  funnel: 1,
};

const encoding = z.looseObject({ fieldName: z.string(), displayName: z.string().optional() });
const query = z.strictObject({
  name: z.string(),
  query: z.strictObject({
    datasetName: z.string(),
    fields: z.array(z.strictObject({ name: z.string(), expression: z.string() })).min(1),
    disaggregated: z.boolean(),
  }),
});
const widget = z.strictObject({
  name: z.string(),
  queries: z.array(query).min(1),
  spec: z.strictObject({
    version: z.number(),
    widgetType: z.string(),
    encodings: z.record(z.string(), z.union([encoding, z.array(encoding)])),
    frame: z.looseObject({ title: z.string(), description: z.string().optional() }),
  }),
});
const position = z.strictObject({
  x: z.int().min(0),
  y: z.int().min(0),
  width: z.int().min(1).max(GRID_COLUMNS),
  height: z.int().min(1),
});
const dashboard = z.strictObject({
  datasets: z
    .array(
      z.strictObject({ name: z.string(), displayName: z.string(), queryLines: z.array(z.string()).min(1) }),
    )
    .min(1),
  pages: z
    .array(
      z.strictObject({
        name: z.string(),
        displayName: z.string(),
        pageType: z.literal('PAGE_TYPE_CANVAS'),
        layout: z.array(z.strictObject({ widget, position })).min(1),
      }),
    )
    .min(1),
});

export type DashboardDefinition = z.infer<typeof dashboard>;
export type Widget = z.infer<typeof widget>;
export type WidgetPosition = z.infer<typeof position>;

export interface Dashboard {
  /** The file's name without its ending: executive, sales, … */
  readonly name: string;
  readonly definition: DashboardDefinition;
}

/** The SQL of a dataset: its lines are joined as they are. */
export function datasetSql(definition: DashboardDefinition, name: string): string {
  const dataset = definition.datasets.find((candidate) => candidate.name === name);
  if (dataset === undefined) throw new Error(`no dataset ${name}`);
  return dataset.queryLines.join('');
}

/** Every field that the encodings of a widget name. */
export function encodedFields({ spec }: Widget): string[] {
  return Object.values(spec.encodings)
    .flat()
    .map((entry) => entry.fieldName);
}

/** Reads every dashboard that ships, by name. */
export async function loadDashboards(
  directory: string = join(DATABRICKS_DIR, 'dashboards'),
): Promise<Dashboard[]> {
  const ending = '.lvdash.json';
  const files = (await readdir(directory)).filter((file) => file.endsWith(ending)).sort();
  return await Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -ending.length),
      definition: parseDashboard(file, await readFile(join(directory, file), 'utf8')),
    })),
  );
}

/** Throws an OperatorError that lists what is wrong with the file. */
export function parseDashboard(file: string, text: string): DashboardDefinition {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new OperatorError(`${file} is not JSON: ${messageOf(error)}`, { fix: 'correct the file' });
  }
  const parsed = dashboard.safeParse(json);
  const problems = parsed.success
    ? structuralProblems(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (problems.length > 0 || !parsed.success) {
    throw new OperatorError(`${file}: ${problems.join('; ')}`, { fix: 'correct the file' });
  }
  return parsed.data;
}

/** What a schema cannot say: names that must exist or be unique, versions, rows that fill the grid. */
export function structuralProblems(definition: DashboardDefinition): string[] {
  const datasets = definition.datasets.map(({ name }) => name);
  const problems = duplicates(datasets).map((name) => `two datasets are called ${name}`);
  const widgets = definition.pages.flatMap((page) => page.layout.map((cell) => cell.widget));
  problems.push(
    ...duplicates(widgets.map(({ name }) => name)).map((name) => `two widgets are called ${name}`),
  );
  const used = new Set(widgets.flatMap(({ queries }) => queries.map((one) => one.query.datasetName)));
  for (const name of datasets) if (!used.has(name)) problems.push(`no widget shows the dataset ${name}`);
  for (const one of widgets) problems.push(...widgetProblems(one, datasets));
  for (const page of definition.pages) {
    problems.push(
      ...gridProblems(page.layout.map((cell) => cell.position)).map((text) => `${page.name}: ${text}`),
    );
  }
  return problems;
}

function widgetProblems(one: Widget, datasets: readonly string[]): string[] {
  const { version, widgetType } = one.spec;
  const problems: string[] = [];
  const expected = widgetVersions[widgetType];
  if (expected === undefined) problems.push(`${one.name}: unknown kind ${widgetType}`);
  else if (version !== expected)
    problems.push(`${one.name}: a ${widgetType} has version ${expected}, not ${version}`);
  for (const { query: asked } of one.queries) {
    if (!datasets.includes(asked.datasetName)) problems.push(`${one.name}: no dataset ${asked.datasetName}`);
  }
  const fields = one.queries.flatMap((each) => each.query.fields.map((field) => field.name));
  for (const field of encodedFields(one)) {
    if (!fields.includes(field)) problems.push(`${one.name}: encodes ${field}, which its query lacks`);
  }
  return problems;
}

function gridProblems(positions: readonly WidgetPosition[]): string[] {
  const problems: string[] = [];
  for (const y of new Set(positions.map((one) => one.y))) {
    const row = positions.filter((one) => one.y === y).sort((a, b) => a.x - b.x);
    let next = 0;
    for (const one of row) {
      if (one.x !== next) problems.push(`row ${y}: a gap or an overlap at column ${one.x}`);
      next = one.x + one.width;
    }
    if (next !== GRID_COLUMNS) problems.push(`row ${y}: widths add up to ${next}, not ${GRID_COLUMNS}`);
    const heights = new Set(row.map((one) => one.height));
    if (heights.size > 1) problems.push(`row ${y}: heights differ`);
  }
  return problems;
}

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
