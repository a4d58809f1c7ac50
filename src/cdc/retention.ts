import { sql } from 'kysely';
import type { Db } from '../db/pool.ts';
import { retrying } from '../db/transaction.ts';
import { OrderState } from '../orders/lifecycle.ts';

/** Orders looked at, and at most deleted, in one transaction: a reader meets small transactions only. */
export const RETENTION_BATCH = 200;
const DAY_MS = 86_400_000;

export interface RetentionOptions {
  /** Age by `data_pedido`, in days; must be above 0. */
  readonly days: number;
  /** Now, ms since the epoch, on the clock that writes `data_pedido`. */
  readonly nowMs: number;
  /** Transactions of one run; the next run goes on. */
  readonly maxBatches?: number;
  /** Orders of one transaction, at most {@link RETENTION_BATCH}. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

export interface RetentionResult {
  readonly orders: number;
  readonly items: number;
  /** False when the run ended at its bound: more is old enough. */
  readonly complete: boolean;
}

interface BatchRow {
  seen: number;
  orders: number;
  items: number;
  last_at: string | null;
  last_id: string | null;
}

/**
 * Deletes finished orders (delivered with nothing still to come, returned, cancelled) older than `days`, in the order
 * of `data_pedido`, a batch a transaction: items first, then their orders. Units of delivered orders move from
 * the items into `stock_book.retired`, so that the stock still adds up. Ledger and tombstones are the triggers'.
 */
export async function deleteOldOrders(db: Db, options: RetentionOptions): Promise<RetentionResult> {
  const batchSize = Math.min(options.batchSize ?? RETENTION_BATCH, RETENTION_BATCH);
  const cutoff = new Date(options.nowMs - options.days * DAY_MS).toISOString();
  let after: { at: string; id: string } = { at: '-infinity', id: '0' };
  let orders = 0;
  let items = 0;
  for (let batch = 0; batch < (options.maxBatches ?? 25); batch++) {
    if (options.signal?.aborted) break;
    const done = await retrying(() => deleteBatch(db, cutoff, after, batchSize));
    orders += done.orders;
    items += done.items;
    if (done.seen < batchSize || done.last_at === null || done.last_id === null) {
      return { orders, items, complete: true };
    }
    after = { at: done.last_at, id: done.last_id };
  }
  return { orders, items, complete: false };
}

/**
 * One statement, one transaction. Walks `pedidos_data_pedido_idx` from the last key, so that it costs the page and
 * not the table. Rows that somebody else holds wait for the next run. A cancelled order that still waits for its
 * purge is taken together with its schedule row, locked first as the lifecycle's own statement does; products are
 * locked in the order of their ids, as by everyone who changes stock.
 */
async function deleteBatch(
  db: Db,
  cutoff: string,
  after: { readonly at: string; readonly id: string },
  limit: number,
): Promise<BatchRow> {
  const { Entregue, Cancelado, Devolvido } = OrderState;
  const result = await sql<BatchRow>`
    WITH page AS MATERIALIZED (
      SELECT id, data_pedido, id_status FROM public.pedidos
      WHERE data_pedido < ${cutoff}::timestamptz AND data_pedido >= ${after.at}::timestamptz
        AND (data_pedido > ${after.at}::timestamptz OR id > ${after.id}::bigint)
      ORDER BY data_pedido, id LIMIT ${limit}
    ), waiting AS (
      SELECT s.order_id FROM simulator.order_schedule s JOIN page p ON p.id = s.order_id
    ), released AS MATERIALIZED (
      SELECT s.order_id FROM simulator.order_schedule s JOIN page p ON p.id = s.order_id
      WHERE p.id_status = ${Cancelado} FOR UPDATE OF s SKIP LOCKED
    ), doomed AS MATERIALIZED (
      SELECT o.id, o.id_status FROM public.pedidos o
      WHERE o.id IN (SELECT p.id FROM page p
          WHERE p.id_status IN (${Entregue}, ${Devolvido}, ${Cancelado})
            AND (p.id NOT IN (SELECT order_id FROM waiting) OR p.id IN (SELECT order_id FROM released)))
        AND o.id_status IN (${Entregue}, ${Devolvido}, ${Cancelado})
      ORDER BY o.id FOR UPDATE SKIP LOCKED
    ), shelf AS MATERIALIZED (
      SELECT id FROM public.produtos WHERE id IN (
        SELECT i.id_produto FROM public.itenspedido i JOIN doomed d ON d.id = i.id_pedido WHERE d.id_status = ${Entregue})
      ORDER BY id FOR NO KEY UPDATE
    ), items AS (
      DELETE FROM public.itenspedido i USING doomed d
      WHERE i.id_pedido = d.id AND (SELECT count(*) FROM shelf) >= 0
      RETURNING i.id_produto, i.quantidade, d.id_status
    ), retired AS (
      UPDATE simulator.stock_book b SET retired = b.retired + r.units
      FROM (SELECT id_produto, sum(quantidade)::int AS units FROM items WHERE id_status = ${Entregue} GROUP BY id_produto) r
      WHERE b.product_id = r.id_produto
    ), unscheduled AS (
      DELETE FROM simulator.order_schedule s USING doomed d WHERE s.order_id = d.id
    ), orders AS (
      DELETE FROM public.pedidos p USING doomed d WHERE p.id = d.id AND (SELECT count(*) FROM items) >= 0 RETURNING p.id
    )
    SELECT (SELECT count(*) FROM page)::int AS seen, (SELECT count(*) FROM orders)::int AS orders,
      (SELECT count(*) FROM items)::int AS items, l.data_pedido::text AS last_at, l.id::text AS last_id
    FROM (VALUES (1)) one LEFT JOIN (SELECT data_pedido, id FROM page ORDER BY data_pedido DESC, id DESC LIMIT 1) l ON true`.execute(
    db,
  );
  const row = result.rows[0];
  if (row === undefined) throw new Error('the retention statement returned no row');
  return row;
}

export interface PruneOptions {
  /** Default 2: how long verification may look back at single ledger rows. */
  readonly ledgerDays?: number;
  /** Default 30. */
  readonly tombstoneDays?: number;
  /** Rows of one transaction. */
  readonly batchSize?: number;
  readonly maxBatches?: number;
  readonly signal?: AbortSignal;
}

export interface PruneResult {
  readonly ledgerRows: number;
  readonly tombstones: number;
}

/**
 * Folds old ledger rows into `ledger_totals` and drops old tombstones. Ledger and totals change in one statement: at
 * every moment they add up to the same, also when two workers prune at once (a row is deleted, and counted, by one).
 */
export async function pruneLedger(db: Db, options: PruneOptions = {}): Promise<PruneResult> {
  const limit = options.batchSize ?? 20_000;
  const repeat = async (work: () => Promise<number>) => {
    let total = 0;
    for (let batch = 0; batch < (options.maxBatches ?? 20) && !options.signal?.aborted; batch++) {
      const done = await retrying(work);
      total += done;
      if (done < limit) break;
    }
    return total;
  };
  const ledgerRows = await repeat(async () => {
    const result = await sql<{ rows: number }>`
      WITH gone AS (
        DELETE FROM simulator.ledger WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM simulator.ledger
          WHERE noted_at < clock_timestamp() - ${options.ledgerDays ?? 2} * interval '1 day' LIMIT ${limit}))
        RETURNING table_name, op, row_count
      ), folded AS (
        INSERT INTO simulator.ledger_totals AS t (table_name, op, row_count)
        SELECT table_name, op, sum(row_count)::bigint FROM gone GROUP BY table_name, op ORDER BY table_name, op
        ON CONFLICT (table_name, op) DO UPDATE SET row_count = t.row_count + excluded.row_count
      )
      SELECT count(*)::int AS rows FROM gone`.execute(db);
    return result.rows[0]?.rows ?? 0;
  });
  const tombstones = await repeat(async () => {
    const result = await sql<{ rows: number }>`
      WITH gone AS (
        DELETE FROM simulator.tombstones WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM simulator.tombstones
          WHERE deleted_at < clock_timestamp() - ${options.tombstoneDays ?? 30} * interval '1 day' LIMIT ${limit}))
        RETURNING key
      )
      SELECT count(*)::int AS rows FROM gone`.execute(db);
    return result.rows[0]?.rows ?? 0;
  });
  return { ledgerRows, tombstones };
}
