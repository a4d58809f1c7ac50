import { DBSQLClient } from '@databricks/sql';
import { messageOf, OperatorError, UsageError } from '../../lib/errors.ts';
import { databricksDialect } from '../dialect.ts';
import { type RunSql, sqlSide } from '../sql-side.ts';
import type { DatabricksCredentials, OpenTarget, TargetOptions } from '../target.ts';

/** A warehouse needs about a second for any answer: few large queries. */
const KEYS_PER_QUERY = 5_000_000;
const POLL_MS = 5_000;

export interface WarehouseAddress {
  readonly host: string;
  readonly path: string;
  readonly catalog: string;
  readonly schema: string;
}

const USAGE =
  '--target "databricks://adb-123.azuredatabricks.net/sql/1.0/warehouses/abc?catalog=lakehouse&schema=raw" (host and HTTP path: SQL warehouse → Connection details)';

/** Reads host, HTTP path, catalog and schema from the target's URL; `schema` given apart wins. */
export function warehouseAddress(target: string, schema?: string): WarehouseAddress {
  const url = URL.canParse(target) ? new URL(target) : null;
  const catalog = url?.searchParams.get('catalog') ?? null;
  const name = schema ?? url?.searchParams.get('schema') ?? null;
  if (url === null || url.hostname === '' || url.pathname.length < 2) {
    throw new UsageError('the Databricks target lacks its host or its HTTP path', USAGE);
  }
  if (catalog === null || name === null) {
    throw new UsageError(`the Databricks target lacks its ${catalog === null ? 'catalog' : 'schema'}`, USAGE);
  }
  return { host: url.hostname, path: url.pathname, catalog, schema: name };
}

type Authentication =
  | { readonly token: string }
  | {
      readonly authType: 'databricks-oauth';
      readonly oauthClientId: string;
      readonly oauthClientSecret: string;
    };

/** A token wins over a service principal. */
export function authentication(credentials: DatabricksCredentials): Authentication {
  const { token, clientId, clientSecret } = credentials;
  if (token !== undefined) return { token };
  if (clientId !== undefined && clientSecret !== undefined) {
    return { authType: 'databricks-oauth', oauthClientId: clientId, oauthClientSecret: clientSecret };
  }
  throw new UsageError(
    'nothing says who signs in at Databricks',
    'set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, in the environment or in .env',
  );
}

/** Throws a UsageError when the address, or who signs in, is missing. */
export function checkDatabricksTarget({ target, schema, databricks }: TargetOptions): void {
  warehouseAddress(target, schema);
  authentication(databricks);
}

/** Tables in a Databricks catalog, read through a SQL warehouse. */
export const openDatabricksTarget: OpenTarget = async (options) => {
  const address = warehouseAddress(options.target, options.schema);
  const login = authentication(options.databricks);
  const client = new DBSQLClient();
  // a refused login is told by the rejected promise; without a listener the event alone would end the process
  client.on('error', () => undefined);
  try {
    await client.connect({
      host: address.host,
      path: address.path,
      ...login,
      preserveBigNumericPrecision: true,
      telemetryEnabled: false,
    });
    const session = await client.openSession({
      initialCatalog: address.catalog,
      initialSchema: address.schema,
    });
    const run: RunSql = async (sql) => {
      const operation = await session.executeStatement(sql, {});
      try {
        return (await operation.fetchAll()) as Record<string, unknown>[];
      } finally {
        await operation.close();
      }
    };
    await run("SET TIME ZONE 'UTC'");
    const side = sqlSide({
      label: `databricks://${address.host}, ${address.catalog}.${address.schema}`,
      dialect: databricksDialect,
      run,
      schema: [address.catalog, address.schema],
      keysPerQuery: KEYS_PER_QUERY,
      softDeletes: options.hevo,
    });
    return Object.assign(side, {
      pollMs: POLL_MS,
      close: async () => {
        await session.close();
        await client.close();
      },
    });
  } catch (error) {
    await client.close().catch(() => undefined);
    throw new OperatorError(`cannot reach the Databricks warehouse at ${address.host}: ${messageOf(error)}`, {
      fix: 'check that the warehouse runs, host and HTTP path (SQL warehouse → Connection details), and that the token or service principal is valid and may use the warehouse',
      cause: error,
    });
  }
};
