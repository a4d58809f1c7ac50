import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { type DatabaseSettings, settingsFromUrl } from '../../src/config/database.ts';
import { type Option, type OptionName, options } from '../../src/config/options.ts';
import { OperatorError } from '../../src/lib/errors.ts';
import { foreignCharacter, shown } from '../../src/lib/shown.ts';
import { HOSTILE_TEXTS, hostileText } from '../support/hostile-text.ts';

const between = (min: number, max: number, whole: boolean) => (value: unknown) =>
  typeof value === 'number' && value >= min && value <= max && (!whole || Number.isSafeInteger(value));
const oneOf =
  (...values: readonly string[]) =>
  (value: unknown) =>
    values.includes(value as string);
const HOST = /^[\w.:%-]{1,253}$/;
const isName = (value: unknown) =>
  typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= 63 && !/\p{Cc}/u.test(value);
const isLine = (max: number) => (value: unknown) =>
  typeof value === 'string' && value.length <= max && !/\p{Cc}/u.test(value);
const maybe = (holds: (value: unknown) => boolean) => (value: unknown) => value === undefined || holds(value);
const bytes = between(0, Number.MAX_SAFE_INTEGER, true);

function fitsDatabase(database: DatabaseSettings | null): boolean {
  return (
    database === null ||
    (HOST.test(database.host) &&
      between(1, 65_535, true)(database.port) &&
      isName(database.database) &&
      isName(database.user) &&
      maybe(isLine(8_000))(database.password) &&
      oneOf('disable', 'require', 'verify-full')(database.sslMode) &&
      maybe(isLine(1_000))(database.sslRootCert))
  );
}

/** Where each variable arrives in the configuration, and what its documentation promises of it. */
const PROMISES: Readonly<Record<OptionName, (config: Config) => boolean>> = {
  DATABASE_URL: ({ database }) => fitsDatabase(database),
  DB_HOST: ({ database }) => fitsDatabase(database),
  DB_PORT: ({ database }) => fitsDatabase(database),
  DB_NAME: ({ database }) => fitsDatabase(database),
  DB_USER: ({ database }) => fitsDatabase(database),
  DB_PASSWORD: ({ database }) => fitsDatabase(database),
  DB_SSLMODE: ({ database }) => fitsDatabase(database),
  DB_SSLROOTCERT: ({ database }) => fitsDatabase(database),
  FALLBACK_DATABASE_URL: ({ database }) => fitsDatabase(database),
  DB_POOL_SIZE: ({ poolSize }) => between(1, 100, true)(poolSize),
  ORDERS_PER_MINUTE: ({ traffic }) => between(0, 1_000_000, false)(traffic.ordersPerMinute),
  ARRIVALS: ({ traffic }) => oneOf('poisson', 'uniform')(traffic.arrivals),
  TRAFFIC_SHAPE: ({ traffic }) => oneOf('steady', 'daily')(traffic.shape),
  LIFECYCLE_SPEED: ({ traffic }) => between(0.01, 1_000_000, false)(traffic.lifecycleSpeed),
  CRON_SCHEDULE: ({ traffic }) => /^[\x20-\x7e]+$/.test(traffic.cronSchedule),
  ORDERS_PER_TRANSACTION: ({ traffic }) => between(1, 1_000, true)(traffic.ordersPerTransaction),
  PAYMENT_MIX: ({ traffic }) => oneOf('today', 'olist')(traffic.paymentMix),
  RANDOM_SEED: ({ randomSeed }) =>
    maybe((value) => /^[A-Za-z0-9_-]{1,64}$/.test(value as string))(randomSeed),
  SEED_CUSTOMERS: ({ shop }) => between(1, 10_000_000, true)(shop.customers),
  SEED_PRODUCTS: ({ shop }) => between(10, 100_000, true)(shop.products),
  HISTORY_DAYS: ({ shop }) => between(1, 3_650, true)(shop.historyDays),
  HISTORY_ORDERS: ({ shop }) => between(0, 10_000_000, true)(shop.historyOrders),
  MAX_SLOT_LAG: ({ limits }) => bytes(limits.maxSlotLagBytes),
  MAX_DATABASE_SIZE: ({ limits }) => bytes(limits.maxDatabaseBytes),
  RETENTION_DAYS: ({ limits }) => between(0, 36_500, false)(limits.retentionDays),
  LOG_LEVEL: ({ log }) => oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal')(log.level),
  LOG_FORMAT: ({ log }) => oneOf('auto', 'pretty', 'json')(log.format),
  LOG_ORDERS: ({ log }) => oneOf('auto', 'always', 'never')(log.orders),
  HTTP_HOST: ({ http }) => HOST.test(http.host),
  HTTP_PORT: ({ http }) => between(0, 65_535, true)(http.port),
  CONTROL_TOKEN: ({ http }) =>
    maybe((value) => /^[\x21-\x7e]{8,256}$/.test(value as string))(http.controlToken),
  EMBEDDED_DATA_DIR: ({ embedded }) => isLine(1_000)(embedded.dataDir) && embedded.dataDir !== '',
  EMBEDDED_PORT: ({ embedded }) => between(1, 65_535, true)(embedded.port),
  CDC_READER_PASSWORD: ({ readerPassword }) =>
    maybe((value) => isLine(256)(value) && /^\S{8,}$/.test(value as string))(readerPassword),
  DATABRICKS_TOKEN: ({ databricks }) => maybe(isLine(8_000))(databricks.token),
  DATABRICKS_CLIENT_ID: ({ databricks }) => maybe(isLine(8_000))(databricks.clientId),
  DATABRICKS_CLIENT_SECRET: ({ databricks }) => maybe(isLine(8_000))(databricks.clientSecret),
};
const NAMES = Object.keys(options) as OptionName[];
const isSecret = (name: OptionName) => (options[name] as Option<unknown>).secret === true;
/** With a host, so that the other variables of the database come to something. */
const around = (name: OptionName, value: string) =>
  name.endsWith('DATABASE_URL') ? { [name]: value } : { DB_HOST: 'localhost', [name]: value };

/** The configuration keeps its promise, or one error says which variable is wrong, with its value and what is right. */
function acceptsOrExplains(name: OptionName, value: string): void {
  let config: Config;
  try {
    ({ config } = loadConfig(around(name, value)));
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(name);
    expect(error.message).toMatch(/ (is not|cannot be|has|starts) /);
    expect(error.fix).toMatch(/\S/);
    expect(error.message.length).toBeLessThan(600);
    // what a terminal would obey or hide is escaped
    expect(error.message).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u);
    if (isSecret(name)) expectHidden(error.message, value);
    else expect(error.message).toContain(`${name}=${shown(value)}`);
    return;
  }
  expect(PROMISES[name](config), `${name}=${shown(value)} was accepted`).toBe(true);
}

/** Short ones stand in any sentence. */
function expectHidden(message: string, secret: string): void {
  const words = secret.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length >= 8);
  for (const word of words) {
    if (!/^(postgres(ql)?|password|database|constructor)$/.test(word)) expect(message).not.toContain(word);
  }
}

describe('every variable', () => {
  it.each(NAMES)('%s takes what is within its bounds, and explains the rest', (name) => {
    for (const value of HOSTILE_TEXTS) acceptsOrExplains(name, value);
    fc.assert(
      fc.property(hostileText, (value) => acceptsOrExplains(name, value)),
      { numRuns: 60, seed: 11 },
    );
  });

  it('counts as not set when it is blank, by whatever kind of blank', () => {
    for (const name of NAMES) {
      for (const blank of ['', ' ', '\t\n', '\u00a0'])
        expect(() => loadConfig({ [name]: blank }), name).not.toThrow();
    }
  });

  it('that has digits or letters of another alphabet is told which', () => {
    expect(() => loadConfig({ ORDERS_PER_MINUTE: '٣0' })).toThrow(
      'ORDERS_PER_MINUTE="٣0" is not a number from 0 to 1000000 (U+0663 in it is not an ASCII character)',
    );
    expect(() => loadConfig({ ARRIVALS: 'рoisson' })).toThrow('U+0440');
    expect(() => loadConfig({ DB_HOST: 'lоcalhost' })).toThrow('U+043E');
    expect(() => loadConfig({ MAX_SLOT_LAG: '1\u200bGB' })).toThrow('MAX_SLOT_LAG="1\\u{200b}GB"');
  });

  it('that names something in the database may be of any alphabet, up to the 63 bytes that PostgreSQL keeps', () => {
    const { config } = loadConfig({ DB_HOST: 'h', DB_NAME: 'lоja-ção "x"', DB_USER: `d'Ünal "é"` });
    expect(config.database).toMatchObject({ database: 'lоja-ção "x"', user: `d'Ünal "é"` });
    expect(() => loadConfig({ DB_HOST: 'h', DB_NAME: 'ç'.repeat(32) })).toThrow('63 bytes');
    expect(() => loadConfig({ DB_HOST: 'h', DB_USER: 'a\nb' })).toThrow('control characters');
  });
});

describe('a database URL', () => {
  const SECRET = 'hunter2secret';

  it.each([
    ['a slash in the password', `postgres://u:12/${SECRET}@h/db`],
    ['a hash in the password', `postgres://u:x@h/db#${SECRET}`],
    ['an escape that is none', `postgres://u:${SECRET}%ZZ@h/db`],
    ['a NUL', `postgres://u:${SECRET}%00@h/db`],
    ['a newline in the database', `postgres://u:${SECRET}@h/d%0Ab`],
    ['a host of another alphabet', `postgres://u:${SECRET}@h\u00f6st/db`],
    ['a socket for a host', `postgres://u:${SECRET}@%2Fvar%2Frun/db`],
    ['port 0', `postgres://u:${SECRET}@h:0/db`],
    ['a port too large', `postgres://u:${SECRET}@h:65536/db`],
    ['a name too long', `postgres://u:${SECRET}@h/${'x'.repeat(64)}`],
    ['an sslmode that JavaScript knows', `postgres://u:${SECRET}@h/db?sslmode=constructor`],
    ['no database', `postgres://u:${SECRET}@h`],
    ['another scheme', `mysql://u:${SECRET}@h/db`],
  ])('with %s is refused, and its password is not repeated', (_what, url) => {
    for (const name of ['DATABASE_URL', 'FALLBACK_DATABASE_URL'] as const) {
      const message = (() => {
        try {
          loadConfig({ [name]: url });
        } catch (error) {
          return (error as Error).message;
        }
        return 'accepted';
      })();
      expect(message).toContain(name);
      expect(message).not.toContain(SECRET);
    }
  });

  it('is read by whoever else is given one by the same rules', () => {
    const errors: string[] = [];
    expect(
      settingsFromUrl('--target', 'postgres://u:p%C3%A3o@[::1]:6000/l%C3%B3ja?sslmode=require', errors),
    ).toEqual({
      host: '::1',
      port: 6_000,
      database: 'lója',
      user: 'u',
      password: 'pão',
      sslMode: 'require',
      sslRootCert: undefined,
    });
    expect(errors).toEqual([]);
    fc.assert(
      fc.property(hostileText, hostileText, (user, database) => {
        const wrong: string[] = [];
        const settings = settingsFromUrl('--target', `postgres://${user}@h/${database}`, wrong);
        expect(settings === null).toBe(wrong.length > 0);
        expect(fitsDatabase(settings)).toBe(true);
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});

it('a text in a message shows what cannot be seen, and is shortened', () => {
  expect(shown('a"b')).toBe('"a\\"b"');
  expect(shown('6\u200b0')).toBe('"6\\u{200b}0"');
  expect(shown('\x9b31m\u202ex')).toBe('"\\u{009b}31m\\u{202e}x"');
  expect(shown('ção')).toBe('"ção"');
  expect(shown('x'.repeat(100), 5)).toBe('"xxxxx…"');
  expect([foreignCharacter('plain'), foreignCharacter('5٣')]).toEqual(['', 'U+0663']);
});
