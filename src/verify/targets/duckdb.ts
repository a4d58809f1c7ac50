import { asObjects } from '../../lakehouse/query.ts';
import { openReader } from '../../lakehouse/reader.ts';
import { duckdbDialect } from '../dialect.ts';
import { sqlSide } from '../sql-side.ts';
import type { OpenTarget } from '../target.ts';

const KEYS_PER_QUERY = 200_000;
const POLL_MS = 200;

/**
 * The local lakehouse, `duckdb:path`: through the process that fills it while that runs, else from the file. Its raw
 * tables have Hevo's shape, so soft deletes are honoured in any case.
 */
export const openDuckdbTarget: OpenTarget = async (options) => {
  const path = options.target.slice('duckdb:'.length);
  const reader = await openReader(path);
  const schema = options.schema ?? 'raw';
  const side = sqlSide({
    label: `duckdb:${path}, schema ${schema}`,
    dialect: duckdbDialect,
    run: async (sql) => asObjects(await reader.query(sql)),
    // the catalog is the reader's default, and DuckDB lists columns across catalogs
    schema: [schema],
    keysPerQuery: KEYS_PER_QUERY,
    softDeletes: true,
  });
  return Object.assign(side, { pollMs: POLL_MS, close: () => reader.close() });
};
