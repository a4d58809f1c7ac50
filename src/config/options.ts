import { validate as validCron } from 'node-cron';
import * as parse from './parsers.ts';

/**
 * Every variable of the program, once: parsing, README's table, `.env.example` and `--help` all come from here
 * (a test holds them equal). `default` is the text that a user would have written; `null` means no default.
 */
export interface Option<T> {
  readonly parser: parse.Parser<T>;
  readonly default: string | null;
  readonly group:
    | 'Database'
    | 'Traffic'
    | 'The shop'
    | 'Limits'
    | 'Log'
    | 'Status page'
    | 'Embedded PostgreSQL'
    | 'Lakehouse'
    | 'CDC reader'
    | 'Verification';
  readonly description: string;
  /** Shown in `.env.example` when there is no default. */
  readonly example?: string;
  readonly secret?: boolean;
}

function option<T>(
  group: Option<T>['group'],
  parser: parse.Parser<T>,
  fallback: string | null,
  description: string,
  extra: { example?: string; secret?: boolean } = {},
): Option<T> {
  return { group, parser, default: fallback, description, ...extra };
}

const path = parse.line(1_000);
/** Tokens of cloud providers, taken for passwords, are long. */
const secret = parse.line(8_000);
const hostName = parse.host();
/** Also of what `setup-cdc --reader-password` is given. */
export const readerPassword = parse.text(
  '8 to 256 characters, without spaces and control characters',
  /^[^\s\p{Cc}]{8,256}$/u,
);
const port = parse.integer(1, 65535);
const schedule = parse.cron(validCron);

export const options = {
  DATABASE_URL: option(
    'Database',
    parse.databaseUrl(),
    null,
    'Source database as one URL; wins over `DB_*`.',
    {
      example: 'postgresql://postgres:secret@db.example.com:5432/postgres',
      secret: true,
    },
  ),
  DB_HOST: option(
    'Database',
    hostName,
    null,
    'Host of the source database. Without it and without `DATABASE_URL`, the embedded PostgreSQL is started.',
    { example: 'db.abcdefghijkl.supabase.co' },
  ),
  DB_PORT: option('Database', port, '5432', 'Port of the source database.'),
  DB_NAME: option('Database', parse.sqlName(), 'postgres', 'Name of the source database.'),
  DB_USER: option('Database', parse.sqlName(), 'postgres', 'User of the source database.'),
  DB_PASSWORD: option('Database', secret, null, 'Password of that user.', {
    example: 'secret',
    secret: true,
  }),
  DB_SSLMODE: option(
    'Database',
    parse.oneOf('disable', 'require', 'verify-full'),
    null,
    'TLS: `disable`, `require` (encrypted, certificate not checked) or `verify-full`. Default: `disable` on loopback, else `require`.',
    { example: 'require' },
  ),
  DB_SSLROOTCERT: option(
    'Database',
    path,
    null,
    'File with the CA certificate for `verify-full` (Supabase: `prod-ca-2021.crt`).',
    { example: './prod-ca-2021.crt' },
  ),
  DB_POOL_SIZE: option('Database', parse.integer(1, 100), '4', 'Connections to the database.'),
  FALLBACK_DATABASE_URL: option(
    'Database',
    parse.databaseUrl(),
    null,
    'Used instead of the embedded PostgreSQL when neither `DATABASE_URL` nor `DB_HOST` is set; the compose file sets it to its own database.',
    { secret: true },
  ),

  ORDERS_PER_MINUTE: option(
    'Traffic',
    parse.number(0, 1_000_000),
    '60',
    'Mean of new orders a minute, over all workers together; 0 stops them; fractions allowed.',
  ),
  ARRIVALS: option(
    'Traffic',
    parse.oneOf('poisson', 'uniform'),
    'poisson',
    'How orders arrive: `poisson` (random, as customers do) or `uniform` (evenly spaced).',
  ),
  TRAFFIC_SHAPE: option(
    'Traffic',
    parse.oneOf('steady', 'daily'),
    'steady',
    '`steady`, or `daily`: an hour-of-week curve with the same weekly mean.',
  ),
  LIFECYCLE_SPEED: option(
    'Traffic',
    parse.number(0.01, 1_000_000),
    '1440',
    'How many times faster than reality an order ages: 1440 is a day a minute, 1 is real time.',
  ),
  CRON_SCHEDULE: option(
    'Traffic',
    schedule,
    '*/5 * * * * *',
    'The traffic tick (node-cron, with seconds); orders are spread inside the tick.',
  ),
  ORDERS_PER_TRANSACTION: option(
    'Traffic',
    parse.integer(1, 1000),
    '1',
    'Orders placed in one transaction: more for load tests.',
  ),
  PAYMENT_MIX: option(
    'Traffic',
    parse.oneOf('today', 'olist'),
    'today',
    'Payment methods: `today` (PIX first) or `olist` (the shares of 2016–2018).',
  ),
  RANDOM_SEED: option(
    'Traffic',
    parse.text('letters, digits, - or _, at most 64', /^[\w-]{1,64}$/),
    null,
    'Same seed, same shop and same decisions. Default: random, and logged.',
    { example: '42' },
  ),

  SEED_CUSTOMERS: option(
    'The shop',
    parse.integer(1, 10_000_000),
    '2000',
    'Customers that the shop starts with; seeded once.',
  ),
  SEED_PRODUCTS: option(
    'The shop',
    parse.integer(10, 100_000),
    '500',
    'Products that the shop starts with; seeded once.',
  ),
  HISTORY_DAYS: option('The shop', parse.integer(1, 3650), '90', 'Days of past orders.'),
  HISTORY_ORDERS: option(
    'The shop',
    parse.integer(0, 10_000_000),
    '10000',
    'Past orders, so that the first minute already has deliveries; 0 for none.',
  ),

  MAX_SLOT_LAG: option(
    'Limits',
    parse.size(),
    '1GB',
    'WAL retained by a replication slot at which traffic pauses; 0 = never.',
  ),
  MAX_DATABASE_SIZE: option('Limits', parse.size(), '0', 'Database size at which traffic pauses; 0 = never.'),
  RETENTION_DAYS: option(
    'Limits',
    parse.number(0, 36_500),
    '0',
    'Age in days (by `data_pedido`) at which finished orders are deleted in small batches; 0 = never.',
  ),

  LOG_LEVEL: option(
    'Log',
    parse.oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
    'info',
    '`debug` shows the SQL with its time, never personal data.',
  ),
  LOG_FORMAT: option(
    'Log',
    parse.oneOf('auto', 'pretty', 'json'),
    'auto',
    '`auto`: pretty on a terminal, JSON elsewhere.',
  ),
  LOG_ORDERS: option(
    'Log',
    parse.oneOf('auto', 'always', 'never'),
    'auto',
    'One line an order and change: `auto` up to 600 orders a minute, above that the summaries.',
  ),

  HTTP_HOST: option('Status page', hostName, '127.0.0.1', 'Address of the status page.'),
  HTTP_PORT: option(
    'Status page',
    parse.integer(0, 65535),
    '8080',
    'Port of the status page; 0 turns it off.',
  ),
  CONTROL_TOKEN: option(
    'Status page',
    // it travels in an HTTP header, which carries nothing else
    parse.text('8 to 256 ASCII characters, without spaces', /^[\x21-\x7e]{8,256}$/),
    null,
    'Token for changing anything when the page is not on loopback. Default there: made at start.',
    { example: 'a-long-random-text', secret: true },
  ),

  EMBEDDED_DATA_DIR: option(
    'Embedded PostgreSQL',
    path,
    '.data/postgres',
    'Data directory of the embedded server.',
  ),
  EMBEDDED_PORT: option(
    'Embedded PostgreSQL',
    port,
    '54320',
    'Its port, on loopback only. The default moves to the next free port when taken; a port that was set does not.',
  ),
  CDC_READER_PASSWORD: option(
    'CDC reader',
    readerPassword,
    null,
    'Password that `setup-cdc` gives to the role it makes for a reader. Default: made then, and printed once.',
    { example: 'a-long-random-text', secret: true },
  ),
  DATABRICKS_TOKEN: option(
    'Verification',
    secret,
    null,
    'Personal access token with which `verify` reads a Databricks SQL warehouse.',
    { example: 'dapi…', secret: true },
  ),
  DATABRICKS_CLIENT_ID: option(
    'Verification',
    secret,
    null,
    'Service principal (OAuth) instead of a token: its client id.',
    { example: '00000000-0000-0000-0000-000000000000' },
  ),
  DATABRICKS_CLIENT_SECRET: option(
    'Verification',
    secret,
    null,
    'Service principal (OAuth) instead of a token: its secret.',
    { example: 'dose…', secret: true },
  ),
} as const satisfies Record<string, Option<unknown>>;

export type OptionName = keyof typeof options;
export type OptionValue<N extends OptionName> = (typeof options)[N] extends Option<infer T> ? T : never;
