import { createServer } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Connections, connect } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { type Daemon, runCommand, startDaemon } from '../support/daemon.ts';
import { createTestDatabase, type TestDatabase, urlOf } from '../support/database.ts';
import { checkInvariants } from '../support/invariants.ts';
import { freePort, startTestServer, type TestServer } from '../support/pg-server.ts';

let server: TestServer;
let database: TestDatabase;
const daemons: Daemon[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  await Promise.all(daemons.splice(0).map((daemon) => daemon.end('SIGKILL')));
  await database?.drop();
});

async function freshDatabase(): Promise<TestDatabase> {
  database = await createTestDatabase({ template: 'empty', admin: server.settings });
  return database;
}

function start(env: Record<string, string>, args?: readonly string[]): Daemon {
  const daemon = startDaemon(env, args);
  daemons.push(daemon);
  return daemon;
}

const count = async (connections: Connections, table: string) =>
  (await sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql.table(table)}`.execute(connections.db))
    .rows[0]?.n ?? 0;

describe('the daemon', () => {
  it('opens the shop on an empty database and lives: orders placed, paid, shipped, delivered; a signal ends it cleanly', async () => {
    const { url, connections } = await freshDatabase();
    // ten days a minute: in this small shop a weekend may pass without a delivery
    const daemon = start({ DATABASE_URL: url, ORDERS_PER_MINUTE: '600', LIFECYCLE_SPEED: '14400' });
    for (const event of [
      'order.placed',
      'order.approved',
      'order.shipped',
      'order.delivered',
      'traffic.summary',
    ])
      await daemon.waitForEvent(event);
    expect(await daemon.end()).toBe(0);
    expect(daemon.lines.at(-1)?.event).toBe('shutdown');
    expect(daemon.lines.filter((line) => ['error', 'fatal'].includes(line.level))).toEqual([]);
    expect(await checkInvariants(connections.db)).toEqual([]);
    const states = await sql<{ n: number }>`SELECT count(DISTINCT id_status)::int AS n FROM pedidos`.execute(
      connections.db,
    );
    expect(states.rows[0]?.n).toBe(6);
    expect(await count(connections, 'simulator.workers')).toBe(0);
  });

  it('never logs a password or the name of a person, not even at debug', async () => {
    const { url, connections } = await freshDatabase();
    const secret = 'p4ssw0rd-of-the-test';
    await sql`CREATE ROLE ${sql.id(`u_${database.settings.database}`)} LOGIN SUPERUSER PASSWORD ${sql.lit(secret)}`.execute(
      connections.db,
    );
    const login = new URL(url);
    login.username = `u_${database.settings.database}`;
    login.password = secret;
    const daemon = start({ DATABASE_URL: login.href, LOG_LEVEL: 'debug', ORDERS_PER_MINUTE: '600' });
    await daemon.waitFor(
      'ten orders',
      () => daemon.lines.filter((line) => line.event === 'order.placed').length >= 10,
    );
    await daemon.waitForEvent('sql');
    await daemon.end();
    const statements = daemon.lines.filter((line) => line.event === 'sql') as { sql?: string; ms?: number }[];
    expect(statements.every(({ sql: text, ms }) => text?.includes('\n') === false && ms !== undefined)).toBe(
      true,
    );
    const log = `${daemon.lines.map((line) => JSON.stringify(line)).join('\n')}\n${daemon.output()}`;
    expect(log).not.toContain(secret);
    const people = await connections.db
      .selectFrom('clientes')
      .select(['email', 'cpf', 'endereco'])
      .orderBy('id', 'desc')
      .limit(50)
      .execute();
    for (const person of people) for (const value of Object.values(person)) expect(log).not.toContain(value);
  });

  it('loses nothing to kill -9: the next start carries on', async () => {
    const { url, connections } = await freshDatabase();
    for (let round = 0; round < 4; round++) {
      const daemon = start({
        DATABASE_URL: url,
        ORDERS_PER_MINUTE: '3000',
        LIFECYCLE_SPEED: '50000',
        LOG_ORDERS: 'always',
      });
      const placed = () => daemon.lines.filter((line) => line.event === 'order.placed').length;
      await daemon.waitFor('orders', () => placed() >= 20 + 15 * round);
      await daemon.end('SIGKILL');
      // what the dead process had sent may still be at work
      await expect
        .poll(
          async () =>
            (
              await sql`SELECT FROM pg_stat_activity WHERE application_name = 'cdc-sim' AND pid <> pg_backend_pid() AND datname = current_database() AND state = 'active'`.execute(
                connections.db,
              )
            ).rows.length,
          { timeout: 20_000 },
        )
        .toBe(0);
      expect(await checkInvariants(connections.db)).toEqual([]);
    }
  });

  it('shares one rate between two workers, and gives the share of one that left to the other', async () => {
    const { url } = await freshDatabase();
    const first = start({ DATABASE_URL: url, ORDERS_PER_MINUTE: '1200' });
    await first.waitFor(
      'full rate',
      (line) => line.event === 'traffic.summary' && line['targetPerMinute'] === 1200,
    );
    const second = start({ DATABASE_URL: url, ORDERS_PER_MINUTE: '1200' });
    const half = (line: { event?: string }) =>
      line.event === 'traffic.summary' && (line as Record<string, unknown>)['targetPerMinute'] === 600;
    await second.waitFor('half of the rate', half);
    await first.waitFor('half of the rate', half);
    await second.end('SIGKILL');
    const from = first.lines.length;
    await first.waitFor(
      'the whole rate again',
      (line) => line.event === 'traffic.summary' && line['targetPerMinute'] === 1200,
      { from },
    );
  });

  it('survives a restart of the database: says lost, says back, and traffic flows again', async () => {
    const own = await startTestServer();
    const admin = connect({ ...own.settings, database: 'postgres' }, { poolSize: 1, logger: silentLogger() });
    try {
      await sql`CREATE DATABASE shop`.execute(admin.db);
      const daemon = start({
        DATABASE_URL: urlOf({ ...own.settings, database: 'shop' }),
        ORDERS_PER_MINUTE: '1200',
      });
      await daemon.waitForEvent('order.placed');
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'`.execute(
        admin.db,
      );
      await sql`ALTER DATABASE shop WITH ALLOW_CONNECTIONS false`.execute(admin.db);
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'`.execute(
        admin.db,
      );
      await daemon.waitForEvent('database.lost');
      await sql`ALTER DATABASE shop WITH ALLOW_CONNECTIONS true`.execute(admin.db);
      await daemon.waitForEvent('database.back');
      const from = daemon.lines.length;
      await daemon.waitForEvent('order.placed', { from });
      expect(await daemon.end()).toBe(0);
    } finally {
      await admin.close();
      await own.stop();
    }
  });

  it('brings its own PostgreSQL when none is configured, adopts it after a kill -9, and stops it with the last one', async () => {
    await freshDatabase();
    const dataDir = `${server.dataDir}-own`;
    const env = {
      EMBEDDED_DATA_DIR: dataDir,
      EMBEDDED_PORT: String(await freePort()),
      ORDERS_PER_MINUTE: '1200',
    };
    const first = start(env);
    const ready = await first.waitForEvent('database.ready');
    await first.waitForEvent('order.placed');
    await first.end('SIGKILL');
    const second = start(env);
    expect((await second.waitForEvent('database.ready'))['url']).toBe(ready['url']);
    await second.waitForEvent('order.placed');
    const third = start(env);
    await third.waitForEvent('order.placed');
    expect(await second.end()).toBe(0);
    const from = third.lines.length;
    await third.waitForEvent('order.placed', { from });
    expect(await third.end()).toBe(0);
    const left = connect(
      { ...server.settings, port: Number(env.EMBEDDED_PORT) },
      { poolSize: 1, logger: silentLogger() },
    );
    await expect(sql`SELECT 1`.execute(left.db)).rejects.toThrow(/ECONNREFUSED/);
    await left.close();
  });
});

describe('a start that cannot be', () => {
  it.each([
    [
      'an unknown host',
      { DATABASE_URL: 'postgresql://u:p@no-such-host.invalid:5432/x' },
      /no-such-host\.invalid.*\n.*fix: .*DB_HOST/,
      1,
    ],
    ['a setting out of range', { ORDERS_PER_MINUTE: 'many' }, /ORDERS_PER_MINUTE="many" is not a number/, 2],
  ])('%s: a message with the fix, no stack', async (_name, env, message, code) => {
    await freshDatabase();
    const result = await runCommand(['run'], env);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.code).toBe(code);
  });

  it('says what is wrong with password, database, TLS and the tables of others', async () => {
    const { url, settings, connections } = await freshDatabase();
    const change = (edit: (url: URL) => void) => {
      const changed = new URL(url);
      edit(changed);
      return { DATABASE_URL: changed.href };
    };
    const wrongPassword = await runCommand(
      ['run'],
      change((u) => {
        u.password = 'wrong';
      }),
    );
    expect(wrongPassword.stderr).toMatch(
      /refuses the password of user postgres[\s\S]*fix: correct DB_PASSWORD/,
    );
    const wrongDatabase = await runCommand(
      ['run'],
      change((u) => {
        u.pathname = '/nowhere';
      }),
    );
    expect(wrongDatabase.stderr).toMatch(/no database "nowhere"[\s\S]*CREATE DATABASE nowhere/);
    const wantsTls = await runCommand(['run'], { ...change(() => undefined), DB_SSLMODE: 'require' });
    expect(wantsTls.stderr).toMatch(/has no TLS[\s\S]*DB_SSLMODE=disable/);
    await sql`CREATE TABLE public.pedidos (id int)`.execute(connections.db);
    const foreign = await runCommand(['run'], { DATABASE_URL: urlOf(settings) });
    expect(foreign.stderr).toMatch(/public\.pedidos[\s\S]*fix: use an empty database/);
    for (const result of [wrongPassword, wrongDatabase, wantsTls, foreign]) expect(result.code).toBe(1);
  });

  it('names a port that was set and is taken', async () => {
    await freshDatabase();
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as { port: number };
    const result = await runCommand(['run'], {
      EMBEDDED_DATA_DIR: `${server.dataDir}-blocked`,
      EMBEDDED_PORT: String(port),
    });
    blocker.close();
    expect(result.stderr).toContain(`EMBEDDED_PORT=${port} is taken`);
    expect(result.code).toBe(1);
  });

  it('answers --help and an unknown command', async () => {
    await freshDatabase();
    const help = await runCommand(['--help'], {});
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('ORDERS_PER_MINUTE');
    const unknown = await runCommand(['dance'], {});
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/dance/);
  });
});
