import type { AdvancedOrder } from '../orders/advance.ts';
import type { OrderEvent } from '../orders/lifecycle.ts';
import type { PlannedOrder } from '../orders/types.ts';

const PAYMENTS = ['', 'credit card', 'debit card', 'PIX', 'boleto'];
const CHANNELS = ['', 'store', 'e-commerce', 'marketplace', 'phone', 'WhatsApp'];

/** `order 10233 placed: R$ 312.80, 1 item, PIX, e-commerce, to SP` */
export function describePlaced(id: number, total: string, plan: PlannedOrder): string {
  const units = plan.items.reduce((sum, item) => sum + item.quantity, 0);
  const payment = PAYMENTS[plan.paymentMethodId] ?? 'other';
  const instalments = plan.installments > 1 ? ` in ${plan.installments}` : '';
  const channel = CHANNELS[plan.channelId] ?? 'other';
  return `order ${id} placed: R$ ${total}, ${units} item${units === 1 ? '' : 's'}, ${payment}${instalments}, ${channel}`;
}

const VERBS: Readonly<Record<OrderEvent, string>> = {
  approved: 'approved: payment is in',
  shipped: 'shipped: with the carrier',
  delivered: 'delivered',
  returned: 'returned: back in stock',
  expired: 'cancelled: never paid',
  refused: 'cancelled: payment refused',
  cancelled: 'cancelled after payment',
  purged: 'purged: deleted with its items',
};

/** `order 10233 shipped: with the carrier, on 2026-12-02` */
export function describeAdvanced(order: AdvancedOrder): string {
  const day = new Date(order.atMs).toISOString().slice(0, 10);
  return `order ${order.id} ${VERBS[order.event]}, on ${day}`;
}

/** The log's event for what happened to an order. */
export function eventNameOf(
  event: OrderEvent,
):
  | 'order.approved'
  | 'order.shipped'
  | 'order.delivered'
  | 'order.cancelled'
  | 'order.returned'
  | 'order.purged' {
  switch (event) {
    case 'approved':
      return 'order.approved';
    case 'shipped':
      return 'order.shipped';
    case 'delivered':
      return 'order.delivered';
    case 'returned':
      return 'order.returned';
    case 'purged':
      return 'order.purged';
    case 'expired':
    case 'refused':
    case 'cancelled':
      return 'order.cancelled';
  }
}
