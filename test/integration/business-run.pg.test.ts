import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCustomerFactory } from '../../src/catalog/customers.ts';
import type { Db } from '../../src/db/pool.ts';
import { type Announcement, Announcer } from '../../src/lib/announcer.ts';
import { DatabaseClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createRandom } from '../../src/lib/random.ts';
import { Business, SHELVES_EVERY_MS } from '../../src/traffic/business.ts';
import { IdStock } from '../../src/traffic/feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { checkInvariants } from '../support/invariants.ts';
import { TEST_SHOP } from '../support/shop.ts';

let database: TestDatabase;
let db: Db;
beforeEach(async () => {
  database = await createTestDatabase({ template: 'seeded' });
  db = database.connections.db;
});
afterEach(async () => {
  expect(await checkInvariants(db)).toEqual([]);
  await database.drop();
});

interface Worker {
  readonly business: Business;
  readonly told: Announcement[];
  readonly events: (name: Announcement['event']) => Announcement[];
  /** Moves this worker's clock. */
  pass(ms: number): void;
  /** Lets it have placed so many orders more. */
  placed(orders: number): void;
  assortmentChanges: number;
}

/** What a worker does besides orders, with a clock of its own that stands still until it is moved. */
async function worker(seed: string, options: { speed?: number; ids?: number } = {}): Promise<Worker> {
  let nowMs = 1_000_000;
  let orders = 0;
  const clock = new DatabaseClock(() => nowMs);
  const announcer = new Announcer(silentLogger(), clock, 'never');
  const told: Announcement[] = [];
  announcer.subscribe((announcement) => told.push(announcement));
  const ids = new IdStock();
  await ids.refill(db, options.ids ?? 2_000);
  const random = createRandom(seed);
  const result: Worker = {
    business: new Business({
      db,
      clock,
      announcer,
      random,
      factory: createCustomerFactory({ random: random.stream('people') }),
      ids,
      lifecycleSpeed: options.speed ?? 1440,
      ordersPlaced: () => orders,
      openingProducts: TEST_SHOP.products,
      onAssortmentChanged: async () => {
        result.assortmentChanges += 1;
      },
    }),
    told,
    events: (name) => told.filter(({ event }) => event === name),
    pass: (ms) => {
      nowMs += ms;
    },
    placed: (count) => {
      orders += count;
    },
    assortmentChanges: 0,
  };
  return result;
}

/** Everything is sold out; the book says that retention took the orders. */
async function sellOut(): Promise<void> {
  await sql`WITH emptied AS (UPDATE simulator.stock_book b SET retired = retired + p.estoque FROM produtos p WHERE p.id = b.product_id)
    UPDATE produtos SET estoque = 0`.execute(db);
}

/** The shelves' turn comes again. */
const nextTurn = () =>
  sql`UPDATE simulator.jobs SET last_run_at = last_run_at - interval '1 hour' WHERE name = 'shelves'`.execute(
    db,
  );

const restockedUnits = async () =>
  (
    await sql<{ n: number }>`SELECT coalesce(sum(restocked), 0)::int AS n FROM simulator.stock_book`.execute(
      db,
    )
  ).rows[0]?.n;

describe('several workers', () => {
  it('restock once in an interval, together', async () => {
    const workers = await Promise.all(['a', 'b', 'c'].map((seed) => worker(seed)));
    await sellOut();
    let toldBefore = 0;
    for (let turn = 1; turn <= 2; turn++) {
      const startedMs = performance.now();
      await Promise.all([...workers, ...workers].map(({ business }) => business.run()));
      const told = workers.flatMap(({ events }) => events('product.restocked'));
      // on a machine so slow that the next interval began meanwhile, once more is right
      const intervals = 1 + Math.floor((performance.now() - startedMs) / SHELVES_EVERY_MS);
      expect(told.length - toldBefore).toBeGreaterThanOrEqual(1);
      expect(told.length - toldBefore).toBeLessThanOrEqual(intervals);
      toldBefore = told.length;
      const units = told.reduce((sum, { fields }) => sum + Number(fields['units']), 0);
      expect(await restockedUnits()).toBe(units);
      await nextTurn();
      await sellOut();
    }
  });
});

describe('people', () => {
  it('register, change and ask to be forgotten in step with the orders, and the shop stays consistent', async () => {
    const one = await worker('people');
    const before = await db.selectFrom('clientes').select('id').execute();
    one.placed(8_000);
    await one.business.run();
    const registered = one.events('customer.registered').length;
    expect(registered).toBeGreaterThan(1_000);
    expect(registered).toBeLessThan(1_400);
    expect(new Set(one.events('customer.updated').map(({ fields }) => fields['what']))).toEqual(
      new Set(['address', 'telephone', 'email', 'civilStatus', 'consent']),
    );
    const erased = one.events('customer.erased');
    expect(erased.length).toBeGreaterThan(2);
    const outcome = (what: string) => erased.filter(({ fields }) => fields['outcome'] === what).length;
    const after = await db.selectFrom('clientes').select('id').execute();
    expect(after).toHaveLength(before.length + registered - outcome('deleted'));
    const anonymous = await db
      .selectFrom('clientes')
      .select('id')
      .where('email', 'like', '%.invalid')
      .execute();
    expect(anonymous).toHaveLength(outcome('anonymised'));
    // no orders since: nothing more happens
    const told = one.told.length;
    await one.business.run();
    expect(one.told.length).toBe(told);
  });

  it('register as far as there are ids', async () => {
    const one = await worker('few ids', { ids: 10 });
    one.placed(1_000);
    await one.business.run();
    expect(one.events('customer.registered')).toHaveLength(10);
  });
});

describe('the assortment', () => {
  it('is renewed: prices, launches, and what is discontinued gets no more supply', async () => {
    // a minute of the wall is a thousand days of business
    const one = await worker('assortment', { speed: 1_440_000 });
    one.pass(60_000);
    await one.business.run();
    expect(one.events('product.repriced').length).toBeGreaterThan(3);
    const launched = one.events('product.launched');
    const discontinued = one.events('product.discontinued');
    expect(launched.length).toBeGreaterThan(3);
    expect(launched.every(({ fields }) => Number(fields['products']) >= 6)).toBe(true);
    expect(discontinued.length).toBeGreaterThan(3);
    expect(one.assortmentChanges).toBe(1);
    const total = await db.selectFrom('produtos').select('id').execute();
    const added = launched.reduce((sum, { fields }) => sum + Number(fields['products']), 0);
    expect(total).toHaveLength(TEST_SHOP.products + added);

    await sellOut();
    await nextTurn();
    one.pass(10_000);
    await one.business.run();
    const { rows } = await sql<{ gone: boolean; products: number; restocked: number }>`
      SELECT b.discontinued_at IS NOT NULL AS gone, count(*)::int AS products, count(*) FILTER (WHERE p.estoque > 0)::int AS restocked
      FROM simulator.stock_book b JOIN produtos p ON p.id = b.product_id GROUP BY 1 ORDER BY 1`.execute(db);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ gone: false });
    expect(rows[0]?.restocked).toBeGreaterThan((rows[0]?.products ?? 0) / 2);
    expect(rows[1]).toMatchObject({ gone: true, restocked: 0 });
  });
});
