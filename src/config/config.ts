import { UsageError } from '../lib/errors.ts';
import { type DatabaseSettings, databaseSettings } from './database.ts';
import type { OptionName } from './options.ts';
import { type RawValues, readOptions } from './read.ts';

/** The validated configuration; frozen. Sizes are bytes. */
export interface Config {
  readonly database: DatabaseSettings | null;
  readonly poolSize: number;
  readonly embedded: { readonly dataDir: string; readonly port: number; readonly portWasSet: boolean };
  readonly traffic: {
    readonly ordersPerMinute: number;
    readonly arrivals: 'poisson' | 'uniform';
    readonly shape: 'steady' | 'daily';
    readonly lifecycleSpeed: number;
    readonly cronSchedule: string;
    readonly ordersPerTransaction: number;
    readonly paymentMix: 'today' | 'olist';
  };
  /** undefined: draw one and log it. */
  readonly randomSeed: string | undefined;
  readonly shop: {
    readonly customers: number;
    readonly products: number;
    readonly historyDays: number;
    readonly historyOrders: number;
  };
  readonly limits: {
    readonly maxSlotLagBytes: number;
    readonly maxDatabaseBytes: number;
    readonly retentionDays: number;
  };
  readonly log: {
    readonly level: string;
    readonly format: 'auto' | 'pretty' | 'json';
    readonly orders: 'auto' | 'always' | 'never';
  };
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly portWasSet: boolean;
    readonly controlToken: string | undefined;
  };
  /** undefined: `setup-cdc` makes one. */
  readonly readerPassword: string | undefined;
  /** How `verify` signs in at Databricks: a token, or a service principal. */
  readonly databricks: {
    readonly token: string | undefined;
    readonly clientId: string | undefined;
    readonly clientSecret: string | undefined;
  };
}

export interface LoadedConfig {
  readonly config: Config;
  /** Near misses and unknown names, each a sentence for the log. */
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration from `env` (the only input). Throws a {@link UsageError} that lists every mistake at
 * once, each with what would be right.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): LoadedConfig {
  const { values, errors, warnings } = readOptions(env);
  const database = databaseSettings(values, errors);
  if (errors.length > 0) {
    const list = errors.map((error) => `  ${error}`).join('\n');
    throw new UsageError(
      `${errors.length === 1 ? 'One setting is' : `${errors.length} settings are`} wrong:\n${list}`,
      'correct them in the environment or in .env; .env.example lists every variable, and so does: npm run sim -- --help',
    );
  }
  const wasSet = (name: OptionName) => (env[name] ?? '').trim() !== '';
  return { config: deepFreeze(buildConfig(values as RawValues, database, wasSet)), warnings };
}

function buildConfig(
  v: RawValues,
  database: DatabaseSettings | null,
  wasSet: (name: OptionName) => boolean,
): Config {
  return {
    database,
    poolSize: v.DB_POOL_SIZE,
    embedded: { dataDir: v.EMBEDDED_DATA_DIR, port: v.EMBEDDED_PORT, portWasSet: wasSet('EMBEDDED_PORT') },
    traffic: {
      ordersPerMinute: v.ORDERS_PER_MINUTE,
      arrivals: v.ARRIVALS,
      shape: v.TRAFFIC_SHAPE,
      lifecycleSpeed: v.LIFECYCLE_SPEED,
      cronSchedule: v.CRON_SCHEDULE,
      ordersPerTransaction: v.ORDERS_PER_TRANSACTION,
      paymentMix: v.PAYMENT_MIX,
    },
    randomSeed: v.RANDOM_SEED,
    shop: {
      customers: v.SEED_CUSTOMERS,
      products: v.SEED_PRODUCTS,
      historyDays: v.HISTORY_DAYS,
      historyOrders: v.HISTORY_ORDERS,
    },
    limits: {
      maxSlotLagBytes: v.MAX_SLOT_LAG,
      maxDatabaseBytes: v.MAX_DATABASE_SIZE,
      retentionDays: v.RETENTION_DAYS,
    },
    log: { level: v.LOG_LEVEL, format: v.LOG_FORMAT, orders: v.LOG_ORDERS },
    http: {
      host: v.HTTP_HOST,
      port: v.HTTP_PORT,
      portWasSet: wasSet('HTTP_PORT'),
      controlToken: v.CONTROL_TOKEN,
    },
    readerPassword: v.CDC_READER_PASSWORD,
    databricks: {
      token: v.DATABRICKS_TOKEN,
      clientId: v.DATABRICKS_CLIENT_ID,
      clientSecret: v.DATABRICKS_CLIENT_SECRET,
    },
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
