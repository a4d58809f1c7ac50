import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCustomerFactory } from '../../src/catalog/customers.ts';
import { createLaunch } from '../../src/catalog/products.ts';
import type { CustomerRow } from '../../src/catalog/types.ts';
import type { Db } from '../../src/db/pool.ts';
import { createRandom } from '../../src/lib/random.ts';
import {
  changeProfile,
  discontinueProducts,
  eraseCustomer,
  launchProducts,
  readBook,
  readCustomers,
  registerCustomers,
  repriceProducts,
  restockProducts,
} from '../../src/traffic/business-store.ts';
import { IdStock } from '../../src/traffic/feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { checkInvariants } from '../support/invariants.ts';

let database: TestDatabase;
let db: Db;
const factory = createCustomerFactory({ random: createRandom('business') });
const ids = new IdStock();

beforeAll(async () => {
  database = await createTestDatabase({ template: 'seeded' });
  db = database.connections.db;
  await ids.refill(db, 50);
});
afterAll(() => database.drop());
afterEach(async () => {
  expect(await checkInvariants(db)).toEqual([]);
});

const product = (id: number) =>
  db.selectFrom('produtos').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const book = (id: number) =>
  db.selectFrom('simulator.stock_book').selectAll().where('product_id', '=', id).executeTakeFirstOrThrow();
const returning = (id: number) =>
  db.selectFrom('simulator.returning_customers').selectAll().where('customer_id', '=', id).executeTakeFirst();
const ordersOf = (id: number) =>
  db.selectFrom('pedidos').selectAll().where('id_cliente', '=', id).orderBy('id').execute();
const customer = async (id: number) => (await readCustomers(db, [id]))[0];

/** Rows that the ledger counts for a table and an operation. */
async function noted(table: string, op: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT coalesce(sum(row_count), 0)::int AS n FROM simulator.ledger WHERE table_name = ${table} AND op = ${op}`.execute(
    db,
  );
  return rows[0]?.n ?? 0;
}

function newCustomer(): CustomerRow {
  const id = ids.take();
  if (id === undefined) throw new Error('no id left');
  return factory.create(id, '2026-01-15');
}

/** A customer of the seeded shop, by what his orders are like. */
async function customerWhere(condition: string): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    SELECT id_cliente AS id FROM public.pedidos GROUP BY id_cliente HAVING ${sql.raw(condition)} ORDER BY 1 LIMIT 1`.execute(
    db,
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`no customer with ${condition}`);
  return row.id;
}

const erase = async (id: number) => {
  const row = await customer(id);
  return eraseCustomer(db, id, factory.erased(id, row?.estado ?? 'SP', row?.data_cadastro ?? ''), 'Removido');
};

describe('products', () => {
  it('are restocked on the shelf and in the book alike; one that is gone is passed over', async () => {
    const before = await product(3);
    const restocked = await restockProducts(db, [
      { productId: 5, quantity: 12 },
      { productId: 3, quantity: 30 },
      { productId: 999_999, quantity: 6 },
    ]);
    expect(restocked).toBe(2);
    const after = await product(3);
    expect(after.estoque).toBe(before.estoque + 30);
    expect(after.atualizado_em.getTime()).toBeGreaterThan(before.atualizado_em.getTime());
    expect((await book(3)).restocked).toBe(30);
    expect((await book(5)).restocked).toBe(12);
    expect(await restockProducts(db, [])).toBe(0);
  });

  it('get a new price with its margin; a price that stays writes nothing', async () => {
    const [one, two] = [await product(1), await product(2)];
    const twoCents = Math.round(Number(two.preco) * 100);
    const updates = await noted('produtos', 'U');
    const priceCents = Math.round(Number(one.preco) * 100) + 1_003;
    expect(
      await repriceProducts(db, [
        { productId: 1, priceCents },
        { productId: 2, priceCents: twoCents },
      ]),
    ).toBe(1);
    const after = await product(1);
    expect(Number(after.preco)).toBe(priceCents / 100);
    const margin = ((priceCents / 100 - Number(one.preco_custo)) * 100) / (priceCents / 100);
    expect(Number(after.margem)).toBeCloseTo(margin, 1);
    expect(after.margem).not.toBe(one.margem);
    expect(await product(2)).toEqual(two);
    expect(await noted('produtos', 'U')).toBe(updates + 1);
  });

  it('are launched with their first stock in the book, and not a second time', async () => {
    const rows = createLaunch({ random: createRandom('launch'), number: 61 });
    const launched = await launchProducts(db, rows);
    expect(launched).toHaveLength(rows.length);
    for (const [index, id] of launched.entries()) {
      const row = rows[index];
      expect(await product(id)).toMatchObject({
        sku: row?.sku,
        descricao: row?.descricao,
        estoque: row?.estoque,
        preco: ((row?.precoCents ?? 0) / 100).toFixed(2),
      });
      expect(await book(id)).toMatchObject({ initial: row?.estoque, restocked: 0, discontinued_at: null });
    }
    expect(await launchProducts(db, rows)).toEqual([]);
  });

  it('are discontinued in the private book alone, once', async () => {
    const before = await product(7);
    await discontinueProducts(db, [7]);
    const first = (await book(7)).discontinued_at;
    await discontinueProducts(db, [7, 8]);
    expect(first).toBeInstanceOf(Date);
    expect((await book(7)).discontinued_at).toEqual(first);
    expect((await book(8)).discontinued_at).toBeInstanceOf(Date);
    expect(await product(7)).toEqual(before);
    // the dearest that the column takes: more cents than 32 bits hold
    await sql`UPDATE produtos SET preco = 9999999999.99, preco_custo = 9999999999.99, margem = 0 WHERE id = 8`.execute(
      db,
    );
    const read = await readBook(db);
    expect(read[7]).toMatchObject({ id: 8, priceCents: 999_999_999_999, costCents: 999_999_999_999 });
    expect(read.filter((each) => each.discontinued).map((each) => each.id)).toEqual([7, 8]);
  });

  it('are read from the book with the units sold: in orders neither cancelled nor returned', async () => {
    const { rows } = await sql<{ id: number; sold: number }>`
      SELECT p.id, coalesce(sum(i.quantidade) FILTER (WHERE o.id_status NOT IN (5, 6)), 0)::int AS sold
      FROM produtos p LEFT JOIN itenspedido i ON i.id_produto = p.id LEFT JOIN pedidos o ON o.id = i.id_pedido
      GROUP BY p.id ORDER BY p.id`.execute(db);
    const read = await readBook(db);
    expect(read.map(({ id, sold }) => ({ id, sold }))).toEqual(rows);
    const first = await product(1);
    expect(read[0]).toMatchObject({
      model: first.modelo,
      stock: first.estoque,
      priceCents: Math.round(Number(first.preco) * 100),
      costCents: Math.round(Number(first.preco_custo) * 100),
      createdAtMs: expect.closeTo(first.criado_em.getTime(), -1),
    });
  });
});

describe('customers', () => {
  it('register, and those who will buy are on the calendar', async () => {
    const [buyer, looker] = [newCustomer(), newCustomer()];
    const firstPurchaseAtMs = Date.UTC(2030, 0, 1);
    await registerCustomers(db, [
      { row: buyer, firstPurchaseAtMs },
      { row: looker, firstPurchaseAtMs: null },
    ]);
    expect(await customer(buyer.id)).toEqual(buyer);
    expect(await customer(looker.id)).toEqual(looker);
    expect(await returning(buyer.id)).toMatchObject({ due_at: new Date(firstPurchaseAtMs), purchases: 0 });
    expect(await returning(looker.id)).toBeUndefined();
  });

  it('register all or none: not without their date on the calendar', async () => {
    const [fine, twin] = [newCustomer(), newCustomer()];
    await sql`INSERT INTO simulator.returning_customers (customer_id, due_at, purchases) VALUES (${twin.id}, '2031-01-01', 0)`.execute(
      db,
    );
    const firstPurchaseAtMs = Date.UTC(2030, 0, 1);
    await expect(
      registerCustomers(db, [
        { row: fine, firstPurchaseAtMs },
        { row: twin, firstPurchaseAtMs },
      ]),
    ).rejects.toThrow(/returning_customers_pkey/);
    expect(await readCustomers(db, [fine.id, twin.id])).toEqual([]);
    expect(await returning(fine.id)).toBeUndefined();
    await db.deleteFrom('simulator.returning_customers').where('customer_id', '=', twin.id).execute();
  });

  it('change what they change, and nothing else', async () => {
    const before = await customer(1);
    if (before === undefined) throw new Error('no customer');
    const touched = () =>
      db
        .selectFrom('clientes')
        .select(['criado_em', 'atualizado_em'])
        .where('id', '=', 1)
        .executeTakeFirstOrThrow();
    const then = await touched();
    const move = factory.move(before, true);
    expect(await changeProfile(db, 1, move)).toBe(true);
    expect(await customer(1)).toEqual({ ...before, ...move });
    const now = await touched();
    expect(now.criado_em).toEqual(then.criado_em);
    expect(now.atualizado_em.getTime()).toBeGreaterThan(then.atualizado_em.getTime());
    expect(await changeProfile(db, 999_999, { id_emailmarketing: 2 })).toBe(false);
  });
});

describe('a customer who asks to be forgotten', () => {
  it('is deleted when there was no order, with a tombstone, and off the calendar', async () => {
    const row = newCustomer();
    await registerCustomers(db, [{ row, firstPurchaseAtMs: Date.UTC(2030, 0, 1) }]);
    expect(await erase(row.id)).toBe('deleted');
    expect(await customer(row.id)).toBeUndefined();
    expect(await returning(row.id)).toBeUndefined();
    const tombstones = await db
      .selectFrom('simulator.tombstones')
      .select('key')
      .where('table_name', '=', 'clientes')
      .where('key', '=', row.id)
      .execute();
    expect(tombstones).toHaveLength(1);
    expect(await erase(row.id)).toBe('gone');
  });

  it('is anonymised when all orders are finished, and so is every address on them; the figures stay', async () => {
    const id = await customerWhere('bool_and(id_status >= 4)');
    await sql`INSERT INTO simulator.returning_customers (customer_id, due_at, purchases)
      VALUES (${id}, '2030-01-01', 1) ON CONFLICT DO NOTHING`.execute(db);
    const [before, orders] = [await customer(id), await ordersOf(id)];
    expect(await erase(id)).toBe('anonymised');
    const after = await customer(id);
    if (before === undefined || after === undefined) throw new Error('the customer is gone');
    for (const field of [
      'nome',
      'sobrenome',
      'email',
      'cpf',
      'telefone',
      'endereco',
      'bairro',
      'cep',
    ] as const)
      expect(after[field]).not.toBe(before[field]);
    const left = await ordersOf(id);
    expect(left.map((order) => order.endereco_entrega)).toEqual(orders.map(() => 'Removido'));
    const figures = (list: typeof orders) =>
      list.map(({ endereco_entrega: _address, atualizado_em: _when, ...rest }) => rest);
    expect(figures(left)).toEqual(figures(orders));
    expect(left.every((order, i) => order.atualizado_em > (orders[i]?.atualizado_em ?? 0))).toBe(true);
    expect(await returning(id)).toBeUndefined();
    // somebody else had read the customer before
    expect(await changeProfile(db, id, factory.move({ estado: 'SP', telefone: '' }, false))).toBe(false);
    expect((await customer(id))?.endereco).toBe('Removido');
  });

  it('waits while an order is on its way: nothing changes', async () => {
    const id = await customerWhere('bool_or(id_status <= 3)');
    const before = [await customer(id), await ordersOf(id), await returning(id)];
    expect(await erase(id)).toBe('busy');
    expect([await customer(id), await ordersOf(id), await returning(id)]).toEqual(before);
  });

  it('waits for an order that is being written at the same moment, and then is busy', async () => {
    const row = newCustomer();
    await registerCustomers(db, [{ row, firstPurchaseAtMs: null }]);
    const client = await database.connections.pool.connect();
    let outcome: string | undefined;
    try {
      await client.query('BEGIN');
      // a copy of an order on its way, for this customer
      const { rows } = await client.query<{ id: number }>(
        `INSERT INTO pedidos (id_cliente, data_pedido, id_canalvenda, id_forma_pagamento, parcelas, id_status, subtotal, frete, valor_desconto, total, endereco_entrega, data_prevista, id_entregue)
         SELECT $1, clock_timestamp(), 2, 3, 1, 1, preco, 0, 0, preco, 'Rua A', current_date, 2 FROM produtos WHERE id = 10 RETURNING id`,
        [row.id],
      );
      const erasing = erase(row.id).then((result) => {
        outcome = result;
      });
      await expect
        .poll(
          async () => {
            const waiting = await sql<{ n: number }>`
              SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(
              db,
            );
            return waiting.rows[0]?.n;
          },
          { timeout: 60_000, interval: 50 },
        )
        .toBe(1);
      expect(outcome).toBeUndefined();
      const id = rows[0]?.id;
      await client.query(
        `INSERT INTO itenspedido (id_pedido, id_produto, quantidade, preco_unitario, subtotal) SELECT $1, id, 1, preco, preco FROM produtos WHERE id = 10`,
        [id],
      );
      await client.query('UPDATE produtos SET estoque = estoque - 1 WHERE id = 10');
      await client.query(
        `INSERT INTO simulator.order_schedule VALUES ($1, '2030-01-01', '{1}', '{2030-01-01}')`,
        [id],
      );
      await client.query('COMMIT');
      await erasing;
    } finally {
      client.release();
    }
    expect(outcome).toBe('busy');
    expect(await customer(row.id)).toEqual(row);
  });
});
