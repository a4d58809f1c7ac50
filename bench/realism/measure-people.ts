import { DAY_MS, dayOfDate, localDay } from '../../src/orders/model/calendar.ts';
import type { PlannedOrder } from '../../src/orders/types.ts';
import { histogram } from './measure-money.ts';
import { customerIdOf, type Sample } from './sample.ts';
import { quantile, shareOf, totalVariation, zipfFit } from './statistics.ts';
import { distance, near, type Row, row, targets } from './targets.ts';

/** Days from first to second purchase, of those who come back; the second may lie after the sample's end. */
export function gapsAfterFirst(sample: Sample): number[] {
  return sample.orders
    .filter((order) => order.purchases === 1 && order.nextPurchaseAtMs !== null)
    .map((order) => ((order.nextPurchaseAtMs ?? 0) - order.placedAtMs) / DAY_MS);
}

/** Units sold by model, most first. */
export function unitsByModel(sample: Sample): number[] {
  const units = new Map<string, number>();
  for (const order of sample.orders) {
    for (const { productId, quantity } of order.items) {
      const model = sample.products.get(productId)?.model ?? '';
      units.set(model, (units.get(model) ?? 0) + quantity);
    }
  }
  return [...units.values()].sort((a, b) => b - a);
}

/** The most orders that one person placed on one day. */
function mostOrdersOfOnePersonInADay(orders: readonly PlannedOrder[]): number {
  const counts = new Map<string, number>();
  let most = 0;
  for (const order of orders) {
    const key = `${customerIdOf(order)}/${localDay(order.placedAtMs)}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    most = Math.max(most, count);
  }
  return most;
}

/** Who buys, how often, and what fits them. */
export function measurePeople(sample: Sample): Row[] {
  const { gapDays, repeatShare24Months } = targets;
  const first = sample.orders.filter((order) => order.purchases === 1);
  const back = shareOf(
    first,
    (order) => order.nextPurchaseAtMs !== null && order.nextPurchaseAtMs - order.placedAtMs <= 730 * DAY_MS,
  );
  const gaps = gapsAfterFirst(sample);
  const lastYear = sample.orders.filter((order) => order.placedAtMs >= sample.nowMs - 180 * DAY_MS);
  const zipf = zipfFit(unitsByModel(sample), 4);
  return [
    row('customers', 'buy again within 24 months', back, ...repeatShare24Months),
    near(
      'customers',
      'days to the second purchase, median',
      quantile(gaps, 0.5),
      gapDays.p50,
      0.2 * gapDays.p50,
      1,
    ),
    near(
      'customers',
      'days to the second purchase, p75',
      quantile(gaps, 0.75),
      gapDays.p75,
      0.2 * gapDays.p75,
      1,
    ),
    near(
      'customers',
      'days to the second purchase, p95',
      quantile(gaps, 0.95),
      gapDays.p95,
      0.2 * gapDays.p95,
      1,
    ),
    row(
      'customers',
      'orders of returning customers, last six months',
      shareOf(lastYear, (o) => o.purchases > 1),
      0.15,
      0.3,
    ),
    row(
      'customers',
      'most orders of one person in a day',
      mostOrdersOfOnePersonInADay(sample.orders),
      1,
      3,
      0,
    ),
    row('products', 'Zipf–Mandelbrot exponent of units by model', zipf.exponent, 0.8, 1.05, 2),
    row('products', 'fit of the exponent, R²', zipf.r2, 0.9, 1, 3),
    distance(
      'people',
      'channel: TV from the stated shares',
      totalVariation(
        histogram(
          sample.orders.map((order) => order.channelId),
          5,
        ),
        targets.channels,
      ),
      0.03,
    ),
    ...measureFit(sample),
  ];
}

function measureFit(sample: Sample): Row[] {
  let [own, others, early] = [0, 0, 0];
  for (const order of sample.orders) {
    const person = sample.people.get(customerIdOf(order));
    if (!person) throw new Error(`an order of somebody unknown: ${customerIdOf(order)}`);
    if (dayOfDate(person.data_cadastro) > localDay(order.placedAtMs)) early += 1;
    if (person.id_genero === 3) continue;
    for (const { productId } of order.items) {
      const gender = sample.products.get(productId)?.genderId;
      if (gender === 3 || gender === person.id_genero) own += 1;
      else others += 1;
    }
  }
  return [
    row('people', 'items that fit the buyer’s gender (the rest are gifts)', own / (own + others), 0.9, 0.985),
    row('people', 'orders before registration (count)', early, 0, 0, 0),
  ];
}
