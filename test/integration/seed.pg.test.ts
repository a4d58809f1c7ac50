import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { runApp } from '../../src/app.ts';
import { isValidCpf } from '../../src/catalog/cpf.ts';
import { seedShop } from '../../src/catalog/seed.ts';
import { loadConfig } from '../../src/config/config.ts';
import { clientConfig } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { checkInvariants } from '../support/invariants.ts';
import { TEST_SHOP } from '../support/shop.ts';

const logger = silentLogger();
let database: TestDatabase;
afterEach(() => database.drop());

const count = async (table: string) =>
  (
    await sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql.table(table)}`.execute(
      database.connections.db,
    )
  ).rows[0]?.n;

interface Activity {
  readonly wal: string;
  readonly writes: string;
}

async function activity(): Promise<Activity> {
  const { rows } = await sql<Activity>`
    SELECT pg_current_wal_insert_lsn()::text AS wal,
      (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables)::text AS writes,
      pg_stat_clear_snapshot()`.execute(database.connections.db);
  return rows[0] ?? { wal: '', writes: '' };
}

async function walBytes(before: Activity, after: Activity): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    SELECT pg_wal_lsn_diff(${after.wal}::pg_lsn, ${before.wal}::pg_lsn)::int AS bytes`.execute(
    database.connections.db,
  );
  return rows[0]?.bytes ?? Number.NaN;
}

describe('seeding', () => {
  it('opens a shop in which every invariant holds, with exactly the orders asked for, some of them on their way', async () => {
    database = await createTestDatabase({ template: 'seeded' });
    const { db } = database.connections;
    expect(await checkInvariants(db)).toEqual([]);
    expect(await count('pedidos')).toBe(TEST_SHOP.historyOrders);
    expect(await count('produtos')).toBe(TEST_SHOP.products);
    expect(await count('clientes')).toBeGreaterThan(TEST_SHOP.customers);
    expect(await count('simulator.order_schedule')).toBeGreaterThan(10);
    expect(await count('simulator.returning_customers')).toBeGreaterThan(10);
    const cpfs = await db.selectFrom('clientes').select('cpf').execute();
    expect(cpfs.filter((row) => !isValidCpf(row.cpf))).toEqual([]);
    const next = await sql<{ id: number }>`SELECT nextval('pedidos_id_seq') AS id`.execute(db);
    expect(next.rows[0]?.id).toBeGreaterThan(TEST_SHOP.historyOrders);
  });

  it('keeps its hands off a shop that is there: no row, no WAL', async () => {
    database = await createTestDatabase({ template: 'seeded' });
    await sql`CHECKPOINT`.execute(database.connections.db);
    // the log is the whole server's: its own vacuums and checkpoints can only add to what a seed wrote
    let wal = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 8 && !(wal < 8192); round++) {
      const before = await activity();
      const again = await seedShop(
        database.settings,
        { ...TEST_SHOP, seed: 'another', customers: 999 },
        logger,
      );
      const after = await activity();
      expect(again.created).toBe(false);
      expect(again.shop.seed).toBe(TEST_SHOP.seed);
      expect(after.writes).toBe(before.writes);
      wal = Math.min(wal, await walBytes(before, after));
    }
    expect(wal).toBeLessThan(8192);
  });

  it('is done once when several start at the same time', async () => {
    database = await createTestDatabase({ template: 'migrated' });
    const results = await Promise.all([1, 2, 3].map(() => seedShop(database.settings, TEST_SHOP, logger)));
    expect(results.filter((result) => result.created)).toHaveLength(1);
    expect(new Set(results.map((result) => result.shop.id)).size).toBe(1);
    expect(await count('pedidos')).toBe(TEST_SHOP.historyOrders);
  });

  it('leaves nothing behind when it is interrupted, and starts clean the next time', async () => {
    database = await createTestDatabase({ template: 'migrated' });
    const killer = new pg.Client(clientConfig(database.settings));
    await killer.connect();
    let killed = false;
    const interrupted = seedShop(database.settings, TEST_SHOP, logger, (what) => {
      if (what !== 'customers' || killed) return;
      killed = true;
      void killer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cdc-sim seed' AND datname = current_database()`,
      );
    });
    await expect(interrupted).rejects.toThrow(/terminat|connection/i);
    await killer.end();
    expect(killed).toBe(true);
    expect(await count('clientes')).toBe(0);
    expect(await count('status')).toBe(0);
    expect((await seedShop(database.settings, TEST_SHOP, logger)).created).toBe(true);
    expect(await checkInvariants(database.connections.db)).toEqual([]);
  });

  it('ends in good order when a first start is stopped meanwhile, and leaves nothing behind', async () => {
    database = await createTestDatabase({ template: 'migrated' });
    const { config } = loadConfig({
      DATABASE_URL: database.url,
      HTTP_PORT: '0',
      SEED_CUSTOMERS: '50',
      SEED_PRODUCTS: '60',
      HISTORY_ORDERS: '100',
    });
    const stop = new AbortController();
    const told: string[] = [];
    await runApp({
      config,
      logger,
      signal: stop.signal,
      seedProgress: (what) => {
        told.push(what);
        stop.abort('SIGINT');
      },
    });
    expect(told).toEqual(['products']);
    expect(await count('status')).toBe(0);
    expect(await count('simulator.settings')).toBe(0);
  });

  it('gives the same shop for the same seed, and another for another', async () => {
    database = await createTestDatabase({ template: 'migrated' });
    const other = await createTestDatabase({ template: 'seeded' });
    await seedShop(database.settings, TEST_SHOP, logger);
    const people = (db: TestDatabase) =>
      db.connections.db
        .selectFrom('clientes')
        .select(['id', 'nome', 'sobrenome', 'email', 'cpf', 'endereco'])
        .where('id', '<=', TEST_SHOP.customers)
        .orderBy('id')
        .execute();
    const products = (db: TestDatabase) =>
      db.connections.db
        .selectFrom('produtos')
        .select(['sku', 'preco', 'descricao', 'estoque'])
        .orderBy('id')
        .execute();
    try {
      expect(await people(database)).toEqual(await people(other));
      expect(await products(database)).toEqual(await products(other));
    } finally {
      await other.drop();
    }
  });

  it('works without history: whoever registered before still comes to buy', async () => {
    database = await createTestDatabase({ template: 'migrated' });
    await seedShop(database.settings, { ...TEST_SHOP, historyOrders: 0 }, logger);
    expect(await count('pedidos')).toBe(0);
    expect(await count('simulator.returning_customers')).toBeGreaterThan(5);
    expect(await checkInvariants(database.connections.db)).toEqual([]);
  });

  it('stores some descriptions out of line, where CDC readers are tested', async () => {
    database = await createTestDatabase({ template: 'migrated' });
    await seedShop(database.settings, { ...TEST_SHOP, products: 400, historyOrders: 10 }, logger);
    const { rows } = await sql<{ toasted: number; long: number }>`
      SELECT (SELECT count(DISTINCT chunk_id)::int FROM ${sql.raw((await toastTable()) ?? '')}) AS toasted,
        (SELECT count(*)::int FROM produtos WHERE length(descricao) > 2000) AS long`.execute(
      database.connections.db,
    );
    expect(rows[0]?.long).toBeGreaterThan(8);
    expect(rows[0]?.toasted).toBe(rows[0]?.long);
  });
});

async function toastTable(): Promise<string | undefined> {
  const { rows } = await sql<{
    name: string;
  }>`SELECT reltoastrelid::regclass::text AS name FROM pg_class WHERE oid = 'public.produtos'::regclass`.execute(
    database.connections.db,
  );
  return rows[0]?.name;
}
