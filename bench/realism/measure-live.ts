import { createRandom } from '../../src/lib/random.ts';
import { DAY_MS, localDay, localHour, weekdayOf } from '../../src/orders/model/calendar.ts';
import { CustomerBook } from '../../src/orders/model/customers.ts';
import { createPlanner } from '../../src/orders/model/model.ts';
import { Shelf } from '../../src/orders/model/shelf.ts';
import { type ArrivalOptions, arrivals, createArrivalState } from '../../src/traffic/demand.ts';
import { shopFactory, shopProducts } from './shop.ts';
import { mean, totalVariation, variance } from './statistics.ts';
import { distance, type Row, row, targets } from './targets.ts';

/** A Monday, 0 h in São Paulo. */
const MONDAY_MS = Date.UTC(2026, 5, 1, 3);
const TICK_MS = 5_000;

/** Live traffic: when orders arrive, and what a high rate does to the people. */
export function measureLive(seed: string): Row[] {
  const random = createRandom(seed).stream('live');
  const state = createArrivalState();
  const ask = (fromMs: number, toMs: number, ratePerMinute: number, changes: Partial<ArrivalOptions> = {}) =>
    arrivals({ fromMs, toMs, ratePerMinute, process: 'poisson', shape: 'steady', random, state, ...changes });
  const byHour = new Array<number>(168).fill(0);
  for (const atMs of ask(MONDAY_MS, MONDAY_MS + 28 * DAY_MS, 1.25, { shape: 'daily' })) {
    const hour = weekdayOf(localDay(atMs)) * 24 + Math.floor(localHour(atMs));
    byHour[hour] = (byHour[hour] ?? 0) + 1;
  }
  const counts = Array.from(
    { length: 5_000 },
    (_, tick) => ask(MONDAY_MS + tick * TICK_MS, MONDAY_MS + (tick + 1) * TICK_MS, 60).length,
  );
  const day = busyDay(seed, ask(MONDAY_MS, MONDAY_MS + DAY_MS / 2, 100));
  return [
    distance(
      'live',
      'TRAFFIC_SHAPE=daily, hour × weekday: TV from Olist',
      totalVariation(byHour, targets.olist.weekday_x_hour_mon_sun.counts.flat()),
      0.05,
    ),
    row(
      'live',
      'ARRIVALS=poisson, variance/mean of orders a tick',
      variance(counts) / mean(counts),
      0.92,
      1.08,
      2,
    ),
    row('live', 'most orders of one person, half a day at 100 a minute', day.most, 1, 3, 0),
    row('live', 'orders of people who are new, half a day at 100 a minute', day.fresh, 0.85, 1, 3),
  ];
}

/** Orders at the given times by a model whose returning customers come back to it. */
function busyDay(seed: string, times: readonly number[]): { most: number; fresh: number } {
  const random = createRandom(seed).stream('busy day');
  const shelf = new Shelf({ seed, limited: false });
  shelf.replace(shopProducts(500, random.stream('products'), MONDAY_MS));
  let id = 0;
  const customers = new CustomerBook({
    factory: shopFactory(random.stream('people')),
    random: random.stream('book'),
    takeId: () => ++id,
  });
  const plan = createPlanner({ random: random.stream('model'), shelf, customers, paymentMix: 'today' });
  const orders = new Map<number, number>();
  let fresh = 0;
  for (const atMs of times) {
    const planned = plan(atMs);
    if (!planned) continue;
    const { order, customer } = planned;
    if (order.purchases === 1) fresh += 1;
    orders.set(customer.id, (orders.get(customer.id) ?? 0) + 1);
    if (order.nextPurchaseAtMs !== null && order.nextPurchaseAtMs < MONDAY_MS + DAY_MS) {
      customers.addReturning([
        { customer: { ...customer, purchases: order.purchases }, dueAtMs: order.nextPurchaseAtMs },
      ]);
    }
  }
  let most = 0;
  for (const count of orders.values()) most = Math.max(most, count);
  return { most, fresh: fresh / times.length };
}
