import { CompiledQuery } from 'kysely';
import { type Db, PREPARE_MARK } from '../db/pool.ts';

/**
 * Adds units to products. The rows are locked first, by key and in the order of the keys: everyone who changes stock
 * does so, and so nobody waits for anybody in a circle.
 */
const PUT_BACK = `${PREPARE_MARK} WITH locked AS MATERIALIZED (
  SELECT id FROM public.produtos WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
), units AS (
  SELECT * FROM unnest($1::bigint[], $2::int[]) AS u (id, quantity) WHERE id IN (SELECT id FROM locked)
)
UPDATE public.produtos p SET estoque = p.estoque + u.quantity, atualizado_em = clock_timestamp()
FROM units u WHERE p.id = u.id RETURNING p.id`;

/** Puts units back on the shelf, in the caller's transaction. Returns the products that are still there. */
export async function putBack(
  db: Pick<Db, 'executeQuery'>,
  units: ReadonlyMap<number, number>,
): Promise<readonly number[]> {
  if (units.size === 0) return [];
  const query = CompiledQuery.raw(PUT_BACK, [[...units.keys()], [...units.values()]]);
  const result = await db.executeQuery<{ id: number }>(query);
  return result.rows.map((row) => row.id);
}
