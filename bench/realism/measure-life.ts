import type { OrderEvent } from '../../src/orders/lifecycle.ts';
import {
  DAY_MS,
  dayOfDate,
  HOUR_MS,
  localDay,
  startOfDayMs,
  weekdayOf,
} from '../../src/orders/model/calendar.ts';
import { PaymentMethod } from '../../src/orders/model/payment.ts';
import type { PlannedOrder } from '../../src/orders/types.ts';
import { customerIdOf, type Sample } from './sample.ts';
import {
  burr12Cdf,
  groupBy,
  ksDistance,
  logNormalCdf,
  mean,
  quantile,
  relativeError,
  shareOf,
  sum,
  totalVariation,
} from './statistics.ts';
import { distance, near, type Row, row, targets } from './targets.ts';

/** When it happened, ms since the epoch; undefined when it does not. */
export function when(order: PlannedOrder, event: OrderEvent): number | undefined {
  return order.timeline.find((step) => step.event === event)?.atMs;
}

/** Times of a shipped order's life. */
export interface Shipped {
  readonly order: PlannedOrder;
  readonly state: string;
  readonly approvedAtMs: number;
  readonly shippedAtMs: number;
  readonly deliveredAtMs: number;
}

/** Orders that were carried to a customer: not over the counter, delivered. */
export function shippedOrders(sample: Sample): Shipped[] {
  const list: Shipped[] = [];
  for (const order of sample.orders) {
    if (order.channelId === 1) continue;
    const approvedAtMs = when(order, 'approved');
    const shippedAtMs = when(order, 'shipped');
    const deliveredAtMs = when(order, 'delivered');
    if (approvedAtMs === undefined || shippedAtMs === undefined || deliveredAtMs === undefined) continue;
    const state = sample.people.get(customerIdOf(order))?.estado ?? '';
    list.push({ order, state, approvedAtMs, shippedAtMs, deliveredAtMs });
  }
  return list;
}

export const approvalHours = (o: Shipped) => (o.approvedAtMs - o.order.placedAtMs) / HOUR_MS;
export const handoverDays = (o: Shipped) => (o.shippedAtMs - o.approvedAtMs) / DAY_MS;
export const transportDays = (o: Shipped) => (o.deliveredAtMs - o.shippedAtMs) / DAY_MS;
export const totalDays = (o: Shipped) => (o.deliveredAtMs - o.order.placedAtMs) / DAY_MS;

/** Distribution functions of the calibration, by what they describe. */
export const lifeCdf = {
  credit: (() => {
    const fit = targets.olist.delivery.approval_hours_by_type_sample.credit_card.mixture;
    const [fast, slow] = [logNormalCdf(...pair(fit.fast_ln)), logNormalCdf(...pair(fit.slow_ln))];
    const share = fit['fast_share(<=1h)'];
    return (hours: number) => share * fast(hours) + (1 - share) * slow(hours);
  })(),
  boleto: logNormalCdf(...pair(targets.olist.delivery.approval_hours_by_type_sample.boleto.ln)),
  handover: (() => {
    const { mu, sigma } = targets.olist.delivery.fits_sample.handoff.lognormal;
    return logNormalCdf(mu, sigma);
  })(),
  transport: (() => {
    const { c, d, scale } = targets.olist.delivery.fits_sample.carrier.burr12;
    return burr12Cdf(c, d, scale);
  })(),
  total: (() => {
    const { c, d, scale } = targets.olist.delivery.fits_sample.total.burr12;
    return burr12Cdf(c, d, scale);
  })(),
};

function pair(list: readonly number[]): [number, number] {
  return [list[0] ?? 0, list[1] ?? 1];
}

/** How orders live and how they end. */
export function measureLife(sample: Sample): Row[] {
  const shipped = shippedOrders(sample);
  const paidBy = (id: number) => shipped.filter((o) => o.order.paymentMethodId === id);
  const debit = paidBy(PaymentMethod.debit).map(approvalHours);
  const pix = paidBy(PaymentMethod.pix).map(approvalHours);
  return [
    distance(
      'approval',
      'credit card, hours: KS from Olist’s mixture',
      ksDistance(paidBy(PaymentMethod.credit).map(approvalHours), lifeCdf.credit),
      0.06,
    ),
    distance(
      'approval',
      'boleto, hours: KS from Olist’s log-normal',
      ksDistance(paidBy(PaymentMethod.boleto).map(approvalHours), lifeCdf.boleto),
      0.06,
    ),
    near(
      'approval',
      'debit card, median hours',
      quantile(debit, 0.5),
      targets.olist.delivery.approval_hours_by_type_sample.debit_card.p50,
      0.15,
      2,
    ),
    row(
      'approval',
      'PIX, share paid within ten minutes (assumption)',
      shareOf(pix, (hours) => hours <= 1 / 6),
      0.85,
      0.95,
    ),
    distance(
      'hand-over',
      'approval to carrier, days: KS from Olist’s log-normal',
      ksDistance(shipped.map(handoverDays), lifeCdf.handover),
      0.08,
    ),
    distance(
      'transport',
      'carrier to customer, days: KS from Olist’s Burr XII',
      ksDistance(shipped.map(transportDays), lifeCdf.transport),
      0.05,
    ),
    distance(
      'delivery',
      'order to customer, days: KS from Olist’s Burr XII',
      ksDistance(shipped.map(totalDays), lifeCdf.total),
      0.05,
    ),
    ...measureStates(shipped),
    ...measureWeekdays(shipped),
    ...measureEnds(sample),
  ];
}

/** Mean days from order to delivery by state, in whole days as the source counts them. */
export function daysByState(
  shipped: readonly Shipped[],
): { state: string; measured: number; target: number; n: number }[] {
  const byState = groupBy(shipped, (o) => o.state);
  return Object.entries(targets.olist.delivery.mean_whole_days_by_state.values).map(([state, target]) => {
    const days = (byState.get(state) ?? []).map((o) => Math.floor(totalDays(o)));
    return { state, measured: mean(days), target, n: days.length };
  });
}

/** Deliveries after the promised date: at its beginning, as Olist counts its 8.1 %. */
export function isLate({ order, deliveredAtMs }: Shipped): boolean {
  return deliveredAtMs > startOfDayMs(dayOfDate(order.promisedOn));
}

export function lateByState(
  shipped: readonly Shipped[],
): { state: string; measured: number; target: number; n: number }[] {
  const byState = groupBy(shipped, (o) => o.state);
  return Object.entries(targets.lateByState).map(([state, target]) => {
    const orders = byState.get(state) ?? [];
    return { state, measured: shareOf(orders, isLate), target, n: orders.length };
  });
}

/** Below this number of deliveries a state's mean is noise: with 400 its standard error is below 4 %. */
const ENOUGH = 400;

function measureStates(shipped: readonly Shipped[]): Row[] {
  const states = daysByState(shipped);
  const large = states.filter((state) => state.n >= ENOUGH);
  const of = (name: string) => states.find((state) => state.state === name);
  const late = lateByState(shipped).filter((state) => state.n > 0);
  const early = shipped.map((o) => (startOfDayMs(dayOfDate(o.order.promisedOn)) - o.deliveredAtMs) / DAY_MS);
  const window = shipped.map((o) => dayOfDate(o.order.promisedOn) - localDay(o.order.placedAtMs));
  return [
    distance(
      'delivery',
      `mean days by state: largest error, relative (states with ${ENOUGH} deliveries)`,
      Math.max(...large.map((s) => Math.abs(s.measured / s.target - 1))),
      0.1,
    ),
    distance(
      'delivery',
      'mean days by state: mean error over all 27, relative',
      relativeError(
        states.map((s) => s.measured),
        states.map((s) => s.target),
      ),
      0.1,
    ),
    near('delivery', 'mean days, SP', of('SP')?.measured ?? Number.NaN, 8.3, 0.83, 2),
    near('promise', 'late deliveries', shareOf(shipped, isLate), targets.lateShare, 0.015),
    distance(
      'promise',
      'late share by state: order-weighted mean error',
      sum(late.map((s) => s.n * Math.abs(s.measured - s.target))) / sum(late.map((s) => s.n)),
      0.015,
    ),
    near(
      'promise',
      'median days promised',
      quantile(window, 0.5),
      targets.olist.delivery.estimated_window_days_sample.p50,
      3,
      1,
    ),
    near('promise', 'median days early', quantile(early, 0.5), 11.82, 2, 1),
  ];
}

export function weekdayCounts(times: readonly number[]): number[] {
  const counts = new Array<number>(7).fill(0);
  for (const atMs of times) {
    const weekday = weekdayOf(localDay(atMs));
    counts[weekday] = (counts[weekday] ?? 0) + 1;
  }
  return counts;
}

function measureWeekdays(shipped: readonly Shipped[]): Row[] {
  const handovers = weekdayCounts(shipped.map((o) => o.shippedAtMs));
  const deliveries = weekdayCounts(shipped.map((o) => o.deliveredAtMs));
  const { handoff_weekday_mon_sun_sample, delivered_weekday_mon_sun_sample } = targets.olist.delivery;
  return [
    row('hand-over', 'on Sundays (count)', handovers[6] ?? 0, 0, 0, 0),
    distance(
      'hand-over',
      'weekday: TV from Olist',
      totalVariation(handovers, handoff_weekday_mon_sun_sample),
      0.05,
    ),
    distance(
      'delivery',
      'weekday: TV from Olist',
      totalVariation(deliveries, delivered_weekday_mon_sun_sample),
      0.05,
    ),
    row(
      'delivery',
      'at weekends',
      ((deliveries[5] ?? 0) + (deliveries[6] ?? 0)) / sum(deliveries),
      0.05,
      0.1,
    ),
  ];
}

function measureEnds(sample: Sample): Row[] {
  const carried = sample.orders.filter((order) => order.channelId !== 1);
  const paid = carried.filter((order) => when(order, 'approved') !== undefined);
  const delivered = sample.orders.filter((order) => when(order, 'delivered') !== undefined);
  const unpaid = (id: number) =>
    shareOf(
      carried.filter((order) => order.paymentMethodId === id),
      (order) => when(order, 'approved') === undefined,
    );
  const illegal = sample.orders.filter((order) => {
    const deliveredAtMs = when(order, 'delivered') ?? Number.POSITIVE_INFINITY;
    return (when(order, 'returned') ?? Number.POSITIVE_INFINITY) < deliveredAtMs;
  }).length;
  return [
    near(
      'endings',
      'cancelled after payment',
      shareOf(paid, (order) => when(order, 'cancelled') !== undefined),
      targets.cancelledAfterPayment,
      0.004,
    ),
    near('endings', 'PIX never paid', unpaid(PaymentMethod.pix), targets.unpaid.pix, 0.03),
    near('endings', 'boleto never paid', unpaid(PaymentMethod.boleto), targets.unpaid.boleto, 0.07),
    near(
      'returns',
      'of deliveries',
      shareOf(delivered, (order) => when(order, 'returned') !== undefined),
      targets.returned,
      0.02,
    ),
    row('returns', 'before delivery (count)', illegal, 0, 0, 0),
  ];
}
