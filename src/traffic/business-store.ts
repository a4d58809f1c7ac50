import { sql } from 'kysely';
import { type CustomerRow, customerColumns, type ProductRow } from '../catalog/types.ts';
import type { Db } from '../db/pool.ts';
import { inTransaction, retrying } from '../db/transaction.ts';
import { putBack } from '../orders/stock.ts';
import { centsToNumeric } from '../orders/types.ts';

/** What the shop writes besides orders. Each function is one statement; products are locked in the order of their ids. */

export interface Restock {
  readonly productId: number;
  readonly quantity: number;
}

/** Adds to stock, and notes it in the stock book, in one transaction. Returns how many products there were. */
export async function restockProducts(db: Db, restocks: readonly Restock[]): Promise<number> {
  if (restocks.length === 0) return 0;
  const units = new Map(restocks.map(({ productId, quantity }) => [productId, quantity]));
  return inTransaction(db, async (trx) => {
    const stocked = await putBack(trx, units);
    await sql`
      UPDATE simulator.stock_book b SET restocked = b.restocked + u.quantity
      FROM unnest(${sql.val([...stocked])}::bigint[], ${sql.val(stocked.map((id) => units.get(id) ?? 0))}::int[]) AS u (id, quantity)
      WHERE b.product_id = u.id`.execute(trx);
    return stocked.length;
  });
}

export interface Reprice {
  readonly productId: number;
  readonly priceCents: number;
}

/** Sets prices; `margem` follows. Prices that stay write nothing. */
export async function repriceProducts(db: Db, reprices: readonly Reprice[]): Promise<number> {
  if (reprices.length === 0) return 0;
  const ids = reprices.map((reprice) => reprice.productId);
  const prices = reprices.map((reprice) => centsToNumeric(reprice.priceCents));
  const result = await retrying(() =>
    sql<{ id: number }>`
      WITH locked AS MATERIALIZED (
        SELECT id FROM public.produtos WHERE id = ANY (${sql.val(ids)}::bigint[]) ORDER BY id FOR NO KEY UPDATE
      ), wanted AS (
        SELECT * FROM unnest(${sql.val(ids)}::bigint[], ${sql.val(prices)}::numeric[]) AS t (id, price) WHERE id IN (SELECT id FROM locked)
      )
      UPDATE public.produtos p SET preco = w.price, margem = round((w.price - p.preco_custo) * 100 / w.price, 2), atualizado_em = clock_timestamp()
      FROM wanted w WHERE p.id = w.id AND p.preco <> w.price RETURNING p.id`.execute(db),
  );
  return result.rows.length;
}

/** New products with their first stock. Returns their ids. */
export async function launchProducts(db: Db, products: readonly ProductRow[]): Promise<readonly number[]> {
  if (products.length === 0) return [];
  const rows = products.map((p) => ({
    ...p,
    preco: centsToNumeric(p.precoCents),
    preco_custo: centsToNumeric(p.precoCustoCents),
  }));
  const result = await sql<{ id: number }>`
    WITH launched AS (
      INSERT INTO public.produtos (sku, nome, descricao, preco, preco_custo, margem, tamanho, estoque, id_categoria, id_marca, modelo, id_genero, cor)
      SELECT sku, nome, descricao, preco, preco_custo, round((preco - preco_custo) * 100 / preco, 2), tamanho, estoque, id_categoria, id_marca, modelo, id_genero, cor
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (sku text, nome text, descricao text, preco numeric, preco_custo numeric,
        tamanho smallint, estoque int, id_categoria smallint, id_marca smallint, modelo text, id_genero smallint, cor text)
      ON CONFLICT (sku) DO NOTHING RETURNING id, estoque
    )
    INSERT INTO simulator.stock_book (product_id, initial) SELECT id, estoque FROM launched RETURNING product_id AS id`.execute(
    db,
  );
  return result.rows.map((row) => row.id);
}

/** From now on these products are sold off and not restocked. */
export async function discontinueProducts(db: Db, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await retrying(() =>
    sql`UPDATE simulator.stock_book SET discontinued_at = clock_timestamp()
      WHERE product_id = ANY (${sql.val(ids)}::bigint[]) AND discontinued_at IS NULL`.execute(db),
  );
}

export interface Registration {
  readonly row: CustomerRow;
  /** When this customer will buy for the first time; null: never. */
  readonly firstPurchaseAtMs: number | null;
}

/** Customers who register without buying, and their first purchase to come, in one transaction. */
export async function registerCustomers(db: Db, registrations: readonly Registration[]): Promise<void> {
  if (registrations.length === 0) return;
  await db.transaction().execute(async (trx) => {
    await trx
      .withSchema('public')
      .insertInto('clientes')
      .values(registrations.map(({ row }) => ({ ...row })))
      .execute();
    const coming = registrations.flatMap(({ row, firstPurchaseAtMs }) =>
      firstPurchaseAtMs === null
        ? []
        : [{ customer_id: row.id, due_at: new Date(firstPurchaseAtMs), purchases: 0 }],
    );
    if (coming.length > 0) await trx.insertInto('simulator.returning_customers').values(coming).execute();
  });
}

/** Changes a customer's data; false when the customer is gone, or was forgotten since he was read. */
export async function changeProfile(
  db: Db,
  id: number,
  change: Partial<Omit<CustomerRow, 'id'>>,
): Promise<boolean> {
  const result = await db
    .withSchema('public')
    .updateTable('clientes')
    .set({ ...change, atualizado_em: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('email', 'not like', '%.invalid')
    .returning('id')
    .execute();
  return result.length > 0;
}

/** A product on the books: what the shop needs to know to restock, reprice and discontinue it. */
export interface BookedProduct {
  readonly id: number;
  readonly model: string;
  readonly stock: number;
  readonly priceCents: number;
  readonly costCents: number;
  /** Units that ever left, less those that came back. */
  readonly sold: number;
  readonly discontinued: boolean;
  readonly createdAtMs: number;
}

export async function readBook(db: Db): Promise<readonly BookedProduct[]> {
  const result = await sql<BookedProduct>`
    SELECT p.id, p.modelo AS model, p.estoque AS stock, (p.preco * 100)::bigint AS "priceCents", (p.preco_custo * 100)::bigint AS "costCents",
      b.initial + b.restocked - p.estoque AS sold, b.discontinued_at IS NOT NULL AS discontinued,
      extract(epoch FROM p.criado_em)::float8 * 1000 AS "createdAtMs"
    FROM public.produtos p JOIN simulator.stock_book b ON b.product_id = p.id ORDER BY p.id`.execute(db);
  return result.rows;
}

/** Some customers, as they are, among the ids given. */
export async function readCustomers(db: Db, ids: readonly number[]): Promise<readonly CustomerRow[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .withSchema('public')
    .selectFrom('clientes')
    .select(customerColumns)
    .where('id', 'in', [...ids])
    .orderBy('id')
    .execute();
  return rows as readonly CustomerRow[];
}

/** The highest customer id in use; 0 for none. */
export async function highestCustomerId(db: Db): Promise<number> {
  const row = await db
    .withSchema('public')
    .selectFrom('clientes')
    .select('id')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? 0;
}

export type ErasureOutcome = 'anonymised' | 'deleted' | 'gone' | 'busy';

/**
 * LGPD erasure: a customer without orders is deleted; one with finished orders is anonymised, and the addresses on
 * the orders with him. One whose order is still on its way keeps what the delivery needs: `busy`.
 */
export async function eraseCustomer(
  db: Db,
  id: number,
  anonymous: Omit<CustomerRow, 'id'>,
  orderAddress: string,
): Promise<ErasureOutcome> {
  // an order of his may be moving on just now: whoever loses that race tries again
  return inTransaction(db, async (trx) => {
    const customer = await trx
      .withSchema('public')
      .selectFrom('clientes')
      .select('id')
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (customer === undefined) return 'gone';
    const orders = await trx
      .withSchema('public')
      .selectFrom('pedidos')
      .select(['id', 'id_status'])
      .where('id_cliente', '=', id)
      .execute();
    if (orders.some((order) => order.id_status <= 3)) return 'busy';
    await trx.deleteFrom('simulator.returning_customers').where('customer_id', '=', id).execute();
    if (orders.length === 0) {
      await trx.withSchema('public').deleteFrom('clientes').where('id', '=', id).execute();
      return 'deleted';
    }
    await trx
      .withSchema('public')
      .updateTable('clientes')
      .set({ ...anonymous, atualizado_em: sql<Date>`clock_timestamp()` })
      .where('id', '=', id)
      .execute();
    await trx
      .withSchema('public')
      .updateTable('pedidos')
      .set({ endereco_entrega: orderAddress, atualizado_em: sql<Date>`clock_timestamp()` })
      .where('id_cliente', '=', id)
      .execute();
    return 'anonymised';
  });
}
