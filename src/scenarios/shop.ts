import { type RawBuilder, sql } from 'kysely';
import { createCustomerFactory } from '../catalog/customers.ts';
import { inTransaction } from '../db/transaction.ts';
import { OperatorError } from '../lib/errors.ts';
import { identifier } from '../lib/sql-text.ts';
import { CustomerBook } from '../orders/model/customers.ts';
import { createOrderModel } from '../orders/model/model.ts';
import { Shelf } from '../orders/model/shelf.ts';
import { placeQuery } from '../orders/place.ts';
import type { PlannedOrder } from '../orders/types.ts';
import { readShelf } from '../traffic/feed.ts';
import { castCustomers, idRange, idsOf, insertCustomers, reserveIds, whereCast } from './cast.ts';
import { change, type Scenario, type Stage } from './scenario.ts';

/** Orders in one statement. */
const BATCH = 200;

export const orderBurst: Scenario = {
  name: 'order-burst',
  does: 'places many orders in one transaction: customers, orders, items, and stock of the same few products over and over',
  shows: 'every order with all its items and its customer, and the stock as it is left',
  trap: 'readers that load table by table show orders without items, and items without orders, for as long as it takes',
  size: { of: 'orders', rows: 500, most: 20_000 },
  play: async (stage) => {
    const { db, lifecycleSpeed } = stage;
    const plans = await planOrders(stage);
    const { orders, stockUpdates } = await inTransaction(db, async (trx) => {
      const orders: { id: number; plan: PlannedOrder }[] = [];
      let stockUpdates = 0;
      for (let from = 0; from < plans.length; from += BATCH) {
        const batch = plans.slice(from, from + BATCH);
        const { rows } = await trx.executeQuery<{ ord: number; id: number }>(
          placeQuery(batch, lifecycleSpeed),
        );
        for (const { ord, id } of rows) orders.push({ id, plan: batch[ord] as PlannedOrder });
        stockUpdates += new Set(
          rows.flatMap(({ ord }) => batch[ord]?.items.map((item) => item.productId) ?? []),
        ).size;
      }
      return { orders, stockUpdates };
    });
    if (orders.length === 0) {
      throw new OperatorError('nothing was ordered: the shelf is empty', {
        fix: 'let the shop restock (npm start), then play it again',
      });
    }
    const ids = idsOf(orders).sort((a, b) => a - b);
    const items = orders.reduce((sum, { plan }) => sum + plan.items.length, 0);
    const range = `id BETWEEN ${ids[0]} AND ${ids.at(-1)}`;
    return {
      changes: [
        change('clientes', { inserted: orders.filter(({ plan }) => plan.customer.kind === 'new').length }),
        change('produtos', { updated: stockUpdates }),
        change('pedidos', { inserted: orders.length }),
        change('itenspedido', { inserted: items }),
      ],
      facts: [`${orders.length} orders (${idRange(ids)}) came with ${items} items, in one transaction`],
      look: [
        `SELECT count(*), sum(total) FROM pedidos WHERE ${range}`,
        `SELECT count(*), sum(subtotal) FROM itenspedido WHERE id_pedido BETWEEN ${ids[0]} AND ${ids.at(-1)}`,
      ],
    };
  },
};

/** Orders as the shop's customers make them, all of this moment, by new customers. */
async function planOrders(stage: Stage): Promise<PlannedOrder[]> {
  const { db, random, rows, nowMs, lifecycleSpeed, paymentMix } = stage;
  const shelf = new Shelf({ seed: 'cenario', speed: lifecycleSpeed });
  shelf.replace((await readShelf(db)).products);
  const ids = await reserveIds(db, rows);
  const customers = new CustomerBook({
    factory: createCustomerFactory({ random: random.stream('people') }),
    random: random.stream('book'),
    takeId: () => ids.shift(),
  });
  const model = createOrderModel({ random: random.stream('model'), shelf, customers, paymentMix });
  return Array.from({ length: rows }, () => model.plan(nowMs)).filter((plan) => plan !== null);
}

/** Alters `clientes` in tries of two seconds each: so long may the shop wait behind the lock. */
export async function alterCustomers(db: Stage['db'], how: RawBuilder<unknown>): Promise<void> {
  await inTransaction(
    db,
    async (trx) => {
      await sql`SET LOCAL lock_timeout = '2s'`.execute(trx);
      await sql`ALTER TABLE public.clientes ${how}`.execute(trx);
    },
    { retries: 20 },
  );
}

export const newColumn: Scenario = {
  name: 'new-column',
  does: 'adds a nullable column to clientes, registers customers with a value in it, and writes it for half of them anew',
  shows: 'the column, with these values, and NULL for everybody else',
  trap: 'readers that took the schema at the start: the column is missing, the values are lost, or the pipeline stops',
  size: { of: 'customers', rows: 50, most: 10_000 },
  play: async (stage) => {
    const { db, rows: count } = stage;
    const column = await freeName(stage);
    const name = identifier(column);
    await alterCustomers(db, sql`ADD COLUMN ${sql.raw(name)} varchar(40)`);
    const rows = await castCustomers(stage, 'new-column', count);
    const ids = idsOf(rows);
    const half = ids.slice(0, Math.floor(ids.length / 2));
    await inTransaction(db, async (trx) => {
      await insertCustomers(trx, rows);
      await sql`UPDATE public.clientes SET ${sql.raw(name)} = 'apelido ' || id, atualizado_em = clock_timestamp()
        WHERE id = ANY (${sql.val(ids)}::bigint[])`.execute(trx);
    });
    await sql`UPDATE public.clientes SET ${sql.raw(name)} = ${sql.raw(name)} || ' novo', atualizado_em = clock_timestamp()
      WHERE id = ANY (${sql.val(half)}::bigint[])`.execute(db);
    return {
      changes: [change('clientes', { inserted: rows.length, updated: rows.length + half.length })],
      facts: [
        `clientes has a column ${column}`,
        `${rows.length} customers (${idRange(ids)}) have a value in it, ${half.length} of them one that ends in "novo"`,
      ],
      look: [
        `SELECT ${name}, count(*) FROM clientes WHERE ${whereCast('new-column', ids)} GROUP BY ${name}`,
        `SELECT count(*) FROM clientes WHERE ${name} IS NOT NULL`,
      ],
    };
  },
};

/** The columns that this scenario has added bear numbers. */
const ADDED_COLUMN = /^apelido_\d+$/;

async function freeName({ db }: Stage): Promise<string> {
  const taken = await addedColumns(db);
  const highest = taken.reduce((most, name) => Math.max(most, Number(name.slice('apelido_'.length))), 0);
  return `apelido_${highest + 1}`;
}

/** Names of the columns that the scenario has added and nobody dropped. */
export async function addedColumns(db: Stage['db']): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT attname::text AS name FROM pg_attribute
    WHERE attrelid = 'public.clientes'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`.execute(
    db,
  );
  return rows.map((row) => row.name).filter((name) => ADDED_COLUMN.test(name));
}
