import { sql } from 'kysely';
import { createCustomerFactory } from '../catalog/customers.ts';
import { type CustomerRow, customerColumns } from '../catalog/types.ts';
import type { Db } from '../db/pool.ts';
import { dateText, localDay } from '../orders/model/calendar.ts';
import type { Stage } from './scenario.ts';

/**
 * Scenarios play with customers of their own, who never buy: live traffic goes on beside them, and nobody's order is
 * touched. They are known by their address.
 */
export const CAST_EMAIL = 'cenario.%@example.com';
/** Products that scenarios make are known by their SKU. */
export const CAST_SKU = 'CENARIO-%';

/** Rows in one INSERT: 15 parameters each, of 65,535. */
const INSERT_ROWS = 2_000;

/** Ids for `count` customers, ascending; a gap is all that is left of those never used. */
export async function reserveIds(db: Db, count: number): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT nextval('public.clientes_id_seq') AS id FROM generate_series(1, ${count})`.execute(db);
  return rows.map((row) => row.id).sort((a, b) => a - b);
}

/** Customers, not written yet. */
export async function castCustomers(
  { db, random, nowMs }: Stage,
  scenario: string,
  count: number,
): Promise<CustomerRow[]> {
  const factory = createCustomerFactory({ random });
  const today = dateText(localDay(nowMs));
  const ids = await reserveIds(db, count);
  return ids.map((id) => ({
    ...factory.create(id, today),
    email: `cenario.${scenario}.${id}@example.com`,
  }));
}

/** Writes them, in as many statements as it takes. */
export async function insertCustomers(db: Db, rows: readonly CustomerRow[]): Promise<void> {
  const columns = sql.join(customerColumns.map((column) => sql.ref(column)));
  for (let from = 0; from < rows.length; from += INSERT_ROWS) {
    const values = rows
      .slice(from, from + INSERT_ROWS)
      .map((row) => sql`(${sql.join(customerColumns.map((column) => sql.val(row[column])))})`);
    await sql`INSERT INTO public.clientes (${columns}) VALUES ${sql.join(values)}`.execute(db);
  }
}

/** Deletes them in one statement; nobody has an order. */
export async function deleteCustomers(db: Db, ids: readonly number[]): Promise<number> {
  const { numAffectedRows = 0n } =
    await sql`DELETE FROM public.clientes WHERE id = ANY (${sql.val(ids)}::bigint[])`.execute(db);
  return Number(numAffectedRows);
}

/** Changes what a customer agreed to, and his number: an update of no consequence. Returns how many there were. */
export async function touchCustomers(db: Db, ids: readonly number[], telefone: string): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    UPDATE public.clientes SET telefone = ${telefone}, id_emailmarketing = 3 - id_emailmarketing,
      atualizado_em = clock_timestamp()
    WHERE id = ANY (${sql.val(ids)}::bigint[])`.execute(db);
  return Number(numAffectedRows);
}

export const idsOf = (rows: readonly { readonly id: number }[]): number[] => rows.map((row) => row.id);

/** For a sentence: who they are. Ids of others may lie between, when traffic goes on. */
export function idRange(ids: readonly number[]): string {
  const [first, last] = [ids[0], ids.at(-1)];
  return first === last ? `id ${first}` : `ids from ${first} to ${last}`;
}

/** Condition that picks them, also among others. */
export function whereCast(scenario: string, ids: readonly number[]): string {
  return `email LIKE 'cenario.${scenario}.%' AND id BETWEEN ${ids[0]} AND ${ids.at(-1)}`;
}
