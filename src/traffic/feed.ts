import { sql } from 'kysely';
import type { KnownCustomer, ShelfProduct, State } from '../catalog/types.ts';
import type { Db } from '../db/pool.ts';
import { numericToCents } from '../orders/types.ts';

/** Customer ids reserved ahead, so that CPF and e-mail can be made from them before anything is written. */
export class IdStock {
  #ids: number[] = [];

  get size(): number {
    return this.#ids.length;
  }

  readonly take = (): number | undefined => this.#ids.pop();

  /** Reserves `count` more. A gap in the ids is all that is left of those never used. */
  async refill(db: Db, count: number): Promise<void> {
    const result = await sql<{ id: number }>`
      SELECT nextval('public.clientes_id_seq') AS id FROM generate_series(1, ${count})`.execute(db);
    this.#ids = [...result.rows.map((row) => row.id).reverse(), ...this.#ids];
  }
}

export interface DueCustomer {
  readonly customer: KnownCustomer;
  readonly dueAtMs: number;
}

/** One line, as `pedidos.endereco_entrega` takes it; the twin of `deliveryAddressOf` in the catalog. */
const DELIVERY_ADDRESS = sql<string>`c.endereco || ', ' || c.bairro || ', ' || c.cidade || ' - ' || c.estado || ', ' || c.cep`;

/**
 * Takes customers who are due to buy again out of `simulator.returning_customers`; no other worker gets them. Those
 * not used are given back by {@link giveBackReturning}.
 */
export async function claimReturning(db: Db, limit: number): Promise<readonly DueCustomer[]> {
  const result = await sql<{
    id: number;
    state: State;
    gender: number;
    address: string;
    purchases: number;
    due_ms: number;
  }>`
    WITH due AS (
      SELECT customer_id FROM simulator.returning_customers
      WHERE due_at <= statement_timestamp() ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), taken AS (
      DELETE FROM simulator.returning_customers r USING due WHERE r.customer_id = due.customer_id
      RETURNING r.customer_id, r.purchases, r.due_at
    )
    SELECT c.id, c.estado AS state, c.id_genero AS gender, ${DELIVERY_ADDRESS} AS address, t.purchases,
      extract(epoch FROM t.due_at)::float8 * 1000 AS due_ms
    FROM taken t JOIN public.clientes c ON c.id = t.customer_id
    WHERE c.email NOT LIKE '%.invalid' ORDER BY t.due_at`.execute(db);
  return result.rows.map((row) => ({
    customer: {
      id: row.id,
      state: row.state,
      genderId: row.gender,
      deliveryAddress: row.address,
      purchases: row.purchases,
    },
    dueAtMs: row.due_ms,
  }));
}

/** A customer who was claimed and did not buy after all. */
export interface WaitingCustomer {
  readonly id: number;
  readonly dueAtMs: number;
  /** Orders so far. */
  readonly purchases: number;
}

/** Puts claimed customers back, those that have no date by now. */
export async function giveBackReturning(db: Db, customers: readonly WaitingCustomer[]): Promise<void> {
  if (customers.length === 0) return;
  await sql`
    INSERT INTO simulator.returning_customers (customer_id, due_at, purchases)
    SELECT id, to_timestamp(due_ms / 1000), purchases
    FROM unnest(
      ${sql.val(customers.map((customer) => customer.id))}::bigint[],
      ${sql.val(customers.map((customer) => customer.dueAtMs))}::float8[],
      ${sql.val(customers.map((customer) => customer.purchases))}::int[]) AS t (id, due_ms, purchases)
    ON CONFLICT (customer_id) DO NOTHING`.execute(db);
}

export interface ShelfReading {
  readonly products: readonly ShelfProduct[];
  /** Hand this to the next reading: it then brings only what changed since. */
  readonly asOf: Date;
}

/**
 * Products as the model wants them. With `since`, only those that changed after it, less a margin: `atualizado_em` is
 * the moment of the change, and a change is seen at its commit.
 */
export async function readShelf(db: Db, since?: Date): Promise<ShelfReading> {
  const query = sql<{
    id: number;
    sku: string;
    preco: string;
    estoque: number;
    tamanho: number;
    id_marca: number;
    id_categoria: number;
    id_genero: number;
    modelo: string;
    created_ms: number;
  }>`
    SELECT id, sku, preco, estoque, tamanho, id_marca, id_categoria, id_genero, modelo,
      extract(epoch FROM criado_em)::float8 * 1000 AS created_ms
    FROM public.produtos
    ${since === undefined ? sql`` : sql`WHERE atualizado_em > ${since}::timestamptz - interval '10 s'`}
    ORDER BY id`;
  const now = await sql<{ now: Date }>`SELECT clock_timestamp() AS now`.execute(db);
  const result = await query.execute(db);
  return {
    asOf: now.rows[0]?.now ?? new Date(0),
    products: result.rows.map((row) => ({
      id: row.id,
      sku: row.sku,
      priceCents: numericToCents(row.preco),
      stock: row.estoque,
      size: row.tamanho,
      brandId: row.id_marca,
      categoryId: row.id_categoria,
      genderId: row.id_genero,
      model: row.modelo,
      createdAtMs: row.created_ms,
    })),
  };
}
