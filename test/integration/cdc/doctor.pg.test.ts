import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySetup } from '../../../src/cdc/apply-setup.ts';
import type { CheckStatus } from '../../../src/cdc/checks/check.ts';
import { type DoctorOptions, type DoctorReport, runDoctor } from '../../../src/cdc/doctor.ts';
import { scramVerifier } from '../../../src/cdc/password.ts';
import { readFacts } from '../../../src/cdc/read-facts.ts';
import { planSetup } from '../../../src/cdc/setup.ts';
import { clientConfig, connect } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startTestServer, type TestServer } from '../../support/pg-server.ts';

// a server of its own: roles, slots and running transactions of other tests would be reported too
const ROLE = 'cdc_reader';
const options: DoctorOptions = {
  maxSlotLagBytes: 2 ** 50,
  maxDatabaseBytes: 0,
  walWindowMs: 0,
  endToEndLimitMs: 60_000,
};

let server: TestServer;
let database: TestDatabase;

beforeAll(async () => {
  server = await startTestServer({ max_prepared_transactions: '5', max_slot_wal_keep_size: '-1' });
  database = await createTestDatabase({ template: 'migrated', admin: server.settings });
  await setUp();
});

afterAll(async () => {
  await database?.drop();
  await server?.stop();
});

async function setUp(): Promise<number> {
  const { connections, settings } = database;
  const facts = await readFacts(connections, settings, {
    publication: 'cdc_sim',
    readerRole: ROLE,
    walWindowMs: 0,
  });
  const { steps } = planSetup(facts, {
    publication: 'cdc_sim',
    readerRole: ROLE,
    passwordVerifier: scramVerifier('uma-senha-boa'),
    changePassword: false,
    fullIdentity: [],
  });
  const applied = await applySetup(connections.pool, steps);
  expect(applied.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
  return applied.length;
}

async function run(...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await database.connections.pool.query(statement);
}

async function examine(change: Partial<DoctorOptions> = {}): Promise<DoctorReport> {
  return runDoctor(database.connections, database.settings, { ...options, ...change });
}

function notPassing(report: DoctorReport): Record<string, CheckStatus> {
  return Object.fromEntries(
    report.checks.flatMap(({ id, status }) => (status === 'pass' ? [] : [[id, status]])),
  );
}

/** Every check but the end-to-end probe, which is not tried while what it needs is broken. */
function judged(report: DoctorReport): Record<string, CheckStatus> {
  const { 'end-to-end': endToEnd, ...rest } = notPassing(report);
  expect([undefined, 'note']).toContain(endToEnd);
  return rest;
}

interface Fault {
  readonly title: string;
  readonly plant: readonly string[];
  readonly expected: Readonly<Record<string, CheckStatus>>;
  /** Run after the printed fix, to leave the source as it was. */
  readonly tidy?: readonly string[];
}

const faults: readonly Fault[] = [
  {
    title: 'a publication that lacks a table',
    plant: ['ALTER PUBLICATION cdc_sim DROP TABLE public.marcas'],
    expected: { 'publication-tables': 'fail' },
  },
  {
    title: 'a publication that lacks the heartbeat',
    plant: ['ALTER PUBLICATION cdc_sim DROP TABLE public.cdc_heartbeat'],
    expected: { 'publication-tables': 'fail' },
  },
  {
    title: 'a publication with a row filter',
    plant: [
      'ALTER PUBLICATION cdc_sim DROP TABLE public.clientes',
      'ALTER PUBLICATION cdc_sim ADD TABLE public.clientes WHERE (id > 100)',
    ],
    expected: { 'publication-filters': 'fail' },
  },
  {
    title: 'a publication with a column list',
    plant: [
      'ALTER PUBLICATION cdc_sim DROP TABLE public.marcas',
      'ALTER PUBLICATION cdc_sim ADD TABLE public.marcas (id, nome)',
    ],
    expected: { 'publication-filters': 'fail' },
  },
  {
    title: 'a publication without deletes',
    plant: [`ALTER PUBLICATION cdc_sim SET (publish = 'insert, update')`],
    expected: { 'publication-operations': 'fail' },
  },
  {
    title: 'a publication with truncate',
    plant: [`ALTER PUBLICATION cdc_sim SET (publish = 'insert, update, delete, truncate')`],
    expected: { 'publication-operations': 'note' },
  },
  {
    title: 'a reader without REPLICATION',
    plant: [`ALTER ROLE ${ROLE} NOREPLICATION`],
    expected: { 'reader-role': 'fail' },
  },
  {
    title: 'a reader that may not log in',
    plant: [`ALTER ROLE ${ROLE} NOLOGIN CONNECTION LIMIT 0`],
    expected: { 'reader-role': 'fail' },
  },
  {
    title: 'a reader that has expired',
    plant: [`ALTER ROLE ${ROLE} VALID UNTIL '2001-01-01'`],
    expected: { 'reader-role': 'fail' },
  },
  {
    title: 'a reader without SELECT on a table',
    plant: [`REVOKE SELECT ON public.pedidos FROM ${ROLE}`],
    expected: { privileges: 'fail' },
  },
  {
    title: 'a reader without USAGE and CONNECT',
    plant: [
      `REVOKE USAGE ON SCHEMA public FROM ${ROLE}, PUBLIC`,
      `DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM ${ROLE}, PUBLIC', current_database()); END $$`,
    ],
    expected: { privileges: 'fail', 'row-security': 'note' },
    tidy: [
      'GRANT USAGE ON SCHEMA public TO PUBLIC',
      `DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$`,
    ],
  },
  {
    title: 'a reader that will not see later tables',
    plant: [`ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM ${ROLE}`],
    expected: { privileges: 'warn' },
  },
  {
    title: 'row security that hides rows',
    plant: ['ALTER TABLE public.clientes ENABLE ROW LEVEL SECURITY'],
    expected: { 'row-security': 'fail' },
    tidy: ['ALTER TABLE public.clientes DISABLE ROW LEVEL SECURITY', `ALTER ROLE ${ROLE} NOBYPASSRLS`],
  },
  {
    title: "a statement timeout on the reader's role",
    plant: [`ALTER ROLE ${ROLE} SET statement_timeout = '2min'`],
    expected: { timeouts: 'warn' },
  },
  {
    title: 'a table without a primary key',
    plant: ['ALTER TABLE public.itenspedido DROP CONSTRAINT itenspedido_pkey'],
    expected: { 'primary-keys': 'fail' },
  },
  {
    title: 'replica identity nothing',
    plant: ['ALTER TABLE public.pedidos REPLICA IDENTITY NOTHING'],
    expected: { 'replica-identity': 'fail' },
  },
  {
    title: 'an unlogged table',
    plant: [
      'ALTER PUBLICATION cdc_sim DROP TABLE public.cdc_heartbeat',
      'ALTER TABLE public.cdc_heartbeat SET UNLOGGED',
    ],
    expected: { unlogged: 'fail' },
  },
  {
    title: 'an array column',
    plant: ['ALTER TABLE public.produtos ADD COLUMN etiquetas text[]'],
    expected: { 'column-types': 'warn' },
  },
  {
    title: 'a generated column',
    plant: ['ALTER TABLE public.produtos ADD COLUMN dobro int GENERATED ALWAYS AS (estoque * 2) STORED'],
    expected: { 'column-types': 'warn' },
  },
  {
    title: 'a numeric without scale',
    plant: ['ALTER TABLE public.produtos ADD COLUMN nota numeric'],
    expected: { 'column-types': 'warn' },
  },
  {
    title: 'a column name that readers rewrite',
    plant: ['ALTER TABLE public.produtos ADD COLUMN "Preço Sugerido" numeric(12,2)'],
    expected: { names: 'warn' },
  },
  {
    title: 'a slot that nobody reads',
    plant: [`SELECT pg_create_logical_replication_slot('esquecido', 'pgoutput')`],
    expected: { 'slots-active': 'warn' },
  },
  {
    title: 'a value stored out of line',
    plant: [
      'ALTER TABLE public.marcas ADD COLUMN historia text',
      `INSERT INTO public.marcas (id, nome, historia) SELECT 900, 'Longa', string_agg(md5(i::text), '') FROM generate_series(1, 400) i`,
    ],
    expected: { 'out-of-line': 'note' },
  },
];

describe('doctor on a real source', () => {
  it('finds everything right after setup-cdc', async () => {
    const report = await examine();
    expect(notPassing(report)).toEqual({});
    expect(report.checks.find(({ id }) => id === 'end-to-end')?.detail).toContain('came through');
    expect(report.counts.pass).toBe(report.checks.length);
  });

  it.each(faults)(
    'reports $title, nothing else, and the printed fix mends it',
    async ({ plant, expected, tidy }) => {
      await run(...plant);
      const sick = await examine();
      expect(judged(sick)).toEqual(expected);
      const first = sick.checks.find(({ id }) => id === Object.keys(expected)[0]);
      expect(first?.sql?.length, 'the fix has statements').toBeGreaterThan(0);
      await run(...(first?.sql ?? []));
      expect(notPassing(await examine())).toEqual({});
      await run(...(tidy ?? []));
    },
  );

  it('reports a publication that is gone, and setup-cdc mends it', async () => {
    await run('DROP PUBLICATION cdc_sim');
    expect(judged(await examine())).toMatchObject({ 'publication-tables': 'fail' });
    expect(await setUp()).toBe(1);
    expect(notPassing(await examine())).toEqual({});
  });

  it('reports an old transaction with the pid to end', async () => {
    const idler = new pg.Client(clientConfig(database.settings, 'idler'));
    const ended = new Promise((resolve) => idler.once('end', resolve));
    idler.on('error', () => undefined);
    await idler.connect();
    await idler.query('BEGIN');
    await idler.query('SELECT pg_current_xact_id()');
    await idler.query('SELECT pg_sleep(0.3)');
    const sick = await examine({ longTransactionSeconds: 0.25 });
    expect(judged(sick)).toEqual({ 'old-transactions': 'warn' });
    await run(...(sick.checks.find(({ id }) => id === 'old-transactions')?.sql ?? []));
    await ended;
    await expect
      .poll(async () => notPassing(await examine({ longTransactionSeconds: 0.25 })), { timeout: 30_000 })
      .toEqual({});
  });

  it('reports a prepared transaction', async () => {
    const client = await database.connections.pool.connect();
    await client.query('BEGIN');
    await client.query(`UPDATE public.status SET nome = nome WHERE id = 1`);
    await client.query(`PREPARE TRANSACTION 'lost one'`);
    client.release();
    const sick = await examine({ longTransactionSeconds: 0.001 });
    expect(judged(sick)).toEqual({ 'old-transactions': 'warn' });
    await run(...(sick.checks.find(({ id }) => id === 'old-transactions')?.sql ?? []));
    expect(notPassing(await examine())).toEqual({});
  });

  it('leaves no slot behind and reads none of the others', async () => {
    await run(`SELECT pg_create_logical_replication_slot('alheio', 'pgoutput')`);
    const before = await database.connections.pool.query(
      `SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots ORDER BY 1`,
    );
    await examine();
    const after = await database.connections.pool.query(
      `SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots ORDER BY 1`,
    );
    expect(after.rows).toEqual(before.rows);
    await run(`SELECT pg_drop_replication_slot('alheio')`);
  });

  it('says what a role without privileges cannot see, and does not break', async () => {
    await run(`CREATE ROLE espiao LOGIN PASSWORD 'espiao-1'`);
    const settings = { ...database.settings, user: 'espiao', password: 'espiao-1' };
    const connections = connect(settings, { poolSize: 2, logger: silentLogger() });
    const report = await runDoctor(connections, settings, options).finally(() => connections.close());
    expect(report.checks.find(({ id }) => id === 'end-to-end')?.detail).toContain(
      'espiao has no REPLICATION',
    );
    expect(report.checks.find(({ id }) => id === 'row-security')?.detail).toContain('judged by the catalog');
    expect(report.counts.fail).toBe(0);
    await run('DROP ROLE espiao');
  });

  it('works on a database in which nothing was made', async () => {
    const empty = await createTestDatabase({ template: 'empty', admin: server.settings });
    const report = await runDoctor(empty.connections, empty.settings, {
      ...options,
      readerRole: 'nobody_yet',
    });
    expect(report.checks.filter(({ status }) => status === 'fail').map(({ id }) => id)).toEqual([
      'reader-role',
      'tables',
      'publication-tables',
    ]);
    expect(report.checks.at(-1)).toMatchObject({ id: 'end-to-end', status: 'note' });
    await empty.drop();
  });
});
