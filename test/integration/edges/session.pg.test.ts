import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import type { DatabaseSettings } from '../../../src/config/database.ts';
import { type Connections, clientConfig, connect } from '../../../src/db/pool.ts';
import { openSource } from '../../../src/db/source.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { identifier, literal } from '../../../src/lib/sql-text.ts';
import { sourceSide } from '../../../src/verify/source-side.ts';
import { openTarget } from '../../../src/verify/targets/open.ts';
import { runDaemon } from '../../support/daemon-run.ts';
import { checkInvariants } from '../../support/invariants.ts';
import { ask, found, noCredentials } from '../../support/oracle.ts';

/** Cyrillic o, accents, a hyphen, a space, quotes. */
const DATABASE = `lоja-ção "x" ${process.pid}`;
const OWNER = `d'Ünal "é" ${process.pid}`;
const PASSWORD = 'pão & "água" \'1\' \\';

/** What people set on roles and databases, all of it wrong for somebody who does not look. */
const DEFAULTS: Readonly<Record<string, string>> = {
  client_encoding: 'latin1',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  search_path: 'trap',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  statement_timeout: '5s',
  lock_timeout: '3s',
  idle_in_transaction_session_timeout: '5s',
  row_security: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  lc_numeric: 'C',
  xmloption: 'document',
};

let admin: pg.Client;
let settings: DatabaseSettings;
let connections: Connections;

beforeAll(async () => {
  const server = inject('pgAdmin');
  admin = new pg.Client(clientConfig(server));
  await admin.connect();
  await admin.query(`CREATE ROLE ${identifier(OWNER)} LOGIN PASSWORD ${literal(PASSWORD)}`);
  await admin.query(`CREATE DATABASE ${identifier(DATABASE)} OWNER ${identifier(OWNER)} TEMPLATE template0`);
  settings = { ...server, database: DATABASE, user: OWNER, password: PASSWORD };
  const inside = new pg.Client(clientConfig({ ...server, database: DATABASE }));
  await inside.connect();
  await inside.query(`
    CREATE SCHEMA trap;
    CREATE TABLE trap.clientes (id int); CREATE TABLE trap.pedidos (id int); CREATE TABLE trap.produtos (id int);
    CREATE TABLE trap.status (id int); CREATE TABLE trap.settings (key int);
    GRANT USAGE ON SCHEMA trap TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA trap TO PUBLIC`);
  await inside.end();
  let odd = false;
  for (const [name, value] of Object.entries(DEFAULTS)) {
    odd = !odd;
    const whose = odd ? `ROLE ${identifier(OWNER)}` : `DATABASE ${identifier(DATABASE)}`;
    const written = name === 'search_path' ? value : literal(value);
    await admin.query(`ALTER ${whose} SET ${name} = ${written}`);
  }
  connections = connect(settings, { poolSize: 3, logger: silentLogger() });
});
afterAll(async () => {
  await connections.close();
  await admin.query(`DROP DATABASE IF EXISTS ${identifier(DATABASE)} WITH (FORCE)`);
  await admin.query(`DROP ROLE ${identifier(OWNER)}`);
  await admin.end();
});

describe('a role and a database of other alphabets that have every session default otherwise', () => {
  it('are opened with a shop, and its traffic keeps every invariant', async () => {
    const daemon = runDaemon(settings);
    try {
      await expect.poll(() => daemon.events('order.placed').length, { timeout: 30_000 }).toBeGreaterThan(20);
      await expect
        .poll(() => daemon.events('order.delivered').length, { timeout: 30_000 })
        .toBeGreaterThan(0);
    } finally {
      await daemon.stop();
    }
    expect(daemon.complaints()).toEqual([]);
    expect(await checkInvariants(connections.db)).toEqual([]);
    const { rows } = await admin.query(`SELECT 1 FROM pg_database WHERE datname = $1`, [DATABASE]);
    expect(rows).toHaveLength(1);
  });

  it('are the same on both sides of verify, accents and microseconds included', async () => {
    const { user, password, host, port, database } = settings;
    const auth = `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}`;
    const target = await openTarget({
      target: `postgres://${auth}@${host}:${port}/${encodeURIComponent(database)}`,
      schema: undefined,
      hevo: false,
      databricks: noCredentials,
    });
    // our own session against one that thinks in UTC
    const report = await ask(sourceSide(connections.pool, 'source'), target, { probes: 1, waitMs: 5_000 });
    await target.close();
    expect(found(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.latency).not.toBeNull();
    const { rows } = await connections.pool.query<{ nome: string }>(
      `SELECT nome FROM public.formapagamento WHERE id = 1`,
    );
    expect(rows[0]?.nome).toBe('Cartão Crédito');
    const trapped = await connections.pool.query(
      'SELECT FROM trap.clientes UNION ALL SELECT FROM trap.pedidos',
    );
    expect(trapped.rowCount).toBe(0);
  });

  it('are refused when they are read-only, with the statement that ends it', async () => {
    await admin.query(
      `ALTER ROLE ${identifier(OWNER)} IN DATABASE ${identifier(DATABASE)} SET default_transaction_read_only = on`,
    );
    try {
      await expectRefusal(settings, /read-only for d'Ünal/);
    } finally {
      await admin.query(
        `ALTER ROLE ${identifier(OWNER)} IN DATABASE ${identifier(DATABASE)} RESET default_transaction_read_only`,
      );
    }
  });

  it('are refused when triggers do not fire for them: nothing would be noted', async () => {
    await admin.query(`ALTER DATABASE ${identifier(DATABASE)} SET session_replication_role = replica`);
    await expectRefusal(settings, /session_replication_role = replica: no trigger fires/);
  });

  /** Refused, nothing written; the statement of the fix mends it. */
  async function expectRefusal(where: DatabaseSettings, says: RegExp): Promise<void> {
    const config = { ...loadConfig({}).config, database: where };
    const error = (await openSource(config, silentLogger()).catch((thrown: unknown) => thrown)) as Error & {
      fix: string;
    };
    expect(error).toMatchObject({ name: 'OperatorError', exitCode: 1 });
    expect(error.message).toMatch(says);
    await admin.query(/ALTER [^;]+/.exec(error.fix)?.[0] ?? 'the fix has no statement');
    const source = await openSource(config, silentLogger());
    await source.close();
  }
});

/** As PgBouncer answers a startup packet with something that it does not know. */
async function poolerWithoutOptions(target: { host: string; port: number }) {
  const refusals: string[] = [];
  const server = createServer((client: Socket) => {
    client.once('data', (packet) => {
      if (packet.includes('options\0')) {
        refusals.push('options');
        const text = 'SFATAL\0C08P01\0Munsupported startup parameter: options\0\0';
        const answer = Buffer.alloc(5 + text.length);
        answer.write('E');
        answer.writeInt32BE(4 + text.length, 1);
        answer.write(text, 5);
        client.end(answer);
        return;
      }
      const upstream = connectSocket(target.port, target.host);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
      upstream.write(packet);
      client.pipe(upstream).pipe(client);
    });
    client.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, refusals, close: () => server.close() };
}

describe('a pooler that takes no startup options', () => {
  it('is worked through without them, and what the role then has is judged', async () => {
    const server = inject('pgAdmin');
    const pooler = await poolerWithoutOptions(server);
    const through = (database: DatabaseSettings) => ({
      ...loadConfig({}).config,
      database: { ...database, host: '127.0.0.1', port: pooler.port },
    });
    try {
      const source = await openSource(through(server), silentLogger());
      expect(source.settings.plainStartup).toBe(true);
      await source.connections.pool.query('SELECT 1');
      await source.close();
      expect(pooler.refusals).toHaveLength(1);
      await expect(openSource(through(settings), silentLogger())).rejects.toMatchObject({
        message: expect.stringMatching(/have DateStyle = SQL, DMY: times would be misread/) as string,
        fix: expect.stringContaining('RESET DateStyle') as string,
      });
    } finally {
      pooler.close();
    }
  });
});
