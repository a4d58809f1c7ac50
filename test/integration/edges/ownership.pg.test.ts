import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seedShop } from '../../../src/catalog/seed.ts';
import { loadConfig } from '../../../src/config/config.ts';
import type { DatabaseSettings } from '../../../src/config/database.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { type Connections, connect } from '../../../src/db/pool.ts';
import { openSource } from '../../../src/db/source.ts';
import { ExitCode, OperatorError } from '../../../src/lib/errors.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { identifier } from '../../../src/lib/sql-text.ts';
import { runDaemon } from '../../support/daemon-run.ts';
import { createTestDatabase, type Template, type TestDatabase } from '../../support/database.ts';
import { checkInvariants } from '../../support/invariants.ts';
import { TEST_SHOP } from '../../support/shop.ts';

const logger = silentLogger();
const tail = randomBytes(3).toString('hex');
/** Quotes in the names: every statement that is printed must have them right. */
const ANA = `Ana "DBA" ${tail}`;
const BIA = `bia d'Ávila ${tail}`;

let database: TestDatabase;
let ana: Connections;
let bia: Connections;

async function setUp(template: Template): Promise<void> {
  database = await createTestDatabase({ template });
  const password = database.settings.password ?? '';
  for (const role of [ANA, BIA]) {
    await root(`CREATE ROLE ${identifier(role)} LOGIN PASSWORD '${password}'`);
  }
  ana = connect(as(ANA), { poolSize: 2, logger });
  bia = connect(as(BIA), { poolSize: 2, logger });
}
const as = (user: string): DatabaseSettings => ({ ...database.settings, user });
const root = (text: string) => database.connections.pool.query(text);
const q = identifier;

afterEach(async () => {
  await ana.close();
  await bia.close();
  for (const role of [ANA, BIA]) {
    await root(
      `REASSIGN OWNED BY ${q(role)} TO CURRENT_USER; DROP OWNED BY ${q(role)} CASCADE; DROP ROLE ${q(role)}`,
    );
  }
  await database.drop();
});

/** Of whom the shop is: tables, sequences, the function and the schema, as if Ana had migrated. */
async function giveShopTo(role: string): Promise<void> {
  await root(`
    DO $do$ DECLARE t record; BEGIN
      FOR t IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'simulator') AND c.relkind = 'r'
      LOOP EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', t.nspname, t.relname, $q$${role}$q$); END LOOP;
    END $do$;
    ALTER FUNCTION simulator.note_change() OWNER TO ${q(role)};
    ALTER SCHEMA simulator OWNER TO ${q(role)}`);
}

async function refusal(work: Promise<unknown>): Promise<OperatorError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OperatorError)) throw error ?? new Error('was not refused');
  expect(error.exitCode).toBe(ExitCode.failed);
  return error;
}
const statements = (fix: string) => fix.match(/\b(GRANT|ALTER|CREATE) [^;)]+/g) ?? [];

/** Relations of ours that the database has. */
async function relations(): Promise<number> {
  const { rowCount } = await root(
    `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'simulator')`,
  );
  return rowCount ?? 0;
}

describe('an empty database of somebody else', () => {
  beforeEach(() => setUp('empty'));

  it('without CONNECT is refused with the GRANT', async () => {
    await root(`REVOKE CONNECT ON DATABASE ${database.settings.database} FROM PUBLIC`);
    const config = { ...loadConfig({}).config, database: as(BIA) };
    const error = await refusal(openSource(config, logger, { patienceMs: 0 }));
    expect(error.message).toContain(BIA);
    expect(error.fix).toContain(
      `GRANT CONNECT, CREATE ON DATABASE ${database.settings.database} TO ${q(BIA)}`,
    );
  });

  it('with only CONNECT is refused before anything is written; with what the message grants it works', async () => {
    const error = await refusal(migrate(bia.db, logger));
    expect(error.message).toContain(`user ${BIA} may not create`);
    expect(await relations()).toBe(0);
    expect(statements(error.fix)).toHaveLength(2);
    for (const grant of statements(error.fix)) await root(grant);
    await migrate(bia.db, logger);
    await seedShop(as(BIA), TEST_SHOP, logger);
    expect(await checkInvariants(bia.db)).toEqual([]);
  });

  it('with a schema simulator of another owner is refused, whether or not it may be looked into', async () => {
    await root(`CREATE SCHEMA simulator AUTHORIZATION ${q(ANA)}; GRANT CREATE ON SCHEMA public TO ${q(BIA)}`);
    const error = await refusal(migrate(bia.db, logger));
    expect(error.message).toContain(`schema simulator belongs to ${ANA}`);
    await root(`GRANT USAGE ON SCHEMA simulator TO ${q(BIA)}`);
    expect((await refusal(migrate(bia.db, logger))).message).toContain(`schema simulator belongs to ${ANA}`);
    for (const grant of statements(error.fix)) await root(grant);
    expect(await migrate(bia.db, logger)).toHaveLength(2);
  });

  it('without a schema public is refused with the statement', async () => {
    await root(`DROP SCHEMA public; GRANT CREATE ON DATABASE ${database.settings.database} TO ${q(BIA)}`);
    const error = await refusal(migrate(bia.db, logger));
    expect(error.message).toContain('has no schema public');
    await root(statements(error.fix)[0] ?? '');
    expect(await migrate(bia.db, logger)).toHaveLength(2);
  });
});

describe('a shop of somebody else', () => {
  beforeEach(async () => {
    await setUp('seeded');
    await giveShopTo(ANA);
  });

  it('is refused to a role with only CONNECT, naming role, owner and grants; with the grants it just works', async () => {
    const before = await shopSize();
    const daemon = runDaemon(as(BIA));
    const error = await refusal(daemon.ended);
    expect(error.message).toContain(
      `user ${BIA} lacks privileges on the shop in ${database.settings.database}`,
    );
    expect(error.message).toContain(`(of ${ANA})`);
    expect(error.fix).toMatch(new RegExp(`connect as ${ANA}, or make it a member`));
    expect(await shopSize()).toEqual(before);
    const grants = statements(error.fix).filter((statement) => / ON /.test(statement));
    for (const grant of grants) await root(grant);
    await works(BIA);
  });

  it('is refused to a role that may only read, with what is missing alone', async () => {
    await root(`GRANT USAGE ON SCHEMA simulator TO ${q(BIA)};
      GRANT SELECT ON ALL TABLES IN SCHEMA public, simulator TO ${q(BIA)}`);
    const error = await refusal(migrate(bia.db, logger));
    expect(error.message).toContain('INSERT, UPDATE, DELETE ON public.status');
    expect(error.fix).not.toMatch(/GRANT SELECT, INSERT|USAGE ON SCHEMA/);
  });

  it('is open to a member of the owner, and to one that does not inherit once it does', async () => {
    await root(`GRANT ${q(ANA)} TO ${q(BIA)} WITH INHERIT FALSE`);
    const error = await refusal(migrate(bia.db, logger));
    expect(error.fix).toContain(`GRANT ${q(ANA)} TO ${q(BIA)} WITH INHERIT TRUE`);
    await root(`GRANT ${q(ANA)} TO ${q(BIA)} WITH INHERIT TRUE`);
    await works(BIA);
  });

  it('is not migrated on by one who does not own it, with whose work it is', async () => {
    await root(`GRANT USAGE ON SCHEMA simulator TO ${q(BIA)}; GRANT ALL ON ALL TABLES IN SCHEMA public, simulator TO ${q(BIA)};
      GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${q(BIA)};
      DELETE FROM simulator.migration WHERE name = '0002_simulator'`);
    const error = await refusal(migrate(bia.db, logger));
    expect(error.message).toContain(`user ${BIA} does not own the tables that 0002_simulator changes`);
    expect(error.message).toContain(ANA);
    expect(error.fix).toContain(`npm run sim -- migrate once as ${ANA}`);
  });

  it('under row security that hides it is refused to all but its owner', async () => {
    await root(`GRANT ${q(ANA)} TO ${q(BIA)}; ALTER TABLE public.pedidos ENABLE ROW LEVEL SECURITY`);
    await works(BIA);
    await root(`ALTER TABLE public.pedidos FORCE ROW LEVEL SECURITY`);
    const error = await refusal(migrate(ana.db, logger));
    expect(error.message).toContain('row security holds for this user in public.pedidos');
    expect(error.fix).toContain('ALTER TABLE public.pedidos NO FORCE ROW LEVEL SECURITY');
    await root(statements(error.fix)[0] ?? '');
    expect(await migrate(ana.db, logger)).toEqual([]);
  });

  it('that is closed while the daemon runs is told of, loses nothing, and is gone on with', async () => {
    await root(`GRANT ${q(ANA)} TO ${q(BIA)}`);
    const daemon = runDaemon(as(BIA));
    const placed = () => daemon.events('order.placed').length;
    const scheduled = async () => (await root('SELECT FROM simulator.order_schedule')).rowCount ?? 0;
    try {
      await expect.poll(placed, { timeout: 20_000 }).toBeGreaterThan(5);
      for (const [close, open, says] of [
        [
          'ALTER TABLE public.pedidos ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
          'ALTER TABLE public.pedidos DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY',
          /row-level security.*NO FORCE ROW LEVEL SECURITY/,
        ],
        [
          `REVOKE ${q(ANA)} FROM ${q(BIA)}`,
          `GRANT ${q(ANA)} TO ${q(BIA)}`,
          /permission denied for .*npm run sim -- migrate prints it/,
        ],
      ] as const) {
        const from = daemon.lines.length;
        const told = () =>
          daemon.lines
            .slice(from)
            .filter(({ level }) => level === 'error' || level === 'warn')
            .map(({ msg }) => msg);
        await root(close);
        const before = await scheduled();
        await expect.poll(() => told().join(), { timeout: 20_000 }).toMatch(says);
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        // what a policy hides is not taken for deleted
        expect(await scheduled()).toBe(before);
        expect(new Set(told()).size).toBe(told().length);
        expect(daemon.events('database.lost')).toEqual([]);
        await root(open);
        const then = placed();
        await expect.poll(placed, { timeout: 20_000 }).toBeGreaterThan(then);
      }
    } finally {
      await daemon.stop();
    }
    expect(await checkInvariants(database.connections.db)).toEqual([]);
  });

  async function shopSize(): Promise<unknown> {
    const { rows } =
      await root(`SELECT (SELECT count(*) FROM pedidos) AS orders, (SELECT sum(estoque) FROM produtos) AS stock,
      (SELECT count(*) FROM simulator.workers) AS workers, (SELECT count(*) FROM simulator.settings) AS settings`);
    return rows[0];
  }

  async function works(role: string): Promise<void> {
    const daemon = runDaemon(as(role));
    try {
      await expect.poll(() => daemon.events('order.placed').length, { timeout: 20_000 }).toBeGreaterThan(5);
    } finally {
      await daemon.stop();
    }
    expect(daemon.complaints()).toEqual([]);
    expect(await checkInvariants(database.connections.db)).toEqual([]);
  }
});
