import { CompiledQuery, sql } from 'kysely';
import { type Db, PREPARE_MARK } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import {
  eventCode,
  eventOfCode,
  lifecycle,
  type OrderEvent,
  OrderState,
  type OrderStateName,
  orderEvents,
} from './lifecycle.ts';
import { putBack } from './stock.ts';

export interface AdvancedOrder {
  readonly id: number;
  readonly event: OrderEvent;
  /** False when the order was no longer where its schedule expected it (somebody changed or deleted it). */
  readonly applied: boolean;
  /** Business time of the event, ms since the epoch. */
  readonly atMs: number;
  /** How late the event was taken, in ms of the wall clock. */
  readonly lagMs: number;
  /** numeric(12,2) as text; null when not applied. */
  readonly total: string | null;
}

/** The lifecycle table as SQL rows (from, event, to); a purge is a DELETE and has no row. */
const RULES = (Object.keys(OrderState) as OrderStateName[])
  .flatMap((from) =>
    orderEvents.flatMap((event) => {
      const to = lifecycle[from][event];
      return to === 'illegal' || to === 'gone'
        ? []
        : [`(${OrderState[from]}, ${eventCode(event)}, ${OrderState[to]})`];
    }),
  )
  .join(', ');

/** Events that put the order's units back on the shelf. */
const RESTOCKING = (['expired', 'refused', 'cancelled', 'returned'] as const).map(eventCode).join(', ');
const PURGED = eventCode('purged');

/**
 * Claims what is due, the oldest first; rows that another worker holds are skipped. A statement of its own: the next
 * one then has a snapshot from after the locks, and sees each order in the state that its schedule expects. In one
 * statement a row that another worker had just moved on would be met in its newest version, and its order in the
 * version before: the event would look illegal, and the order lose its schedule.
 */
const CLAIM = `${PREPARE_MARK} SELECT order_id FROM simulator.order_schedule
  WHERE due_at <= statement_timestamp() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED`;

const CLAIM_ONE = `SELECT order_id FROM simulator.order_schedule
  WHERE order_id = $1 AND due_at <= statement_timestamp() FOR UPDATE SKIP LOCKED`;

/**
 * Moves the claimed orders along the lifecycle table, deletes what is purged (items before orders), and writes each
 * order's next date. Costs what was claimed, however large the tables are.
 */
const APPLY = `${PREPARE_MARK} WITH due AS MATERIALIZED (
  SELECT order_id, due_at, next_events[1] AS event, next_at[1] AS happened_at, cardinality(next_events) AS steps
  FROM simulator.order_schedule WHERE order_id = ANY ($1::bigint[])
), rule (from_state, event, to_state) AS (VALUES ${RULES}),
moved AS (
  UPDATE public.pedidos p SET
    id_status = r.to_state,
    data_aprovacao = CASE d.event WHEN ${eventCode('approved')} THEN d.happened_at ELSE p.data_aprovacao END,
    data_envio = CASE d.event WHEN ${eventCode('shipped')} THEN d.happened_at ELSE p.data_envio END,
    data_entrega = CASE d.event WHEN ${eventCode('delivered')} THEN d.happened_at ELSE p.data_entrega END,
    id_entregue = CASE d.event WHEN ${eventCode('delivered')} THEN 1 ELSE p.id_entregue END,
    atualizado_em = clock_timestamp()
  FROM due d JOIN rule r ON r.event = d.event
  WHERE p.id = d.order_id AND p.id_status = r.from_state
  RETURNING p.id, d.event, p.total
), back AS (
  SELECT m.id, array_agg(i.id_produto) AS products, array_agg(i.quantidade) AS quantities
  FROM moved m JOIN public.itenspedido i ON i.id_pedido = m.id
  WHERE m.event IN (${RESTOCKING}) GROUP BY m.id
), doomed AS (
  SELECT p.id FROM due d JOIN public.pedidos p ON p.id = d.order_id
  WHERE d.event = ${PURGED} AND p.id_status = ${OrderState.Cancelado}
), purged_items AS (
  DELETE FROM public.itenspedido i USING doomed d WHERE i.id_pedido = d.id RETURNING i.id
), purged AS (
  DELETE FROM public.pedidos p USING doomed d WHERE p.id = d.id AND (SELECT count(*) FROM purged_items) >= 0
  RETURNING p.id, p.total
), continued AS (
  UPDATE simulator.order_schedule s SET
    due_at = s.due_at + (s.next_at[2] - s.next_at[1]) / $2::float8,
    next_events = s.next_events[2:],
    next_at = s.next_at[2:]
  FROM due d JOIN moved m ON m.id = d.order_id
  WHERE s.order_id = d.order_id AND d.steps > 1
), finished AS (
  DELETE FROM simulator.order_schedule s USING due d
  WHERE s.order_id = d.order_id AND (d.steps = 1 OR NOT EXISTS (SELECT FROM moved m WHERE m.id = d.order_id))
)
SELECT d.order_id, d.event, coalesce(m.total, g.total) AS total, m.id IS NOT NULL OR g.id IS NOT NULL AS applied,
  extract(epoch FROM d.happened_at)::float8 * 1000 AS at_ms,
  extract(epoch FROM statement_timestamp() - d.due_at)::float8 * 1000 AS lag_ms,
  b.products, b.quantities
FROM due d LEFT JOIN moved m ON m.id = d.order_id LEFT JOIN purged g ON g.id = d.order_id
  LEFT JOIN back b ON b.id = d.order_id
ORDER BY d.due_at`;

interface AdvanceRow {
  order_id: number;
  event: number;
  total: string | null;
  applied: boolean;
  at_ms: number;
  lag_ms: number;
  /** What goes back on the shelf. */
  products: number[] | null;
  quantities: number[] | null;
}

/**
 * Takes up to `limit` due events, the oldest first, each order at most once, in one transaction: claim, apply, and
 * where orders were cancelled or returned, their units back into stock. Fewer than `limit` rows back means: nothing
 * more is due just now.
 *
 * @param speed how many times faster than the wall an order ages (LIFECYCLE_SPEED)
 */
export async function advanceDue(
  db: Db,
  options: { limit: number; speed: number },
): Promise<readonly AdvancedOrder[]> {
  return advance(db, CompiledQuery.raw(CLAIM, [options.limit]), options.speed);
}

/** One order alone, as {@link advanceDue}; empty when another worker has it, or it is not due any more. */
export async function advanceOne(db: Db, id: number, speed: number): Promise<readonly AdvancedOrder[]> {
  return advance(db, CompiledQuery.raw(CLAIM_ONE, [id]), speed);
}

/** Ids of due orders, the oldest first. */
export async function dueOrders(db: Db, limit: number): Promise<readonly number[]> {
  const { rows } = await sql<{ order_id: number }>`
    SELECT order_id FROM simulator.order_schedule
    WHERE due_at <= statement_timestamp() ORDER BY due_at LIMIT ${limit}`.execute(db);
  return rows.map((row) => row.order_id);
}

/** Puts off what is next for an order; its business times stay. */
export async function setAside(db: Db, id: number, ms: number): Promise<void> {
  await sql`
    UPDATE simulator.order_schedule SET due_at = clock_timestamp() + ${ms} * interval '1 ms'
    WHERE order_id = ${id}`.execute(db);
}

async function advance(db: Db, claim: CompiledQuery, speed: number): Promise<readonly AdvancedOrder[]> {
  const rows = await inTransaction(db, async (trx) => {
    const claimed = await trx.executeQuery<{ order_id: number }>(claim);
    if (claimed.rows.length === 0) return [];
    const ids = claimed.rows.map((row) => row.order_id);
    const applied = await trx.executeQuery<AdvanceRow>(CompiledQuery.raw(APPLY, [ids, speed]));
    await putBack(trx, unitsBack(applied.rows));
    return applied.rows;
  });
  return rows.map((row) => ({
    id: row.order_id,
    event: eventOfCode(row.event),
    applied: row.applied,
    atMs: row.at_ms,
    lagMs: row.lag_ms,
    total: row.total,
  }));
}

/** Units by product. */
function unitsBack(rows: readonly AdvanceRow[]): ReadonlyMap<number, number> {
  const units = new Map<number, number>();
  for (const { products, quantities } of rows) {
    products?.forEach((id, index) => {
      units.set(id, (units.get(id) ?? 0) + (quantities?.[index] ?? 0));
    });
  }
  return units;
}
