import type { CustomerRow } from '../catalog/types.ts';
import type { TimelineStep } from './lifecycle.ts';

export interface PlannedItem {
  readonly productId: number;
  readonly quantity: number;
  readonly unitPriceCents: number;
}

/** An order as decided by the model, before anything is written. Money in cents, times in ms since the epoch. */
export interface PlannedOrder {
  readonly customer:
    | { readonly kind: 'known'; readonly id: number }
    | { readonly kind: 'new'; readonly row: CustomerRow };
  readonly placedAtMs: number;
  readonly channelId: number;
  readonly paymentMethodId: number;
  readonly installments: number;
  /** Distinct products, at least one. */
  readonly items: readonly PlannedItem[];
  readonly freightCents: number;
  /** Never more than the items' sum. */
  readonly discountCents: number;
  readonly deliveryAddress: string;
  /** YYYY-MM-DD */
  readonly promisedOn: string;
  /**
   * The whole life of the order, in business time, ascending. Steps at `placedAtMs` itself (over the counter) are
   * applied when the order is written.
   */
  readonly timeline: readonly TimelineStep[];
  /** When this customer will buy again, on the calendar of `data_pedido`; null: not again. */
  readonly nextPurchaseAtMs: number | null;
  /** Orders of this customer, this one included. */
  readonly purchases: number;
}

/** Σ quantity × unit price. */
export function subtotalCents(order: Pick<PlannedOrder, 'items'>): number {
  return order.items.reduce((sum, item) => sum + item.quantity * item.unitPriceCents, 0);
}

/** Cents as numeric(12,2) text: 12345 → "123.45". */
export function centsToNumeric(cents: number): string {
  const whole = Math.trunc(Math.abs(cents) / 100);
  const rest = String(Math.abs(cents) % 100).padStart(2, '0');
  return `${cents < 0 ? '-' : ''}${whole}.${rest}`;
}

/** numeric(12,2) text as cents: "123.45" → 12345. */
export function numericToCents(text: string): number {
  return Math.round(Number(text) * 100);
}

/**
 * Decides orders. Keeps its samplers in memory; makes no query. Returns null when nothing on the shelf can be sold.
 */
export interface OrderModel {
  plan(placedAtMs: number): PlannedOrder | null;
}
