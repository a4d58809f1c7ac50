import { PaymentMethod } from '../../src/orders/model/payment.ts';
import { type PlannedOrder, subtotalCents } from '../../src/orders/types.ts';
import { customerIdOf, type Sample } from './sample.ts';
import {
  groupBy,
  ksDistance,
  logNormalCdf,
  mean,
  quantile,
  relativeError,
  shareOf,
  spearman,
  sum,
  totalVariation,
} from './statistics.ts';
import { distance, near, type Row, row, targets } from './targets.ts';

/** Over the counter nothing is shipped. */
const COUNTER = 1;

export function totalCents(order: PlannedOrder): number {
  return subtotalCents(order) + order.freightCents - order.discountCents;
}

export function unitsOf(order: PlannedOrder): number {
  return sum(order.items.map((item) => item.quantity));
}

/** Orders by number, 1 to `most`. */
export function histogram(values: readonly number[], most: number): number[] {
  const counts = new Array<number>(most).fill(0);
  for (const value of values) counts[value - 1] = (counts[value - 1] ?? 0) + 1;
  return counts;
}

export function vectorOf(counts: Readonly<Record<string, number>>, most: number): number[] {
  const vector = new Array<number>(most).fill(0);
  // two of Olist's card payments have 0 instalments: at once
  for (const [key, n] of Object.entries(counts)) {
    const index = Math.max(1, Number(key)) - 1;
    vector[index] = (vector[index] ?? 0) + n;
  }
  return vector;
}

/** What is bought and what it costs. */
export function measureMoney(sample: Sample): Row[] {
  const { olist } = targets;
  const units = sample.orders.map(unitsOf);
  return [
    distance(
      'basket',
      'units an order: TV from Olist',
      totalVariation(histogram(units, 21), vectorOf(olist.items_per_order.counts, 21)),
      0.02,
    ),
    near('basket', 'mean units an order', mean(units), 1.14, 0.03, 3),
    ...measureTicket(sample),
    ...measurePayment(sample),
    ...measureFreight(sample),
  ];
}

export function ticketOf(order: PlannedOrder): number {
  return totalCents(order) / 100;
}

function measureTicket(sample: Sample): Row[] {
  const tickets = sample.orders.map(ticketOf);
  const { mu, sigma } = targets.ticket;
  const prices = sample.orders.flatMap((order) => order.items.map((item) => item.unitPriceCents % 100));
  const endings = shareOf(prices, (cents) => cents === 90 || cents === 99 || cents === 0);
  const wrong = sample.orders
    .flatMap((order) => order.items)
    .filter((item) => sample.products.get(item.productId)?.priceCents !== item.unitPriceCents).length;
  return [
    near('ticket', 'median order total in R$', quantile(tickets, 0.5), Math.exp(mu), 28, 1),
    distance(
      'ticket',
      'order total: KS from the log-normal',
      ksDistance(tickets, logNormalCdf(mu, sigma)),
      0.05,
    ),
    row('ticket', 'prices that end in .90, .99 or .00', endings, 0.99, 1, 3),
    row('ticket', 'items at another price than the shelf (count)', wrong, 0, 0, 0),
    row(
      'discounts',
      'share of orders with a discount',
      shareOf(sample.orders, (o) => o.discountCents > 0),
      0.3,
      0.65,
    ),
    row(
      'discounts',
      'discount on the goods, mean over all orders',
      sum(sample.orders.map((o) => o.discountCents)) / sum(sample.orders.map(subtotalCents)),
      0.02,
      0.07,
    ),
  ];
}

/** Shares of PIX, cards and boleto. */
export function paymentShares(orders: readonly PlannedOrder[]): {
  pix: number;
  card: number;
  boleto: number;
} {
  const share = (...ids: number[]) => shareOf(orders, (order) => ids.includes(order.paymentMethodId));
  return {
    pix: share(PaymentMethod.pix),
    card: share(PaymentMethod.credit, PaymentMethod.debit),
    boleto: share(PaymentMethod.boleto),
  };
}

function measurePayment(sample: Sample): Row[] {
  const shares = paymentShares(sample.orders);
  const target = targets.paymentToday;
  const credit = sample.orders.filter((order) => order.paymentMethodId === PaymentMethod.credit);
  const counts = histogram(
    credit.map((order) => order.installments),
    24,
  );
  const rows = [
    distance(
      'payment',
      'methods today: TV from PIX 43, card 45, boleto 4',
      totalVariation([shares.pix, shares.card, shares.boleto], [target.pix, target.card, target.boleto]),
      0.05,
    ),
    distance(
      'instalments',
      'by card: TV from Olist',
      totalVariation(counts, vectorOf(targets.olist.payments.card_installments, 24)),
      0.05,
    ),
    row(
      'instalments',
      'Spearman with the order total',
      spearman(
        credit.map(totalCents),
        credit.map((order) => order.installments),
      ),
      0.2,
      1,
    ),
  ];
  const bands = instalmentBands(credit);
  rows.push(
    distance(
      'instalments',
      'means by value band: mean relative error from Olist',
      relativeError(
        bands.map((band) => band.measured),
        bands.map((band) => band.target),
      ),
      0.1,
    ),
  );
  return rows;
}

/**
 * Mean instalments by value, in bands that hold the same shares of card orders as Olist's bands in R$ (a pair of sneakers
 * costs more than Olist's goods did).
 */
export function instalmentBands(
  credit: readonly PlannedOrder[],
): { label: string; measured: number; target: number }[] {
  const source = targets.olist.payments.installments_by_value_band_card;
  const order = ['<50', '50-100', '100-200', '200-400', '400-800', '800+'] as const;
  const sorted = [...credit].sort((a, b) => totalCents(a) - totalCents(b));
  const all = sum(order.map((label) => source[label].n));
  let from = 0;
  return order.map((label) => {
    const to = from + source[label].n / all;
    const part = sorted.slice(Math.round(from * sorted.length), Math.round(to * sorted.length));
    from = to;
    return { label, measured: mean(part.map((o) => o.installments)), target: source[label].mean };
  });
}

/** Payment by the calibration's own methods. */
export function measureOlistMix(sample: Sample): Row[] {
  const shares = paymentShares(sample.orders);
  const { credit_card, debit_card, boleto } = targets.olist.payments.orders_by_main_type;
  return [
    distance(
      'payment',
      'PAYMENT_MIX=olist: TV from Olist without vouchers',
      totalVariation([shares.pix, shares.card, shares.boleto], [0, credit_card + debit_card, boleto]),
      0.02,
    ),
  ];
}

/** Mean freight an item in R$ by state, over shipped orders, free parcels included. */
export function freightByState(
  sample: Sample,
): { state: string; measured: number; target: number; orders: number }[] {
  const shipped = sample.orders.filter((order) => order.channelId !== COUNTER);
  const byState = groupBy(shipped, (order) => sample.people.get(customerIdOf(order))?.estado ?? '');
  return Object.entries(targets.olist.mean_freight_per_item_by_state.values).map(([state, target]) => {
    const orders = byState.get(state as never) ?? [];
    const measured = sum(orders.map((order) => order.freightCents)) / 100 / sum(orders.map(unitsOf));
    return { state, measured, target, orders: orders.length };
  });
}

function measureFreight(sample: Sample): Row[] {
  const states = freightByState(sample);
  const shipped = sample.orders.filter((order) => order.channelId !== COUNTER);
  const paid = shipped.filter((order) => order.freightCents > 0);
  return [
    distance(
      'freight',
      'mean an item by state: mean absolute error, relative',
      relativeError(
        states.map((state) => state.measured),
        states.map((state) => state.target),
      ),
      0.1,
    ),
    row(
      'freight',
      'Spearman with the value of the goods',
      spearman(
        paid.map(subtotalCents),
        paid.map((o) => o.freightCents),
      ),
      0.1,
      0.6,
    ),
    row(
      'freight',
      'free parcels',
      shareOf(shipped, (order) => order.freightCents === 0),
      0.03,
      0.2,
    ),
    row(
      'freight',
      'freight over the counter (count)',
      sample.orders.filter((order) => order.channelId === COUNTER && order.freightCents > 0).length,
      0,
      0,
      0,
    ),
  ];
}
