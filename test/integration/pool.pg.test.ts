import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { connect, PREPARE_MARK } from '../../src/db/pool.ts';
import { retrying } from '../../src/db/transaction.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { advanceDue } from '../../src/orders/advance.ts';
import { placeOrders } from '../../src/orders/place.ts';
import type { PlannedOrder } from '../../src/orders/types.ts';
import { claimReturning, readShelf } from '../../src/traffic/feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { seedTestShop } from '../support/shop.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'empty' });
});
afterAll(() => database.drop());

describe('the pool', () => {
  it('outlives a connection that breaks while it is out and asks nothing: the next statement on it tells', async () => {
    const connections = connect(database.settings, { poolSize: 1, logger: silentLogger() });
    const { db } = connections;
    const uncaught: unknown[] = [];
    const hear = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', hear);
    try {
      const lost = db.transaction().execute(async (trx) => {
        const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(trx);
        await sql`SELECT pg_terminate_backend(${rows[0]?.pid}::int)`.execute(database.connections.db);
        await expect
          .poll(
            async () =>
              (
                await sql`SELECT FROM pg_stat_activity WHERE pid = ${rows[0]?.pid}::int`.execute(
                  database.connections.db,
                )
              ).rows.length,
            { timeout: 30_000 },
          )
          .toBe(0);
        // the news has to reach this process before the next statement does
        await new Promise((resolve) => setTimeout(resolve, 200));
        await sql`SELECT 1`.execute(trx);
      });
      await expect(lost).rejects.toThrow();
      expect((await sql<{ n: number }>`SELECT 2 AS n`.execute(db)).rows[0]?.n).toBe(2);
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtException', hear);
      await connections.close();
    }
  });

  it('does without prepared statements once a pooler has lost one', async () => {
    const connections = connect(database.settings, { poolSize: 1, logger: silentLogger() });
    const ask = () =>
      retrying(() =>
        connections.db.executeQuery<{ n: number }>(
          CompiledQuery.raw(`${PREPARE_MARK} SELECT $1::int AS n`, [5]),
        ),
      );
    try {
      await ask();
      // what a pooler in transaction mode does: the next transaction meets a backend that never heard of it
      await connections.pool.query('DEALLOCATE ALL');
      expect((await ask()).rows[0]?.n).toBe(5);
      expect((await ask()).rows[0]?.n).toBe(5);
      expect((await connections.pool.query('SELECT name FROM pg_prepared_statements')).rows).toEqual([]);
    } finally {
      await connections.close();
    }
  });

  it('prepares the statements that ask for it, on a direct connection only', async () => {
    const prepared = async (settings: TestDatabase['settings']) => {
      const connections = connect(settings, { poolSize: 1, logger: silentLogger() });
      try {
        for (let i = 0; i < 3; i++) await connections.pool.query(`${PREPARE_MARK} SELECT $1::int AS n`, [i]);
        await connections.pool.query('SELECT $1::int AS n', [1]);
        const names = await connections.pool.query('SELECT name FROM pg_prepared_statements');
        return names.rows.length;
      } finally {
        await connections.close();
      }
    };
    expect(await prepared(database.settings)).toBe(1);
    // as Supabase names those who come through its pooler; the role is there for this test only
    const user = `postgres.${'abcdefghijklmnop'}`;
    await sql`CREATE ROLE ${sql.id(user)} LOGIN SUPERUSER PASSWORD 'pooled'`.execute(database.connections.db);
    try {
      expect(await prepared({ ...database.settings, user, password: 'pooled' })).toBe(0);
    } finally {
      await sql`DROP ROLE ${sql.id(user)}`.execute(database.connections.db);
    }
  });
});

/** What a statement leaves behind in its session: through a pooler in transaction mode the next one is in another. */
const SESSION_STATE =
  /pg_(try_)?advisory_lock\b|pg_(try_)?advisory_lock_shared\b|^\s*(listen|prepare|declare|discard)\b|^\s*set\s+(?!local\b)|set_config\([^)]*false\s*\)|create\s+temp/im;

describe('behind a pooler in transaction mode', () => {
  it('migrating, placing, advancing and leasing leave nothing in a session', async () => {
    const statements: string[] = [];
    const logger = {
      ...silentLogger(),
      isLevelEnabled: () => true,
      debug: (fields: { sql?: string }) => {
        if (fields.sql !== undefined) statements.push(fields.sql);
      },
    } as unknown as ReturnType<typeof silentLogger>;
    const own = await createTestDatabase({ template: 'empty' });
    const connections = connect(own.settings, { poolSize: 2, logger });
    try {
      const { db } = connections;
      await migrate(db, silentLogger());
      await seedTestShop(own.settings, silentLogger());
      const { products } = await readShelf(db);
      const [product] = products;
      if (product === undefined) throw new Error('nothing on the shelf');
      const { placed } = await placeOrders(db, [orderOf(product)], 1440);
      expect(placed.length).toBe(1);
      await sql`UPDATE simulator.order_schedule SET due_at = clock_timestamp() - interval '1 s'`.execute(db);
      expect((await advanceDue(db, { limit: 50, speed: 1440 })).length).toBe(50);
      await claimReturning(db, 10);
      expect(statements.length).toBeGreaterThan(20);
      expect(statements.filter((text) => SESSION_STATE.test(text))).toEqual([]);
      for (const bad of [
        'SELECT pg_advisory_lock(1)',
        'LISTEN x',
        'SET work_mem = 1',
        'CREATE TEMP TABLE t ()',
      ])
        expect(bad).toMatch(SESSION_STATE);
    } finally {
      await connections.close();
      await own.drop();
    }
  });
});

function orderOf(product: { readonly id: number; readonly priceCents: number }): PlannedOrder {
  return {
    customer: { kind: 'known', id: 1 },
    placedAtMs: Date.now() - 1_000,
    channelId: 2,
    paymentMethodId: 3,
    installments: 1,
    items: [{ productId: product.id, quantity: 1, unitPriceCents: product.priceCents }],
    freightCents: 0,
    discountCents: 0,
    deliveryAddress: 'Rua A, 1, Centro, São Paulo - SP, 01000-000',
    promisedOn: '2027-01-31',
    timeline: [{ event: 'approved', atMs: Date.now() + 60_000 }],
    nextPurchaseAtMs: null,
    purchases: 1,
  };
}
