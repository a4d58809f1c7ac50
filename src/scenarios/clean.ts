import { sql } from 'kysely';
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { CAST_EMAIL, CAST_SKU } from './cast.ts';
import { addedColumns, alterCustomers } from './shop.ts';

/** What was taken back. */
export interface Cleaned {
  readonly customers: number;
  readonly products: number;
  readonly columns: readonly string[];
}

/**
 * Takes back what scenarios have left: their customers, their products, the columns that they added. Orders of
 * `order-burst` are orders like all others, and stay.
 */
export async function cleanUp(db: Db): Promise<Cleaned> {
  const removed = await inTransaction(db, async (trx) => {
    const customers = await sql`
      DELETE FROM public.clientes c WHERE c.email LIKE ${CAST_EMAIL}
        AND NOT EXISTS (SELECT FROM public.pedidos p WHERE p.id_cliente = c.id)`.execute(trx);
    const products = await sql<{ id: number }>`
      DELETE FROM public.produtos p WHERE p.sku LIKE ${CAST_SKU}
        AND NOT EXISTS (SELECT FROM public.itenspedido i WHERE i.id_produto = p.id) RETURNING p.id`.execute(
      trx,
    );
    const ids = products.rows.map((row) => row.id);
    await sql`DELETE FROM simulator.stock_book WHERE product_id = ANY (${sql.val(ids)}::bigint[])`.execute(
      trx,
    );
    return { customers: Number(customers.numAffectedRows ?? 0n), products: ids.length };
  });
  const columns = await addedColumns(db);
  for (const column of columns) {
    await alterCustomers(db, sql`DROP COLUMN ${sql.id(column)}`);
  }
  return { ...removed, columns };
}
