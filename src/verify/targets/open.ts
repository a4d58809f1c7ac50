import { UsageError } from '../../lib/errors.ts';
import { shown } from '../../lib/shown.ts';
import type { OpenTarget, TargetOptions } from '../target.ts';
import { openPostgresTarget, postgresAddress } from './postgres.ts';

interface Kind {
  /** Throws a UsageError for an address that names nothing. */
  readonly check: (options: TargetOptions) => Promise<unknown>;
  readonly open: OpenTarget;
}

/** Every kind of target, by the scheme of its URL. */
const postgres: Kind = {
  check: async ({ target }) => postgresAddress(target),
  open: openPostgresTarget,
};
const kinds: Readonly<Record<string, Kind>> = {
  postgres,
  postgresql: postgres,
  // their drivers are large: loaded by who asks for them
  databricks: {
    check: async (options) => (await import('./databricks.ts')).checkDatabricksTarget(options),
    open: async (options) => (await import('./databricks.ts')).openDatabricksTarget(options),
  },
  duckdb: {
    check: async ({ target }) => duckdbPath(target),
    open: async (options) => (await import('./duckdb.ts')).openDuckdbTarget(options),
  },
};

/** Throws a UsageError unless `options.target` names a target; reaches for nothing. */
export async function checkTarget(options: TargetOptions): Promise<void> {
  await kindOf(options.target).check(options);
}

/** Opens the target that `options.target` names. */
export const openTarget: OpenTarget = async (options) => kindOf(options.target).open(options);

function kindOf(target: string): Kind {
  const scheme = /^([a-z]+):/i.exec(target)?.[1]?.toLowerCase() ?? '';
  // a table of names, asked with what somebody typed: `constructor:` is not one of them
  const kind = Object.hasOwn(kinds, scheme) ? kinds[scheme] : undefined;
  if (kind !== undefined) return kind;
  throw new UsageError(
    `--target is not one of the kinds that verify can read${scheme === '' ? '' : `: it starts with ${shown(`${scheme}:`, 40)}`}`,
    '--target postgres://user:password@host:5432/database, or databricks://host/sql/1.0/warehouses/ID?catalog=C&schema=S, or duckdb:path/to/file.duckdb',
  );
}

/** The path in `duckdb:path`. */
function duckdbPath(target: string): string {
  const path = target.slice('duckdb:'.length);
  if (path.trim() !== '' && !/\p{Cc}/u.test(path)) return path;
  throw new UsageError('--target duckdb: names no file', '--target duckdb:.data/lakehouse/lakehouse.duckdb');
}
