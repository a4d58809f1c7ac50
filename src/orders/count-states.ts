import { sql } from 'kysely';
import type { Db } from '../db/pool.ts';
import { OrderState, type OrderStateName } from './lifecycle.ts';

/** Orders in each state. Reads the whole table: ask seldom, and the more seldom the longer it takes. */
export async function countStates(db: Db): Promise<Readonly<Record<OrderStateName, number>>> {
  const result = await sql<{ id_status: number; count: number }>`
    SELECT id_status, count(*) AS count FROM public.pedidos GROUP BY id_status`.execute(db);
  const counts: Partial<Record<OrderStateName, number>> = {};
  for (const [name, id] of Object.entries(OrderState) as [OrderStateName, number][]) {
    counts[name] = result.rows.find((row) => row.id_status === id)?.count ?? 0;
  }
  return counts as Record<OrderStateName, number>;
}
