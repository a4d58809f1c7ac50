import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { envExample, markdownTable } from '../../src/config/describe.ts';
import { options } from '../../src/config/options.ts';
import { UsageError } from '../../src/lib/errors.ts';

function messageFor(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error(`accepted: ${JSON.stringify(env)}`);
}

describe('configuration', () => {
  it('needs nothing: without a database it means the embedded one', () => {
    const { config, warnings } = loadConfig({});
    expect(config.database).toBeNull();
    expect(config.traffic.ordersPerMinute).toBe(60);
    expect(config.embedded).toEqual({ dataDir: '.data/postgres', port: 54320, portWasSet: false });
    expect(config.limits).toEqual({ maxSlotLagBytes: 1024 ** 3, maxDatabaseBytes: 0, retentionDays: 0 });
    expect(warnings).toEqual([]);
    expect(Object.isFrozen(config.traffic)).toBe(true);
  });

  it('asks an outside host for TLS, and loopback not', () => {
    expect(loadConfig({ DB_HOST: 'db.abc.supabase.co', DB_PASSWORD: 'x' }).config.database).toMatchObject({
      host: 'db.abc.supabase.co',
      port: 5432,
      database: 'postgres',
      user: 'postgres',
      sslMode: 'require',
    });
    expect(loadConfig({ DB_HOST: 'localhost' }).config.database?.sslMode).toBe('disable');
    expect(loadConfig({ DB_HOST: 'localhost', DB_SSLMODE: 'verify-full' }).config.database?.sslMode).toBe(
      'verify-full',
    );
  });

  it('reads a URL whole: escapes, IPv6, sslmode; it wins over DB_HOST, which wins over the fallback', () => {
    const url = 'postgresql://me%40x:p%3Aw@[::1]:6000/shop?sslmode=require';
    const fallback = 'postgresql://a:b@compose:5432/c';
    expect(
      loadConfig({ DATABASE_URL: url, DB_HOST: 'other', FALLBACK_DATABASE_URL: fallback }).config.database,
    ).toEqual({
      host: '::1',
      port: 6000,
      database: 'shop',
      user: 'me@x',
      password: 'p:w',
      sslMode: 'require',
      sslRootCert: undefined,
    });
    expect(loadConfig({ DB_HOST: 'other', FALLBACK_DATABASE_URL: fallback }).config.database?.host).toBe(
      'other',
    );
    expect(loadConfig({ FALLBACK_DATABASE_URL: fallback }).config.database?.host).toBe('compose');
  });

  it('lists every mistake at once, each with what would be right', () => {
    const message = messageFor({
      ORDERS_PER_MINUTE: '-1',
      DB_PORT: 'x',
      MAX_SLOT_LAG: '1 parsec',
      CRON_SCHEDULE: 'every second',
      ARRIVALS: 'Poisson',
    });
    expect(message).toContain('ORDERS_PER_MINUTE="-1" is not a number from 0 to 1000000');
    expect(message).toContain('DB_PORT="x" is not a whole number from 1 to 65535');
    expect(message).toContain('MAX_SLOT_LAG="1 parsec" is not a size such as 512MB or 1GB');
    expect(message).toContain('CRON_SCHEDULE="every second" is not a cron expression');
    expect(message).toContain('ARRIVALS="Poisson" is not one of poisson, uniform');
    expect(message).toContain('5 settings are wrong');
  });

  it('never repeats a secret, not even a wrong one', () => {
    expect(messageFor({ DATABASE_URL: 'mysql://u:hunter2@h/d' })).not.toContain('hunter2');
    expect(messageFor({ CONTROL_TOKEN: 'short' })).not.toContain('short"');
  });

  it.each([
    [
      'ORDERS_PER_MINUTE',
      ['', '   '],
      ['NaN', 'Infinity', '1e9', '0x10', '１２', '1,5', '١٠', '--', '1000001'],
    ],
    ['SEED_CUSTOMERS', [''], ['0', '1.5', '-3', '99999999999999999999', 'ten']],
    ['LIFECYCLE_SPEED', [''], ['0', '-1', '1e3', 'fast']],
    ['RANDOM_SEED', [''], ['a b', 'ção', 'x'.repeat(65), "'; DROP TABLE"]],
    ['MAX_DATABASE_SIZE', [''], ['500 QB', '-1MB', '1e3', 'NaN', '99999999999999TB']],
    ['DB_HOST', [''], ['http://x', 'a b', 'user@host']],
    [
      'DATABASE_URL',
      [''],
      ['postgres://', 'postgres://host', 'postgres://u:p@h/db?sslmode=maybe', 'postgres://u:%ZZ@h/db'],
    ],
  ])('%s: blank counts as not set, nonsense is refused', (name, blank, wrong) => {
    for (const value of blank) expect(() => loadConfig({ [name]: value })).not.toThrow();
    for (const value of wrong) expect(messageFor({ [name]: value }), value).toMatch(/wrong/);
  });

  it('accepts or refuses any text without another kind of error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(options)),
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        (name, value) => {
          try {
            loadConfig({ [name]: value });
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
      { numRuns: 500, seed: 7 },
    );
  });

  it('warns of near misses and of unknown names under our prefixes, not of other people’s', () => {
    const { warnings } = loadConfig({
      ORDER_PER_MINUTE: '5',
      DB_PASSWROD: 'x',
      SEED_DOGS: '3',
      LOGNAME: 'me',
      HTTP_PROXY: 'x',
      PATH: 'x',
    });
    expect(warnings).toContain('ORDER_PER_MINUTE is not a setting: did you mean ORDERS_PER_MINUTE?');
    expect(warnings).toContain('DB_PASSWROD is not a setting: did you mean DB_PASSWORD?');
    expect(warnings.some((warning) => warning.startsWith('SEED_DOGS is not a setting'))).toBe(true);
    expect(warnings).toHaveLength(3);
  });

  it('is what .env.example says, word by word', () => {
    expect(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')).toBe(envExample());
  });

  it('is what the README says, word by word (npm run docs writes it)', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(`<!-- options -->\n${markdownTable()}\n<!-- /options -->`);
  });

  it('gives the same configuration when every default is written out', () => {
    const written = Object.fromEntries(
      Object.entries(options).flatMap(([name, option]) =>
        option.default === null ? [] : [[name, option.default]],
      ),
    );
    const { embedded: explicit, http: explicitHttp, ...rest } = loadConfig(written).config;
    const { embedded, http, ...defaults } = loadConfig({}).config;
    expect(rest).toEqual(defaults);
    expect({ ...explicit, portWasSet: false }).toEqual(embedded);
    expect({ ...explicitHttp, portWasSet: false }).toEqual(http);
  });
});
