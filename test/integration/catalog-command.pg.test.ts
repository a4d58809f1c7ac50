import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { sql } from 'kysely';
import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication';
import { afterEach, describe, expect, it } from 'vitest';
import { register } from '../../src/catalog/command.ts';
import { resetDatabase } from '../../src/catalog/reset.ts';
import { PUBLICATION } from '../../src/cdc/names.ts';
import type { CommandContext } from '../../src/command-context.ts';
import { loadConfig } from '../../src/config/config.ts';
import { clientConfig } from '../../src/db/pool.ts';
import { privateTables, publishedTables } from '../../src/db/schema.ts';
import { OperatorError, UsageError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createTestDatabase, type Template, type TestDatabase } from '../support/database.ts';
import { checkInvariants } from '../support/invariants.ts';

let database: TestDatabase;
afterEach(() => database.drop());

const open = async (template: Template) => {
  database = await createTestDatabase({ template });
};

interface Asked {
  /** What the person types; null: there is no terminal. */
  readonly answer?: string | null;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Runs a command as the terminal would; returns what it printed. */
async function run(
  argv: readonly string[],
  { answer = null, env = {}, signal = new AbortController().signal }: Asked = {},
): Promise<string> {
  let printed = '';
  const { config } = loadConfig({ DATABASE_URL: database.url, ...env });
  const context: CommandContext = {
    config: () => config,
    logger: silentLogger,
    daemonLogger: silentLogger,
    print: (text) => {
      printed += text;
    },
    printError: () => {},
    isTerminal: false,
    ask: async () => answer,
    signal,
    env: {},
    exit: () => {},
  };
  const program = new Command().exitOverride();
  register(program, context);
  await program.parseAsync([...argv], { from: 'user' });
  return printed;
}

/** The error that a command ends with. */
async function failure(argv: readonly string[], asked: Asked = {}): Promise<OperatorError> {
  const error = await run(argv, asked).then(
    (printed) => new Error(`it did not fail, but printed ${printed}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof OperatorError) return error;
  throw error;
}

/** Every relation, function, schema and publication of the database that is not the server's own. */
async function inventory(): Promise<string[]> {
  const { rows } = await sql<{ what: string }>`
    SELECT 'relation ' || c.oid::regclass || ' ' || c.relkind::text AS what FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^(pg_|information_schema)'
    UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'
    UNION ALL SELECT 'publication ' || pubname FROM pg_publication
    ORDER BY 1`.execute(database.connections.db);
  return rows.map((row) => row.what);
}

async function query(text: string): Promise<void> {
  await sql.raw(text).execute(database.connections.db);
}

const POLL = { timeout: 60_000, interval: 100 };

const SMALL_SHOP = {
  SEED_CUSTOMERS: '20',
  SEED_PRODUCTS: '30',
  HISTORY_DAYS: '10',
  HISTORY_ORDERS: '40',
  RANDOM_SEED: 'command',
};

describe('migrate and seed', () => {
  it('say what they did, and the second time that there was nothing to do', async () => {
    await open('empty');
    expect(await run(['migrate'])).toMatch(/migrated: 0001_shop, 0002_simulator/);
    expect(await run(['migrate'])).toMatch(/up to date: nothing to do/);
    expect(JSON.parse(await run(['migrate', '--json']))).toMatchObject({ migrations: [] });
    const opened = await run(['seed'], { env: SMALL_SHOP });
    expect(opened).toMatch(/30 products, 20 customers, 40 past orders \(RANDOM_SEED=command\)/);
    expect(await checkInvariants(database.connections.db)).toEqual([]);
    const again = await run(['seed'], { env: { ...SMALL_SHOP, RANDOM_SEED: 'other' } });
    expect(again).toMatch(/has its shop already.*RANDOM_SEED=command: nothing was changed/);
    expect(JSON.parse(await run(['seed', '--json']))).toMatchObject({
      created: false,
      migrations: [],
      shop: { seed: 'command' },
    });
  });

  it('leave nothing half-open when they are interrupted', async () => {
    await open('migrated');
    const error = await failure(['seed'], { env: SMALL_SHOP, signal: AbortSignal.abort('SIGINT') });
    expect(error.message).toMatch(/interrupted/);
    const { rows } = await sql`SELECT 1 FROM status`.execute(database.connections.db);
    expect(rows).toEqual([]);
    expect(await run(['seed'], { env: SMALL_SHOP })).toMatch(/shop opened/);
  });

  it('name every table that they make, so that reset knows them all', async () => {
    await open('migrated');
    const { rows } = await sql<{ name: string }>`
      SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('public', 'simulator') ORDER BY 1`.execute(
      database.connections.db,
    );
    const known = [
      ...publishedTables.map((name) => `public.${name}`),
      ...privateTables.map((name) => `simulator.${name}`),
    ];
    expect(rows.map((row) => row.name)).toEqual(known.toSorted());
  });
});

describe('reset', () => {
  it('drops all that was made, nothing else, and a shop can be opened again', async () => {
    await open('empty');
    await query(`CREATE SCHEMA crm; CREATE TABLE crm.contatos (id int PRIMARY KEY); CREATE TABLE public.notas (id int PRIMARY KEY);
      CREATE PUBLICATION de_outro FOR TABLE public.notas`);
    const before = await inventory();
    await run(['seed'], { env: SMALL_SHOP });
    await query(`CREATE PUBLICATION ${PUBLICATION} FOR TABLE public.clientes, public.pedidos`);
    const report = JSON.parse(await run(['reset', '--yes', '--json']));
    expect(report.dropped).toEqual({
      tables: publishedTables.length + privateTables.length,
      schema: 'simulator',
      publication: true,
      slot: false,
    });
    expect(await inventory()).toEqual(before);
    await run(['seed'], { env: SMALL_SHOP });
    expect(await checkInvariants(database.connections.db)).toEqual([]);
  });

  it('refuses a database that it did not make, with or without tables of its names, and leaves it untouched', async () => {
    await open('empty');
    await query(`CREATE TABLE public.clientes (id int PRIMARY KEY); INSERT INTO public.clientes VALUES (7);
      CREATE SCHEMA simulator; CREATE TABLE simulator.settings (nome text); CREATE TABLE simulator.workers (id int)`);
    const before = await inventory();
    const error = await failure(['reset', '--yes', '--force']);
    expect(error.message).toMatch(/was made by cdc-sim; nothing was changed/);
    expect(error.exitCode).toBe(1);
    expect(await inventory()).toEqual(before);
    await query(`DROP SCHEMA simulator CASCADE; DROP TABLE public.clientes`);
    expect((await failure(['reset', '--yes'])).message).toMatch(/was made by cdc-sim/);
  });

  it('refuses while a worker lives, and goes ahead when it is dead, or when it is told to', async () => {
    await open('migrated');
    const live = (seconds: number) =>
      query(
        `INSERT INTO simulator.workers (id, name, seen_at) VALUES ('${randomUUID()}', 'loja:1', clock_timestamp() - interval '${seconds} s')`,
      );
    // far ahead of the lease, so that a slow machine does not outlive it
    await live(-600);
    const before = await inventory();
    const error = await failure(['reset', '--yes']);
    expect(error.message).toMatch(/a worker writes into this database: loja:1/);
    expect(error.fix).toMatch(/--force/);
    expect(await inventory()).toEqual(before);
    await query('DELETE FROM simulator.workers');
    await live(20);
    expect(await run(['reset', '--yes'])).toMatch(/tables and the schema simulator are dropped/);
    await run(['migrate']);
    await live(-600);
    expect(await run(['reset', '--yes', '--force'])).toMatch(/is reset/);
  });

  it('asks for the name of the database first', async () => {
    await open('migrated');
    const before = await inventory();
    const nobody = await failure(['reset']);
    expect(nobody).toBeInstanceOf(UsageError);
    expect(nobody.fix).toMatch(/--yes/);
    expect((await failure(['reset'], { answer: 'y' })).message).toMatch(/not confirmed/);
    expect(await inventory()).toEqual(before);
    await run(['reset'], { answer: ` ${database.settings.database}\n` });
    expect((await inventory()).length).toBeLessThan(5);
  });

  it('drops nothing at all when somebody depends on a table', async () => {
    await open('migrated');
    await query(`CREATE VIEW public.relatorio AS SELECT count(*) AS n FROM simulator.ledger`);
    const before = await inventory();
    const error = await failure(['reset', '--yes']);
    expect(error.message).toMatch(/relatorio.*nothing was changed/);
    expect(await inventory()).toEqual(before);
  });

  it('drops its own slot when nobody reads it, and tells of those that stay', async () => {
    await open('migrated');
    // slots belong to the whole server, and other tests use it too: names of this test's own
    const names = {
      publication: PUBLICATION,
      slot: `own_${randomUUID().replaceAll('-', '')}`,
      readerRole: `reader_${randomUUID().replaceAll('-', '')}`,
    };
    const others = `other_${randomUUID().replaceAll('-', '')}`;
    const { db } = database.connections;
    await query(`CREATE ROLE ${names.readerRole}`);
    for (const slot of [names.slot, others])
      await query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    const slots = async () => {
      const { rows } = await sql<{ name: string; active: boolean }>`
        SELECT slot_name AS name, active FROM pg_replication_slots WHERE database = current_database()`.execute(
        db,
      );
      return rows;
    };
    const reader = new LogicalReplicationService(
      { ...clientConfig(database.settings) },
      { acknowledge: { auto: false, timeoutSeconds: 0 } },
    );
    reader.on('error', () => undefined);
    const reading = reader
      .subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: [PUBLICATION] }), names.slot)
      .catch(() => undefined);
    try {
      await expect
        .poll(async () => (await slots()).find(({ name }) => name === names.slot)?.active, POLL)
        .toBe(true);
      const busy = await resetDatabase(db, names, { force: false });
      expect(busy.slot).toBe(false);
      expect(busy.stays.join('\n')).toContain(`the slot ${names.slot} is in use`);
      await reader.stop();
      await reading;
      await expect
        .poll(async () => (await slots()).find(({ name }) => name === names.slot)?.active, POLL)
        .toBe(false);
      await run(['migrate']);
      const free = await resetDatabase(db, names, { force: false });
      expect(free.slot).toBe(true);
      expect(free.stays.join('\n')).toMatch(
        new RegExp(
          `the slot ${others} belongs to a reader[^]*the role ${names.readerRole} belongs to the server`,
        ),
      );
      expect((await slots()).map(({ name }) => name)).toEqual([others]);
    } finally {
      await reader.stop();
      await reading;
      await query(`SELECT pg_drop_replication_slot('${others}'); DROP ROLE ${names.readerRole}`);
    }
  });
});
