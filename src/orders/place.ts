import { CompiledQuery } from 'kysely';
import { type CustomerRow, customerColumns } from '../catalog/types.ts';
import { type Db, PREPARE_MARK } from '../db/pool.ts';
import { retrying } from '../db/transaction.ts';
import { eventCode, OrderState, positionAt, type TimelineStep } from './lifecycle.ts';
import { centsToNumeric, type PlannedItem, type PlannedOrder, subtotalCents } from './types.ts';

export interface PlacedOrder {
  readonly id: number;
  readonly plan: PlannedOrder;
}

export interface PlaceResult {
  readonly placed: readonly PlacedOrder[];
  /** Orders that the shelf could not serve: stock ran out, or the price moved since the model looked. */
  readonly refused: readonly PlannedOrder[];
}

type Column = readonly [name: string, type: string];

const ITEM: readonly Column[] = [
  ['ord', 'int'],
  ['product_id', 'bigint'],
  ['quantity', 'int'],
  ['price', 'numeric'],
];
const ORDER: readonly Column[] = [
  ['ord', 'int'],
  ['customer_id', 'bigint'],
  ['placed_at', 'timestamptz'],
  ['channel', 'smallint'],
  ['payment', 'smallint'],
  ['installments', 'smallint'],
  ['state', 'smallint'],
  ['subtotal', 'numeric'],
  ['freight', 'numeric'],
  ['discount', 'numeric'],
  ['total', 'numeric'],
  ['address', 'text'],
  ['promised_on', 'date'],
  ['approved_at', 'timestamptz'],
  ['shipped_at', 'timestamptz'],
  ['delivered_at', 'timestamptz'],
  ['due_at', 'timestamptz'],
  ['next_events', 'text'],
  ['next_at', 'text'],
  ['next_purchase_at', 'timestamptz'],
  ['purchases', 'int'],
];
const CUSTOMER_TYPES: Readonly<Partial<Record<keyof CustomerRow, string>>> = {
  id: 'bigint',
  id_genero: 'smallint',
  id_estadocivil: 'smallint',
  data_cadastro: 'date',
  id_emailmarketing: 'smallint',
};
const CUSTOMER: readonly Column[] = customerColumns.map((name) => [name, CUSTOMER_TYPES[name] ?? 'text']);

/**
 * The rows that a statement is given: as one array a column (`rows` undefined), or value by value. Value by value the
 * planner knows how many there are, and keeps one plan for good; of arrays it does not, and plans anew each time,
 * which for a single order takes longer than to write it.
 */
interface Given {
  readonly from: string;
  /** Of one column, for `= ANY (…)`. */
  column(name: string): string;
}

function given(alias: string, columns: readonly Column[], rows: number | undefined, first: number): Given {
  const names = columns.map(([name]) => name);
  const as = `AS ${alias} (${names.join(', ')})`;
  const arrayed = rows === undefined;
  const parameter = (row: number, index: number): string =>
    `$${first + row * columns.length + index}::${columns[index]?.[1]}`;
  const each = <T>(make: (row: number) => T): T[] => Array.from({ length: rows ?? 0 }, (_, row) => make(row));
  return {
    from: arrayed
      ? `unnest(${columns.map((_, index) => `${parameter(0, index)}[]`).join(', ')}) ${as}`
      : `(VALUES ${each((row) => `(${columns.map((_, index) => parameter(row, index)).join(', ')})`).join(', ')}) ${as}`,
    column: (name) => {
      const index = names.indexOf(name);
      return arrayed
        ? `${parameter(0, index)}[]`
        : `ARRAY[${each((row) => parameter(row, index)).join(', ')}]`;
    },
  };
}

/**
 * One statement, one transaction: locks the products in the order of their ids (two workers can then never wait for
 * each other) and the customers that it knows, takes the orders that stock and prices allow, and writes customer,
 * order, items, stock, schedule and the customer's next purchase. Each CTE reads from the one before, so that a reader of the WAL meets parents first.
 *
 * @param items how many, of a single order; undefined: any number of orders, by arrays
 */
function placeStatement(items: number | undefined): string {
  const rows = items === undefined ? undefined : 1;
  const item = given('i', ITEM, items, 1);
  const order = given('o', ORDER, rows, 1 + ITEM.length * (items ?? 1));
  const customer = given('c', CUSTOMER, rows, 1 + ITEM.length * (items ?? 1) + ORDER.length);
  return `${PREPARE_MARK} WITH item AS (
  SELECT * FROM ${item.from}
), locked AS MATERIALIZED (
  SELECT id, estoque, preco FROM public.produtos WHERE id = ANY (${item.column('product_id')})
  ORDER BY id FOR NO KEY UPDATE
), checked AS (
  SELECT i.ord, l.id IS NOT NULL AND l.preco = i.price
    AND sum(i.quantity) OVER (PARTITION BY i.product_id ORDER BY i.ord) <= l.estoque AS fine
  FROM item i LEFT JOIN locked l ON l.id = i.product_id
), accepted AS (
  SELECT ord FROM checked GROUP BY ord HAVING bool_and(fine)
), taken AS MATERIALIZED (
  SELECT nextval('public.pedidos_id_seq') AS id, o.*
  FROM ${order.from}
  WHERE o.ord IN (SELECT ord FROM accepted)
    -- whoever asked to be forgotten since the model took him in does not come back; locked, so that he is not being
    -- forgotten at this very moment either
    AND (o.customer_id = ANY (${customer.column('id')}) OR EXISTS (
      SELECT FROM public.clientes c WHERE c.id = o.customer_id AND c.email NOT LIKE '%.invalid' FOR KEY SHARE))
), registered AS (
  INSERT INTO public.clientes (${customerColumns.join(', ')})
  SELECT c.* FROM ${customer.from}
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
}

/** A single order with more items than this goes by arrays: too rare for a prepared statement of its own. */
const MOST_ITEMS_BY_VALUE = 3;
const PLACE_MANY = placeStatement(undefined);
const PLACE_ONE = Array.from({ length: MOST_ITEMS_BY_VALUE }, (_, index) => placeStatement(index + 1));

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

/** The statement of {@link placeOrders} with its parameters: for one order its values, else a column's each. */
export function placeQuery(plans: readonly PlannedOrder[], speed: number): CompiledQuery {
  const [plan] = plans;
  const one = plans.length === 1 && plan !== undefined ? PLACE_ONE[plan.items.length - 1] : undefined;
  return one !== undefined && plan !== undefined
    ? CompiledQuery.raw(one, valuesOf(plan, speed))
    : CompiledQuery.raw(PLACE_MANY, columnsOf(plans, speed));
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

function columnsOf(plans: readonly PlannedOrder[], speed: number): unknown[][] {
  const items: unknown[][] = ITEM.map(() => []);
  const orders: unknown[][] = ORDER.map(() => []);
  const customers: unknown[][] = CUSTOMER.map(() => []);
  const push = (columns: unknown[][], row: readonly unknown[]) => {
    for (let i = 0; i < row.length; i++) columns[i]?.push(row[i]);
  };
  plans.forEach((plan, ord) => {
    for (const item of plan.items) push(items, itemRow(item, ord));
    push(orders, orderRow(plan, ord, speed));
    if (plan.customer.kind === 'new') push(customers, customerRow(plan.customer.row));
  });
  return [...items, ...orders, ...customers];
}

function valuesOf(plan: PlannedOrder, speed: number): unknown[] {
  return [
    ...plan.items.flatMap((item) => itemRow(item, 0)),
    ...orderRow(plan, 0, speed),
    ...(plan.customer.kind === 'new' ? customerRow(plan.customer.row) : NO_CUSTOMER),
  ];
}

const NO_CUSTOMER: readonly null[] = CUSTOMER.map(() => null);

function customerRow(row: CustomerRow): unknown[] {
  return customerColumns.map((column) => row[column]);
}

function itemRow(item: PlannedItem, ord: number): unknown[] {
  return [ord, item.productId, item.quantity, centsToNumeric(item.unitPriceCents)];
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
