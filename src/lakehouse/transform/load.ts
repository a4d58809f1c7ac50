import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import { parseTransformation, type Transformation } from './header.ts';
import { inDependencyOrder } from './order.ts';

/** What ships to Databricks. */
export const DATABRICKS_DIR = join(import.meta.dirname, '..', '..', '..', 'databricks');

/** Reads every `transformations/<schema>/<table>.sql`, in dependency order. File and name must agree. */
export async function loadTransformations(
  directory: string = join(DATABRICKS_DIR, 'transformations'),
): Promise<Transformation[]> {
  const transformations: Transformation[] = [];
  for (const { file, text } of await readSqlFiles(directory)) {
    const transformation = parseTransformation(file, text);
    const expected = `${transformation.schema}/${transformation.table}.sql`;
    if (file !== expected) {
      throw new OperatorError(`${file} makes ${transformation.schema}.${transformation.table}`, {
        fix: `rename the file to ${expected}, or the view`,
      });
    }
    transformations.push(transformation);
  }
  return inDependencyOrder(transformations);
}

/** The `.sql` files below a directory, by name; names are relative to it, with slashes. */
export async function readSqlFiles(
  directory: string,
): Promise<{ readonly file: string; readonly text: string }[]> {
  try {
    const entries = await readdir(directory, { recursive: true });
    const names = entries.filter((name) => name.endsWith('.sql')).sort();
    return await Promise.all(
      names.map(async (name) => ({
        file: name.split(sep).join('/'),
        text: await readFile(join(directory, name), 'utf8'),
      })),
    );
  } catch (error) {
    throw new OperatorError(`cannot read the SQL in ${directory}: ${messageOf(error)}`, {
      fix: 'restore the folder from the repository',
      cause: error,
    });
  }
}
