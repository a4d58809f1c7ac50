import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CustomerRow } from '../../src/catalog/types.ts';
import type { Db } from '../../src/db/pool.ts';
import { advanceDue } from '../../src/orders/advance.ts';
import type { TimelineStep } from '../../src/orders/lifecycle.ts';
import { placeOrders } from '../../src/orders/place.ts';
import type { PlannedOrder } from '../../src/orders/types.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { checkInvariants } from '../support/invariants.ts';

const DAY_MS = 86_400_000;
/** So fast that whatever is planned is due at once. */
const AT_ONCE = 1e12;

let database: TestDatabase;
let db: Db;
let nextCustomer = 10_000;
let nextProduct = 0;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'seeded' });
  db = database.connections.db;
  // what history left in flight is another test's business
  await sql`UPDATE simulator.order_schedule SET due_at = due_at + interval '10 years'`.execute(db);
});
afterAll(() => database.drop());

function customer(overrides: Partial<CustomerRow> = {}): CustomerRow {
  nextCustomer += 1;
  return {
    id: nextCustomer,
    nome: 'Zoë',
    sobrenome: `D'Ávila "a\\b" {c}, NULL`,
    id_genero: 1,
    id_estadocivil: 1,
    email: `zoe${nextCustomer}@example.com`,
    cpf: String(nextCustomer),
    telefone: '(11) 90000-0000',
    endereco: 'Rua A, 1',
    bairro: 'Centro',
    cidade: 'São Paulo',
    estado: 'SP',
    cep: '01000-000',
    data_cadastro: '2026-01-01',
    id_emailmarketing: 1,
    ...overrides,
  };
}

async function product(stock: number): Promise<{ id: number; priceCents: number }> {
  nextProduct += 1;
  const result = await sql<{ id: number; price: number }>`
    WITH picked AS (SELECT id, preco, estoque FROM produtos WHERE id = ${nextProduct}),
    book AS (UPDATE simulator.stock_book b SET initial = initial + ${stock} - p.estoque FROM picked p WHERE b.product_id = p.id)
    UPDATE produtos SET estoque = ${stock} FROM picked WHERE produtos.id = picked.id
    RETURNING produtos.id, (produtos.preco * 100)::int AS price`.execute(db);
  const row = result.rows[0];
  if (row === undefined) throw new Error('no product');
  return { id: row.id, priceCents: row.price };
}

function plan(item: { id: number; priceCents: number }, overrides: Partial<PlannedOrder> = {}): PlannedOrder {
  return {
    customer: { kind: 'new', row: customer() },
    placedAtMs: Date.now() - 1000,
    channelId: 2,
    paymentMethodId: 3,
    installments: 1,
    items: [{ productId: item.id, quantity: 1, unitPriceCents: item.priceCents }],
    freightCents: 1999,
    discountCents: 101,
    deliveryAddress: 'Rua A, 1, Centro, São Paulo - SP, 01000-000',
    promisedOn: '2027-01-31',
    // far away: not due in any test
    timeline: [{ event: 'approved', atMs: Date.now() + 5_000 * DAY_MS }],
    nextPurchaseAtMs: null,
    purchases: 1,
    ...overrides,
  };
}

function steps(fromMs: number, ...events: TimelineStep['event'][]): TimelineStep[] {
  return events.map((event, index) => ({ event, atMs: fromMs + (index + 1) * DAY_MS + 0.125 }));
}

const stockOf = async (id: number) =>
  (await db.selectFrom('produtos').select('estoque').where('id', '=', id).executeTakeFirstOrThrow()).estoque;
const orderOf = (id: number) => db.selectFrom('pedidos').selectAll().where('id', '=', id).executeTakeFirst();

const dueCount = async () =>
  (
    await sql<{
      n: number;
    }>`SELECT count(*)::int AS n FROM simulator.order_schedule WHERE due_at <= clock_timestamp()`.execute(db)
  ).rows[0]?.n;

async function advanceAll(limit = 50): Promise<string[]> {
  const events: string[] = [];
  for (;;) {
    const batch = await advanceDue(db, { limit, speed: AT_ONCE });
    if (batch.length === 0 && (await dueCount()) === 0) return events;
    events.push(...batch.filter((order) => order.applied).map((order) => order.event));
  }
}

describe('placing orders', () => {
  it('writes customer, order, items, stock, schedule and next purchase, as planned to the cent and the microsecond', async () => {
    const item = await product(7);
    const placedAtMs = Date.now() - 20_000.25;
    const order = plan(item, {
      placedAtMs,
      items: [{ productId: item.id, quantity: 2, unitPriceCents: item.priceCents }],
      timeline: steps(placedAtMs, 'approved', 'shipped'),
      nextPurchaseAtMs: placedAtMs + 30 * DAY_MS,
    });
    const { placed, refused } = await placeOrders(db, [order], 1440);
    expect(refused).toEqual([]);
    const id = placed[0]?.id ?? 0;
    const row = await orderOf(id);
    expect(row).toMatchObject({
      id_status: 1,
      id_entregue: 2,
      frete: '19.99',
      valor_desconto: '1.01',
      data_prevista: '2027-01-31',
      parcelas: 1,
    });
    expect(Number(row?.total)).toBeCloseTo((2 * item.priceCents + 1999 - 101) / 100, 5);
    expect(await stockOf(item.id)).toBe(5);
    const schedule = await sql<{ due: number; events: number[]; micros: string }>`
      SELECT extract(epoch FROM due_at)::float8 * 1000 AS due, next_events AS events, to_char(next_at[1], 'US') AS micros
      FROM simulator.order_schedule WHERE order_id = ${id}`.execute(db);
    expect(schedule.rows[0]?.events).toEqual([1, 2]);
    expect(schedule.rows[0]?.due).toBeCloseTo(placedAtMs + (DAY_MS + 0.125) / 1440, 1);
    const customerRow = await db
      .selectFrom('clientes')
      .selectAll()
      .where('id', '=', row?.id_cliente ?? 0)
      .executeTakeFirstOrThrow();
    expect(customerRow.sobrenome).toBe(`D'Ávila "a\\b" {c}, NULL`);
    const back = await db
      .selectFrom('simulator.returning_customers')
      .selectAll()
      .where('customer_id', '=', customerRow.id)
      .execute();
    expect(back).toHaveLength(1);
  });

  it('sells over the counter: paid, shipped and delivered in the same moment, nothing scheduled', async () => {
    const item = await product(3);
    const placedAtMs = Date.now() - 5_000;
    const at = (event: TimelineStep['event']): TimelineStep => ({ event, atMs: placedAtMs });
    const timeline = [at('approved'), at('shipped'), at('delivered')];
    const { placed } = await placeOrders(
      db,
      [plan(item, { placedAtMs, channelId: 1, freightCents: 0, timeline })],
      1440,
    );
    const row = await orderOf(placed[0]?.id ?? 0);
    expect(row).toMatchObject({ id_status: 4, id_entregue: 1 });
    expect(row?.data_entrega?.getTime()).toBe(placedAtMs);
    const schedule = await db
      .selectFrom('simulator.order_schedule')
      .selectAll()
      .where('order_id', '=', placed[0]?.id ?? 0)
      .execute();
    expect(schedule).toEqual([]);
  });

  it('refuses what is out of stock or has another price by now, and places the rest of the same transaction', async () => {
    const scarce = await product(2);
    const plenty = await product(50);
    const one = { productId: scarce.id, quantity: 1, unitPriceCents: scarce.priceCents };
    const orders = [
      plan(scarce, { items: [one] }),
      plan(plenty, {
        items: [one, { productId: plenty.id, quantity: 1, unitPriceCents: plenty.priceCents }],
      }),
      plan(scarce, { items: [one] }),
      plan(plenty),
      plan(plenty, { items: [{ productId: plenty.id, quantity: 1, unitPriceCents: plenty.priceCents + 1 }] }),
      plan(plenty, { items: [{ productId: 999_999, quantity: 1, unitPriceCents: 100 }] }),
    ];
    const { placed, refused } = await placeOrders(db, orders, 1440);
    expect(placed.map((order) => orders.indexOf(order.plan))).toEqual([0, 1, 3]);
    expect(refused.map((order) => orders.indexOf(order))).toEqual([2, 4, 5]);
    expect(await stockOf(scarce.id)).toBe(0);
    expect(await stockOf(plenty.id)).toBe(48);
    const unborn = refused.flatMap((order) => (order.customer.kind === 'new' ? [order.customer.row.id] : []));
    expect(await db.selectFrom('clientes').select('id').where('id', 'in', unborn).execute()).toEqual([]);
  });

  it('never oversells and never deadlocks when many connections want the same few products in any order', async () => {
    const items = [await product(30), await product(30), await product(30)];
    const both = (a: number, b: number) =>
      [a, b]
        .map((index) => items[index] as (typeof items)[number])
        .map((item) => ({ productId: item.id, quantity: 1, unitPriceCents: item.priceCents }));
    const wanted = Array.from({ length: 120 }, (_, i) =>
      plan(items[0] as (typeof items)[number], { items: both(i % 3, (i + 1 + (i % 2)) % 3) }),
    );
    const results = await Promise.all(wanted.map((order) => placeOrders(db, [order], 1440)));
    const placed = results.flatMap((result) => result.placed).length;
    expect(placed).toBeGreaterThanOrEqual(30);
    const left = await Promise.all(items.map((item) => stockOf(item.id)));
    expect(left.reduce((sum, stock) => sum + stock, 0)).toBe(90 - 2 * placed);
    // at most one product can be left over: two would have made another order
    expect(left.filter((stock) => stock > 0).length).toBeLessThanOrEqual(1);
  });
});

describe('an order of a customer who is being forgotten at the same moment', () => {
  const forgetting = [
    ['deleted', 'DELETE FROM clientes WHERE id = $1'],
    ['anonymised', `UPDATE clientes SET email = 'removido.' || id || '@anonimo.invalid' WHERE id = $1`],
  ] as const;
  it.each(forgetting)('waits, and is refused when he was %s', async (_, forget) => {
    const item = await product(5);
    const { id } = await db
      .insertInto('clientes')
      .values(customer())
      .returning('id')
      .executeTakeFirstOrThrow();
    const client = await database.connections.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(forget, [id]);
      const known = { kind: 'known', id } as const;
      const others = plan(item);
      const placing = placeOrders(db, [plan(item, { customer: known }), others], 1440);
      const single = placeOrders(db, [plan(item, { customer: known })], 1440);
      await expect.poll(waiting, { timeout: 10_000 }).toBe(2);
      await client.query('COMMIT');
      expect((await placing).placed.map((order) => order.plan)).toEqual([others]);
      expect((await single).placed).toEqual([]);
    } finally {
      client.release();
    }
    const { orders } = await db
      .selectFrom('pedidos')
      .select(sql<number>`count(*)::int`.as('orders'))
      .where('id_cliente', '=', id)
      .executeTakeFirstOrThrow();
    expect(orders).toBe(0);
    expect(await stockOf(item.id)).toBe(4);
  });

  /** Connections that wait for a lock of somebody's. */
  async function waiting(): Promise<number | undefined> {
    const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db);
    return rows[0]?.n;
  }
});

describe('advancing orders', () => {
  it('walks a life through to the return, puts the units back, keeps the planned dates to the microsecond', async () => {
    const item = await product(4);
    const placedAtMs = Date.now() - 1000.5;
    const timeline = steps(placedAtMs, 'approved', 'shipped', 'delivered', 'returned');
    const { placed } = await placeOrders(db, [plan(item, { placedAtMs, timeline })], AT_ONCE);
    expect(await stockOf(item.id)).toBe(3);
    expect(await advanceAll()).toEqual(['approved', 'shipped', 'delivered', 'returned']);
    const row = await sql<{ status: number; entregue: number; transit: number }>`
      SELECT id_status AS status, id_entregue AS entregue, extract(epoch FROM data_entrega - data_pedido)::float8 * 1000 AS transit
      FROM pedidos WHERE id = ${placed[0]?.id ?? 0}`.execute(db);
    expect(row.rows[0]).toMatchObject({ status: 6, entregue: 1 });
    expect(row.rows[0]?.transit).toBeCloseTo(3 * DAY_MS + 0.125, 3);
    expect(await stockOf(item.id)).toBe(4);
  });

  it('cancels what is never paid, gives the stock back, and purges order and items later', async () => {
    const item = await product(4);
    const placedAtMs = Date.now() - 1000;
    const { placed } = await placeOrders(
      db,
      [plan(item, { placedAtMs, timeline: steps(placedAtMs, 'expired', 'purged') })],
      AT_ONCE,
    );
    expect(await advanceAll()).toEqual(['expired', 'purged']);
    const id = placed[0]?.id ?? 0;
    expect(await orderOf(id)).toBeUndefined();
    expect(await stockOf(item.id)).toBe(4);
    const stones = await db
      .selectFrom('simulator.tombstones')
      .select(['table_name', 'key'])
      .where('table_name', '=', 'pedidos')
      .where('key', '=', id)
      .execute();
    expect(stones).toHaveLength(1);
  });

  it('takes every due event once, however many workers reach for the same orders at the same time', async () => {
    const item = await product(500);
    const placedAtMs = Date.now() - 1000;
    // whatever is taken is due again at once: a worker often meets a row that changed after its statement began
    const life = () => steps(placedAtMs, 'approved', 'shipped', 'delivered', 'returned');
    const orders = Array.from({ length: 200 }, () => plan(item, { placedAtMs, timeline: life() }));
    expect((await placeOrders(db, orders, AT_ONCE)).refused).toEqual([]);
    const lanes = await Promise.all(Array.from({ length: 8 }, () => advanceAll(3)));
    const events = lanes.flat();
    for (const event of ['approved', 'shipped', 'delivered', 'returned']) {
      expect(events.filter((name) => name === event)).toHaveLength(200);
    }
    expect(await stockOf(item.id)).toBe(500);
  });

  it('drops the schedule of an order that somebody else moved or deleted, and says so', async () => {
    const item = await product(9);
    const placedAtMs = Date.now() - 1000;
    const { placed } = await placeOrders(
      db,
      [plan(item, { placedAtMs, timeline: steps(placedAtMs, 'approved') })],
      AT_ONCE,
    );
    const id = placed[0]?.id ?? 0;
    await sql`UPDATE pedidos SET id_status = 5 WHERE id = ${id}`.execute(db);
    await sql`UPDATE produtos SET estoque = estoque + 1 WHERE id = ${item.id}`.execute(db);
    const [order] = await advanceDue(db, { limit: 10, speed: 1440 });
    expect(order).toMatchObject({ id, event: 'approved', applied: false, total: null });
    expect((await orderOf(id))?.id_status).toBe(5);
    expect(await advanceDue(db, { limit: 10, speed: 1440 })).toEqual([]);
  });

  it('leaves alone what is not due', async () => {
    const item = await product(9);
    const placedAtMs = Date.now();
    await placeOrders(db, [plan(item, { placedAtMs, timeline: steps(placedAtMs, 'approved') })], 1);
    expect(await advanceDue(db, { limit: 10, speed: 1 })).toEqual([]);
  });
});

it('keeps every invariant of the shop through all of this', async () => {
  expect(await checkInvariants(db)).toEqual([]);
});
