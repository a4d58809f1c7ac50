import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { publishedTables } from '../../../src/db/schema.ts';
import { DATABRICKS_DIR, loadTransformations, readSqlFiles } from '../../../src/lakehouse/transform/load.ts';
import subset from '../../support/databricks/bundle-subset.json' with { type: 'json' };

interface Grant {
  principal: string;
  privileges: string[];
}
interface BundleFile {
  variables?: Record<string, { default?: string }>;
  resources?: {
    catalogs?: Record<string, { name: string; grants: Grant[]; lifecycle?: { prevent_destroy?: boolean } }>;
    schemas?: Record<string, { name: string; grants: Grant[] }>;
    pipelines?: Record<string, { root_path: string; libraries: { glob: { include: string } }[] }>;
    jobs?: Record<string, { trigger: { table_update: { table_names: string[] } } }>;
    dashboards?: Record<string, { file_path: string }>;
  };
}

const resourcesDir = join(DATABRICKS_DIR, 'resources');
const files = ['databricks.yml', ...readdirSync(resourcesDir).map((file) => `resources/${file}`)];
const read = (file: string): BundleFile => parse(readFileSync(join(DATABRICKS_DIR, file), 'utf8'));
const main = read('databricks.yml');
const all = files.map((file) => read(file).resources ?? {});
/** `${var.x}` by its default. */
const resolve = (text: string): string =>
  text.replaceAll(/\$\{var\.(\w+)\}/g, (_, name: string) => main.variables?.[name]?.default ?? `?${name}`);

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(subset);

test.each(files)('%s has only fields that a bundle knows', (file) => {
  const valid = validate(read(file));
  const deepest = [...(validate.errors ?? [])].sort((a, b) => b.instancePath.length - a.instancePath.length);
  expect(valid ? [] : deepest.map((error) => `${error.instancePath} ${error.message}`)).toEqual([]);
});

test('a misspelt field is found', () => {
  expect(
    validate({
      resources: {
        pipelines: { a: { ...all.find((one) => one.pipelines)?.pipelines?.['lakehouse'], serverles: true } },
      },
    }),
  ).toBe(false);
});

test('every variable that is used is declared', () => {
  const text = files.map((file) => readFileSync(join(DATABRICKS_DIR, file), 'utf8')).join('\n');
  const used = new Set([...text.matchAll(/\$\{var\.(\w+)\}/g)].map((match) => match[1]));
  expect([...used].sort()).toEqual(Object.keys(main.variables ?? {}).sort());
});

test('the bundle neither owns raw nor destroys the catalog that holds it', () => {
  const schemas = all.flatMap((one) => Object.values(one.schemas ?? {}).map((schema) => schema.name));
  expect(schemas.sort()).toEqual(['bronze', 'gold', 'silver']);
  const catalogs = all.flatMap((one) => Object.values(one.catalogs ?? {}));
  expect(catalogs.map((catalog) => catalog.lifecycle?.prevent_destroy)).toEqual([true]);
});

test('every file that the bundle names is there', () => {
  const dashboards = all.flatMap((one) => Object.values(one.dashboards ?? {}).map((each) => each.file_path));
  expect(dashboards).toHaveLength(4);
  for (const path of dashboards) expect(existsSync(join(resourcesDir, path)), path).toBe(true);
  const pipelines = all.flatMap((one) => Object.values(one.pipelines ?? {}));
  expect(pipelines).toHaveLength(1);
  for (const { root_path, libraries } of pipelines) {
    expect(existsSync(join(resourcesDir, root_path))).toBe(true);
    for (const { glob } of libraries) {
      expect(existsSync(join(resourcesDir, glob.include.replace(/\*\*$/, ''))), glob.include).toBe(true);
    }
  }
});

test('the job waits for tables that the source publishes', () => {
  const names = all
    .flatMap((one) => Object.values(one.jobs ?? {}))
    .flatMap((job) => job.trigger.table_update.table_names);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    expect(publishedTables.map((table) => `lakehouse.raw.${table}`)).toContain(resolve(name));
  }
});

/** "group layer" → privileges, for groups that may at least look at the layer. */
function grantsOfBundle(): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { schemas, catalogs } of all) {
    for (const { name, grants } of [...Object.values(schemas ?? {}), ...Object.values(catalogs ?? {})]) {
      for (const grant of grants) {
        found[`${resolve(grant.principal)} ${resolve(name)}`] = [...grant.privileges].sort();
      }
    }
  }
  return found;
}

async function grantsOfSetup(file: string): Promise<Record<string, string[]>> {
  const sql =
    (await readSqlFiles(join(DATABRICKS_DIR, 'setup'))).find((one) => one.file === file)?.text ?? '';
  const pattern = /^GRANT (.+) ON (?:CATALOG|SCHEMA) (?:lakehouse\.)?(\w+) TO `(\w+)`;$/gm;
  const lines = sql.match(/^GRANT /gm) ?? [];
  const matches = [...sql.matchAll(pattern)];
  expect(matches.length, 'every GRANT is read').toBe(lines.length);
  return Object.fromEntries(
    matches.map(([, privileges = '', object = '', group = '']) => [
      `${group} ${object}`,
      privileges
        .split(', ')
        .map((privilege) => privilege.replaceAll(' ', '_'))
        .sort(),
    ]),
  );
}

test('set-up without the bundle grants exactly what the bundle grants', async () => {
  expect(await grantsOfSetup('04_grants.sql')).toEqual(grantsOfBundle());
});

test('each group sees its layers and no more; only engineers see raw', async () => {
  const everything = { ...grantsOfBundle(), ...(await grantsOfSetup('02_raw.sql')) };
  const layers = (group: string) =>
    Object.entries(everything)
      .filter(([key, privileges]) => key.startsWith(`${group} `) && privileges.includes('SELECT'))
      .map(([key]) => key.split(' ')[1])
      .sort();
  expect(layers('data_engineers')).toEqual(['bronze', 'gold', 'raw', 'silver']);
  expect(layers('data_analysts')).toEqual(['bronze', 'gold', 'silver']);
  expect(layers('data_scientists')).toEqual(['gold', 'silver']);
  expect(layers('business_users')).toEqual(['gold']);
  const writers = Object.entries(everything).filter(([, privileges]) => privileges.includes('MODIFY'));
  expect(writers.every(([key]) => key.startsWith('data_engineers '))).toBe(true);
});

test('every raw table that a transformation reads gets its properties in the set-up', async () => {
  const sql = readFileSync(join(DATABRICKS_DIR, 'setup', '03_raw_table_properties.sql'), 'utf8');
  const altered = [...sql.matchAll(/^ALTER TABLE lakehouse\.raw\.(\w+) SET TBLPROPERTIES/gm)].map(
    (match) => match[1],
  );
  const read = (await loadTransformations()).flatMap((one) =>
    one.reads.filter((table) => table.schema === 'raw'),
  );
  expect(altered.sort()).toEqual(read.map((one) => one.table).sort());
  expect(sql.match(/delta\.enableRowTracking/g)).toHaveLength(altered.length);
});
