import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppliedStep, applySetup } from '../../../src/cdc/apply-setup.ts';
import { scramVerifier } from '../../../src/cdc/password.ts';
import { readFacts } from '../../../src/cdc/read-facts.ts';
import { planSetup, renderScript, type SetupOptions, type SetupPlan } from '../../../src/cdc/setup.ts';
import type { DatabaseSettings } from '../../../src/config/database.ts';
import { type Connections, clientConfig, connect } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const PASSWORD = 'senha-do-leitor';
/** Roles belong to the server: names of this run alone. */
const suffix = randomBytes(5).toString('hex');
const reader = `leitor_${suffix}`;
let database: TestDatabase;
let second: TestDatabase;
const roles: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase({ template: 'migrated' });
  second = await createTestDatabase({ template: 'migrated' });
});

afterAll(async () => {
  for (const one of [database, second]) {
    for (const role of [reader, ...roles]) {
      await one?.connections.pool
        .query(`REASSIGN OWNED BY ${role} TO postgres; DROP OWNED BY ${role}`)
        .catch(() => undefined);
    }
  }
  for (const role of [reader, ...roles]) await second?.connections.pool.query(`DROP ROLE IF EXISTS ${role}`);
  await database?.drop();
  await second?.drop();
});

async function plan(
  connections: Connections,
  settings: DatabaseSettings,
  change: Partial<SetupOptions> = {},
): Promise<SetupPlan> {
  const options = {
    publication: 'cdc_sim',
    readerRole: reader,
    passwordVerifier: scramVerifier(PASSWORD),
    changePassword: false,
    fullIdentity: [],
    ...change,
  };
  return planSetup(await readFacts(connections, settings, { ...options, walWindowMs: 0 }), options);
}

async function signIn(settings: DatabaseSettings, password: string): Promise<string> {
  const client = new pg.Client(clientConfig({ ...settings, user: reader, password }));
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ orders: number }>(
      'SELECT count(*)::int AS orders FROM public.pedidos',
    );
    return `${rows[0]?.orders} orders`;
  } finally {
    await client.end();
  }
}

const denied = (steps: readonly AppliedStep[]) => steps.filter(({ outcome }) => outcome === 'denied');

describe('setup-cdc', () => {
  it('prepares a source once; again there is nothing to do', async () => {
    const { connections, settings } = database;
    const first = await plan(connections, settings);
    expect(first.steps.length).toBeGreaterThan(3);
    const applied = await applySetup(connections.pool, first.steps);
    expect(denied(applied)).toEqual([]);
    expect((await plan(connections, settings)).steps).toEqual([]);
    const slots = await connections.pool.query(
      'SELECT 1 FROM pg_replication_slots WHERE database = current_database()',
    );
    expect(slots.rowCount).toBe(0);
  });

  it('lets the reader sign in with its password and with no other', async () => {
    expect(await signIn(database.settings, PASSWORD)).toBe('0 orders');
    await expect(signIn(database.settings, 'outra-senha')).rejects.toMatchObject({ code: '28P01' });
  });

  it('lets the reader stream what the publication carries', async () => {
    const client = new pg.Client({
      ...clientConfig({ ...database.settings, user: reader, password: PASSWORD }),
      replication: 'database',
    } as pg.ClientConfig);
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ systemid: string }>('IDENTIFY_SYSTEM');
    await client.end();
    expect(rows[0]?.systemid).toMatch(/^\d+$/);
  });

  it('lets the reader read a table that is made later', async () => {
    await database.connections.pool.query('CREATE TABLE public.mais_tarde (id int PRIMARY KEY)');
    const { rows } = await database.connections.pool.query<{ may: boolean }>(
      `SELECT has_table_privilege($1::name, 'public.mais_tarde', 'SELECT') AS may`,
      [reader],
    );
    expect(rows[0]?.may).toBe(true);
  });

  it('prints a script that leads to the same', async () => {
    const { connections, settings } = second;
    const printed = await plan(connections, settings, { fullIdentity: ['produtos'] });
    await connections.pool.query(renderScript(printed));
    expect((await plan(connections, settings, { fullIdentity: ['produtos'] })).steps).toEqual([]);
    const { rows } = await connections.pool.query<{ identity: string }>(
      `SELECT relreplident::text AS identity FROM pg_class WHERE oid = 'public.produtos'::regclass`,
    );
    expect(rows[0]?.identity).toBe('f');
  });

  it('gives BYPASSRLS when row security would hide rows', async () => {
    const { connections, settings } = database;
    await connections.pool.query('ALTER TABLE public.clientes ENABLE ROW LEVEL SECURITY');
    const { steps } = await plan(connections, settings);
    expect(steps.map(({ sql }) => sql)).toEqual([`ALTER ROLE ${reader} BYPASSRLS`]);
    await applySetup(connections.pool, steps);
    expect((await plan(connections, settings)).steps).toEqual([]);
  });

  it('does what the role may, and says what it may not and who can', async () => {
    const weak = `fraco_${suffix}`;
    const target = `alvo_${suffix}`;
    roles.push(weak, target);
    const { pool } = database.connections;
    await pool.query(`CREATE ROLE ${weak} LOGIN CREATEROLE PASSWORD 'fraco-12'`);
    const settings = { ...database.settings, user: weak, password: 'fraco-12' };
    const connections = connect(settings, { poolSize: 1, logger: silentLogger() });
    try {
      const { steps } = await plan(connections, settings, { readerRole: target });
      const applied = await applySetup(connections.pool, steps);
      const made = applied
        .filter(({ outcome }) => outcome === 'done')
        .map(({ sql }) => sql.split(' ').slice(0, 3).join(' '));
      expect(made).toContain(`CREATE ROLE ${target}`);
      const refused = denied(applied);
      expect(refused.map(({ sql }) => sql)).toContain(`ALTER ROLE ${target} REPLICATION`);
      for (const step of refused) {
        expect(step.why, step.sql).toBeTruthy();
        expect(step.ifDenied, step.sql).toMatch(/--print|--reader-role|CREATE POLICY/);
      }
    } finally {
      await connections.close();
    }
    const { rowCount } = await pool.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [target]);
    expect(rowCount).toBe(1);
  });

  it('undoes everything when a statement is wrong', async () => {
    const { pool } = second.connections;
    const step = (sql: string) => ({ sql, reason: '', ifDenied: '' });
    await expect(
      applySetup(pool, [
        step('CREATE TABLE public.resto (id int)'),
        step('ALTER TABLE public.nada ADD x int'),
      ]),
    ).rejects.toThrow(/could not run: ALTER TABLE public.nada/);
    const { rows } = await pool.query<{ rest: string | null }>(
      `SELECT to_regclass('public.resto')::text AS rest`,
    );
    expect(rows[0]?.rest).toBeNull();
  });
});
