import type pg from 'pg';
import { copyLine, copyRows } from '../db/copy.ts';
import { OrderState, positionAt } from '../orders/lifecycle.ts';
import { scheduleLiterals, timestamp } from '../orders/place.ts';
import { centsToNumeric, type PlannedOrder, subtotalCents } from '../orders/types.ts';
import { customerLine } from './customer-copy.ts';
import { customerColumns, type ShelfProduct } from './types.ts';

export interface HistoryLoaderOptions {
  /** The end of history: orders stand where they stand at this moment. */
  readonly nowMs: number;
  /** How much faster than the wall those in flight go on (LIFECYCLE_SPEED). */
  readonly speed: number;
  readonly products: readonly ShelfProduct[];
}

/** A round is written while the next one is decided: small ones first, so that the server does not wait for long. */
const FIRST_ROUND = 500;
const LARGEST_ROUND = 5_000;

const ORDER_COLUMNS = [
  'id',
  'id_cliente',
  'data_pedido',
  'id_canalvenda',
  'id_forma_pagamento',
  'parcelas',
  'id_status',
  'subtotal',
  'frete',
  'valor_desconto',
  'total',
  'endereco_entrega',
  'data_prevista',
  'data_aprovacao',
  'data_envio',
  'data_entrega',
  'id_entregue',
];
const ITEM_COLUMNS = ['id', 'id_pedido', 'id_produto', 'quantidade', 'preco_unitario', 'subtotal'];
const SCHEDULE_COLUMNS = ['order_id', 'due_at', 'next_events', 'next_at'];
const RETURNING_COLUMNS = ['customer_id', 'due_at', 'purchases'];

/** Writes past orders by COPY, in rounds: customers, orders, items, schedule. Memory is that of two rounds at most: one on its way, one growing. */
export class HistoryLoader {
  readonly #client: pg.Client;
  readonly #options: HistoryLoaderOptions;
  /** Units out of stock for good or for now, by product. */
  readonly #sold = new Map<number, number>();
  #customers: string[] = [];
  #orders: string[] = [];
  #items: string[] = [];
  #schedule: string[] = [];
  #returning: string[] = [];
  #orderId = 0;
  #itemId = 0;

  constructor(client: pg.Client, options: HistoryLoaderOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Orders taken so far. */
  get orders(): number {
    return this.#orderId;
  }

  /** Takes an order; true when a round is full and `flush` is wanted. */
  add(order: PlannedOrder): boolean {
    const { nowMs, speed } = this.#options;
    const position = positionAt(order.timeline, nowMs);
    if (position.state === 'gone') throw new Error('history contains an order that is purged by now');
    this.#orderId += 1;
    if (order.customer.kind === 'new') this.#customers.push(customerLine(order.customer.row));
    const customerId = order.customer.kind === 'new' ? order.customer.row.id : order.customer.id;
    const subtotal = subtotalCents(order);
    this.#orders.push(
      copyLine([
        this.#orderId,
        customerId,
        timestamp(order.placedAtMs),
        order.channelId,
        order.paymentMethodId,
        order.installments,
        OrderState[position.state],
        centsToNumeric(subtotal),
        centsToNumeric(order.freightCents),
        centsToNumeric(order.discountCents),
        centsToNumeric(subtotal + order.freightCents - order.discountCents),
        order.deliveryAddress,
        order.promisedOn,
        timestamp(position.approvedAtMs),
        timestamp(position.shippedAtMs),
        timestamp(position.deliveredAtMs),
        position.deliveredAtMs === null ? 2 : 1,
      ]),
    );
    for (const item of order.items) {
      this.#itemId += 1;
      const price = centsToNumeric(item.unitPriceCents);
      this.#items.push(
        copyLine([
          this.#itemId,
          this.#orderId,
          item.productId,
          item.quantity,
          price,
          centsToNumeric(item.quantity * item.unitPriceCents),
        ]),
      );
      if (!position.stockReturned)
        this.#sold.set(item.productId, (this.#sold.get(item.productId) ?? 0) + item.quantity);
    }
    const next = position.remaining[0];
    if (next !== undefined) {
      const { events, times } = scheduleLiterals(position.remaining);
      this.#schedule.push(
        copyLine([this.#orderId, timestamp(nowMs + (next.atMs - nowMs) / speed), events, times]),
      );
    }
    if (order.nextPurchaseAtMs !== null && order.nextPurchaseAtMs > nowMs) {
      this.addReturning(customerId, order.nextPurchaseAtMs, order.purchases);
    }
    return this.#orders.length >= Math.min(Math.max(FIRST_ROUND, this.#orderId >> 1), LARGEST_ROUND);
  }

  addReturning(customerId: number, dueAtMs: number, purchases: number): void {
    this.#returning.push(copyLine([customerId, timestamp(dueAtMs), purchases]));
  }

  /** Writes the round: parents before children. Orders may be added meanwhile: they belong to the next round. */
  async flush(): Promise<void> {
    const client = this.#client;
    const [customers, orders, items, schedule, returning] = [
      this.#customers,
      this.#orders,
      this.#items,
      this.#schedule,
      this.#returning,
    ];
    this.#customers = [];
    this.#orders = [];
    this.#items = [];
    this.#schedule = [];
    this.#returning = [];
    await copyRows(client, 'public.clientes', customerColumns, customers);
    await copyRows(client, 'public.pedidos', ORDER_COLUMNS, orders);
    await copyRows(client, 'public.itenspedido', ITEM_COLUMNS, items);
    await copyRows(client, 'simulator.order_schedule', SCHEDULE_COLUMNS, schedule);
    await copyRows(client, 'simulator.returning_customers', RETURNING_COLUMNS, returning);
  }

  /** Writes what is left, the stock book and the sequences. */
  async finish(): Promise<void> {
    await this.flush();
    // the stock on the shelf is what is left by now: what there was at first follows from what was sold
    const book = this.#options.products.map((product) =>
      copyLine([product.id, product.stock + (this.#sold.get(product.id) ?? 0)]),
    );
    await copyRows(this.#client, 'simulator.stock_book', ['product_id', 'initial'], book);
    if (this.#orderId > 0)
      await this.#client.query(`SELECT setval('public.pedidos_id_seq', $1)`, [this.#orderId]);
    if (this.#itemId > 0)
      await this.#client.query(`SELECT setval('public.itenspedido_id_seq', $1)`, [this.#itemId]);
  }
}
