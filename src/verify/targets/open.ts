import { UsageError } from '../../lib/errors.ts';
import { shown } from '../../lib/shown.ts';
import type { OpenTarget } from '../target.ts';
import { openPostgresTarget } from './postgres.ts';

/** Every kind of target, by the scheme of its URL. */
const openers: Readonly<Record<string, OpenTarget>> = {
  postgres: openPostgresTarget,
  postgresql: openPostgresTarget,
  // their drivers are large: loaded by who asks for them
  databricks: async (options) => (await import('./databricks.ts')).openDatabricksTarget(options),
  duckdb: async (options) => (await import('./duckdb.ts')).openDuckdbTarget(options),
};

/** Opens the target that `options.target` names. */
export const openTarget: OpenTarget = async (options) => {
  const scheme = /^([a-z]+):/i.exec(options.target)?.[1]?.toLowerCase() ?? '';
  // a table of names typed by somebody: `constructor:` is not one of them
  const open = Object.hasOwn(openers, scheme) ? openers[scheme] : undefined;
  if (open === undefined) {
    throw new UsageError(
      `--target is not one of the kinds that verify can read${scheme === '' ? '' : `: it starts with ${shown(`${scheme}:`, 40)}`}`,
      '--target postgres://user:password@host:5432/database, or databricks://host/sql/1.0/warehouses/ID?catalog=C&schema=S, or duckdb:path/to/file.duckdb',
    );
  }
  return open(options);
};
