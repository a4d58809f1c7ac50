import { CompiledQuery } from 'kysely';
import { customerColumns } from '../catalog/types.ts';
import { type Db, PREPARE_MARK } from '../db/pool.ts';
import { retrying } from '../db/transaction.ts';
import { eventCode, OrderState, positionAt, type TimelineStep } from './lifecycle.ts';
import { centsToNumeric, type PlannedOrder, subtotalCents } from './types.ts';

export interface PlacedOrder {
  readonly id: number;
  readonly plan: PlannedOrder;
}

export interface PlaceResult {
  readonly placed: readonly PlacedOrder[];
  /** Orders that the shelf could not serve: stock ran out, or the price moved since the model looked. */
  readonly refused: readonly PlannedOrder[];
}

/**
 * One statement, one transaction: locks the products in the order of their ids (two workers can then never wait for
 * each other), takes the orders that stock and prices allow, and writes customer, order, items, stock, schedule and
 * the customer's next purchase. Each CTE reads from the one before, so that a reader of the WAL meets parents first.
 */
const PLACE = `${PREPARE_MARK} WITH item AS (
  SELECT * FROM unnest($1::int[], $2::bigint[], $3::int[], $4::numeric[]) AS i (ord, product_id, quantity, price)
), locked AS MATERIALIZED (
  SELECT id, estoque, preco FROM public.produtos WHERE id = ANY ($2::bigint[]) ORDER BY id FOR NO KEY UPDATE
), checked AS (
  SELECT i.ord, l.id IS NOT NULL AND l.preco = i.price
    AND sum(i.quantity) OVER (PARTITION BY i.product_id ORDER BY i.ord) <= l.estoque AS fine
  FROM item i LEFT JOIN locked l ON l.id = i.product_id
), accepted AS (
  SELECT ord FROM checked GROUP BY ord HAVING bool_and(fine)
), taken AS MATERIALIZED (
  SELECT nextval('public.pedidos_id_seq') AS id, o.*
  FROM unnest($5::int[], $6::bigint[], $7::timestamptz[], $8::smallint[], $9::smallint[], $10::smallint[],
    $11::smallint[], $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[], $16::text[], $17::date[],
    $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::text[], $23::text[],
    $24::timestamptz[], $25::int[])
    AS o (ord, customer_id, placed_at, channel, payment, installments, state, subtotal, freight, discount, total,
      address, promised_on, approved_at, shipped_at, delivered_at, due_at, next_events, next_at,
      next_purchase_at, purchases)
  WHERE o.ord IN (SELECT ord FROM accepted)
    -- whoever asked to be forgotten since the model took him in does not come back
    AND (o.customer_id = ANY ($26::bigint[]) OR EXISTS (
      SELECT FROM public.clientes c WHERE c.id = o.customer_id AND c.email NOT LIKE '%.invalid'))
), registered AS (
  INSERT INTO public.clientes (id, nome, sobrenome, id_genero, id_estadocivil, email, cpf, telefone, endereco, bairro,
    cidade, estado, cep, data_cadastro, id_emailmarketing)
  SELECT c.* FROM unnest($26::bigint[], $27::text[], $28::text[], $29::smallint[], $30::smallint[], $31::text[],
    $32::text[], $33::text[], $34::text[], $35::text[], $36::text[], $37::text[], $38::text[], $39::date[],
    $40::smallint[]) AS c (id, nome, sobrenome, id_genero, id_estadocivil, email, cpf, telefone, endereco, bairro,
    cidade, estado, cep, data_cadastro, id_emailmarketing)
  WHERE c.id IN (SELECT customer_id FROM taken)
  RETURNING id
), placed AS (
  INSERT INTO public.pedidos (id, id_cliente, data_pedido, id_canalvenda, id_forma_pagamento, parcelas, id_status,
    subtotal, frete, valor_desconto, total, endereco_entrega, data_prevista, data_aprovacao, data_envio, data_entrega,
    id_entregue)
  SELECT id, customer_id, placed_at, channel, payment, installments, state, subtotal, freight, discount, total, address,
    promised_on, approved_at, shipped_at, delivered_at, CASE WHEN delivered_at IS NULL THEN 2 ELSE 1 END
  FROM taken WHERE (SELECT count(*) FROM registered) >= 0 ORDER BY ord
  RETURNING id
), sold AS (
  INSERT INTO public.itenspedido (id_pedido, id_produto, quantidade, preco_unitario, subtotal)
  SELECT p.id, i.product_id, i.quantity, i.price, i.quantity * i.price
  FROM placed p JOIN taken t ON t.id = p.id JOIN item i ON i.ord = t.ord ORDER BY p.id
  RETURNING id_produto, quantidade
), stock AS (
  UPDATE public.produtos p SET estoque = p.estoque - s.quantity, atualizado_em = clock_timestamp()
  FROM (SELECT id_produto, sum(quantidade)::int AS quantity FROM sold GROUP BY id_produto) s WHERE p.id = s.id_produto
), scheduled AS (
  INSERT INTO simulator.order_schedule (order_id, due_at, next_events, next_at)
  SELECT id, due_at, next_events::smallint[], next_at::timestamptz[] FROM taken WHERE due_at IS NOT NULL
), returners AS (
  INSERT INTO simulator.returning_customers (customer_id, due_at, purchases)
  SELECT DISTINCT ON (customer_id) customer_id, next_purchase_at, purchases
  FROM taken WHERE next_purchase_at IS NOT NULL ORDER BY customer_id, next_purchase_at
  ON CONFLICT (customer_id) DO UPDATE SET due_at = excluded.due_at, purchases = excluded.purchases
)
SELECT ord, id FROM taken ORDER BY ord`;

/**
 * Writes the orders in one transaction.
 *
 * @param speed how many times faster than the wall an order ages (LIFECYCLE_SPEED)
 */
export async function placeOrders(
  db: Db,
  plans: readonly PlannedOrder[],
  speed: number,
): Promise<PlaceResult> {
  if (plans.length === 0) return { placed: [], refused: [] };
  const query = placeQuery(plans, speed);
  const result = await retrying(() => db.executeQuery<{ ord: number; id: number }>(query));
  const ids = new Map(result.rows.map((row) => [row.ord, row.id]));
  const placed: PlacedOrder[] = [];
  const refused: PlannedOrder[] = [];
  plans.forEach((plan, ord) => {
    const id = ids.get(ord);
    if (id === undefined) refused.push(plan);
    else placed.push({ id, plan });
  });
  return { placed, refused };
}

/** The statement of {@link placeOrders} with its parameters, all of them arrays: a column each. */
export function placeQuery(plans: readonly PlannedOrder[], speed: number): CompiledQuery {
  return CompiledQuery.raw(PLACE, placeParameters(plans, speed));
}

/** When the first of `steps` is due on the wall, for an order placed at `placedAtMs`. */
export function firstDueMs(placedAtMs: number, steps: readonly TimelineStep[], speed: number): number | null {
  const next = steps[0];
  return next === undefined ? null : placedAtMs + (next.atMs - placedAtMs) / speed;
}

/** A time as PostgreSQL reads it, microseconds kept. */
export function timestamp(ms: number | null): string | null {
  if (ms === null) return null;
  const whole = Math.floor(ms);
  const micros = Math.round((ms - whole) * 1000);
  if (micros === 0) return new Date(whole).toISOString();
  if (micros === 1000) return new Date(whole + 1).toISOString();
  return `${new Date(whole).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** The remaining steps as the two array literals of `simulator.order_schedule`. */
export function scheduleLiterals(steps: readonly TimelineStep[]): { events: string; times: string } {
  return {
    events: `{${steps.map((step) => eventCode(step.event)).join(',')}}`,
    times: `{${steps.map((step) => `"${timestamp(step.atMs)}"`).join(',')}}`,
  };
}

function placeParameters(plans: readonly PlannedOrder[], speed: number): unknown[][] {
  const items: unknown[][] = [[], [], [], []];
  const orders: unknown[][] = Array.from({ length: 21 }, () => []);
  const customers: unknown[][] = customerColumns.map(() => []);
  const push = (columns: unknown[][], row: readonly unknown[]) => {
    for (let i = 0; i < row.length; i++) columns[i]?.push(row[i]);
  };
  plans.forEach((plan, ord) => {
    for (const item of plan.items) {
      push(items, [ord, item.productId, item.quantity, centsToNumeric(item.unitPriceCents)]);
    }
    push(orders, orderRow(plan, ord, speed));
    if (plan.customer.kind === 'new') {
      const { row } = plan.customer;
      push(
        customers,
        customerColumns.map((column) => row[column]),
      );
    }
  });
  return [...items, ...orders, ...customers];
}

function orderRow(plan: PlannedOrder, ord: number, speed: number): readonly unknown[] {
  const position = positionAt(plan.timeline, plan.placedAtMs);
  if (position.state === 'gone') throw new Error('an order cannot be purged at the moment it is placed');
  const subtotal = subtotalCents(plan);
  const literals = scheduleLiterals(position.remaining);
  return [
    ord,
    plan.customer.kind === 'new' ? plan.customer.row.id : plan.customer.id,
    timestamp(plan.placedAtMs),
    plan.channelId,
    plan.paymentMethodId,
    plan.installments,
    OrderState[position.state],
    centsToNumeric(subtotal),
    centsToNumeric(plan.freightCents),
    centsToNumeric(plan.discountCents),
    centsToNumeric(subtotal + plan.freightCents - plan.discountCents),
    plan.deliveryAddress,
    plan.promisedOn,
    timestamp(position.approvedAtMs),
    timestamp(position.shippedAtMs),
    timestamp(position.deliveredAtMs),
    timestamp(firstDueMs(plan.placedAtMs, position.remaining, speed)),
    literals.events,
    literals.times,
    timestamp(plan.nextPurchaseAtMs),
    plan.purchases,
  ];
}
