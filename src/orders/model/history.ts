import { randomBinomial } from 'd3-random';
import type { KnownCustomer, ShelfProduct } from '../../catalog/types.ts';
import { invariant } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { PlannedOrder } from '../types.ts';
import { DAY_MS, dayOfDate, HOUR_MS, localDay, startOfDayMs } from './calendar.ts';
import { CustomerBook, type CustomerMaker } from './customers.ts';
import { dayEffect, hourOfWeekFactor, seasonFactor } from './intensity.ts';
import { createPlanner } from './model.ts';
import { type ModelParameters, modelParameters } from './parameters.ts';
import type { PaymentMix } from './payment.ts';
import { normalOf, quantileOf } from './sampling.ts';
import { Shelf } from './shelf.ts';

/** Returning customers kept in memory at once (about 200 bytes each); beyond it they do not come back in history. */
const CAPACITY = 300_000;

export interface BaseCustomer {
  readonly customer: KnownCustomer;
  /** YYYY-MM-DD */
  readonly registeredOn: string;
}

export interface HistoryOptions {
  readonly random: Random;
  /** The seed of {@link Shelf}: the one that live traffic uses. */
  readonly shopSeed: string;
  readonly days: number;
  /** Orders that exist at `nowMs`. */
  readonly orders: number;
  readonly nowMs: number;
  readonly products: readonly ShelfProduct[];
  readonly factory: CustomerMaker;
  /** New customers get this id and the following ones. */
  readonly firstCustomerId: number;
  /** Customers who are there already, without orders. */
  readonly baseCustomers: Iterable<BaseCustomer>;
  readonly paymentMix: PaymentMix;
  /**
   * True: also orders that were purged before `nowMs` (for measurements of everything that was ever placed); `orders`
   * counts them then. Default false.
   */
  readonly withPurged?: boolean;
  readonly parameters?: ModelParameters;
}

/** What history leaves to live traffic, beside the orders themselves. */
export interface HistoryRest {
  /**
   * Customers who will buy for the first time after `nowMs` (`purchases` 0), and those who were due but had not bought
   * again: with the later purchases of the yielded orders they fill `simulator.returning_customers`.
   */
  readonly waiting: readonly {
    readonly customerId: number;
    readonly dueAtMs: number;
    readonly purchases: number;
  }[];
  readonly nextCustomerId: number;
}

/**
 * The past of a shop: orders by ascending `placedAtMs` over the last `days`, by the same model as live traffic. Their
 * times follow the hours of the week, the seasons and the luck of single days; exactly `orders` of them exist at
 * `nowMs`. Every order carries its whole timeline: apply `positionAt(order.timeline, nowMs)`, keep the rest scheduled.
 *
 * Stock is not limited here: the caller settles it (initial = stock wanted now + units of orders neither cancelled nor
 * returned). Returning customers come back within history by themselves; of an order's `nextPurchaseAtMs` the caller
 * keeps those after `nowMs`, and those in the returned {@link HistoryRest}.
 *
 * Memory does not grow with `orders`: hours of weights, and at most 300,000 customers who are due before `nowMs`.
 */
export function* planHistory(options: HistoryOptions): Generator<PlannedOrder, HistoryRest> {
  const { random, nowMs, parameters = modelParameters } = options;
  const shelf = new Shelf({ seed: options.shopSeed, limited: false, parameters });
  shelf.replace(options.products);
  let nextCustomerId = options.firstCustomerId;
  const book = new CustomerBook({
    factory: options.factory,
    random: random.stream('book'),
    takeId: () => nextCustomerId++,
    capacity: CAPACITY,
    parameters,
  });
  const fromMs = nowMs - options.days * DAY_MS;
  const waiting: { customerId: number; dueAtMs: number; purchases: number }[] = [];
  const newcomers = random.stream('base');
  for (const base of options.baseCustomers) {
    const dueAtMs = firstPurchaseOfBase(base, fromMs, newcomers, parameters);
    if (dueAtMs === null) continue;
    if (dueAtMs > nowMs) waiting.push({ customerId: base.customer.id, dueAtMs, purchases: 0 });
    else book.addReturning([{ customer: base.customer, dueAtMs }]);
  }
  const plan = createPlanner({
    random: random.stream('orders'),
    shelf,
    customers: book,
    paymentMix: options.paymentMix,
    parameters,
    ...(options.withPurged ? {} : { existingAtMs: nowMs }),
  });
  for (const placedAtMs of placements(options, fromMs, parameters)) {
    const planned = plan(placedAtMs);
    invariant(planned, 'history needs products on the shelf');
    const { order, customer } = planned;
    const { nextPurchaseAtMs, purchases } = order;
    if (nextPurchaseAtMs === null || nextPurchaseAtMs > nowMs) {
      yield order;
      continue;
    }
    const refused = book.addReturning([{ customer: { ...customer, purchases }, dueAtMs: nextPurchaseAtMs }]);
    yield refused.length === 0 ? order : { ...order, nextPurchaseAtMs: null };
  }
  for (const { customer, dueAtMs } of book.drain()) {
    waiting.push({ customerId: customer.id, dueAtMs, purchases: customer.purchases });
  }
  return { waiting, nextCustomerId };
}

/**
 * When a customer without orders buys first. Those who registered before the window stand for the clientele that the
 * shop had by then: they come after a gap of the repeat distribution, which fills the window's cold start.
 */
function firstPurchaseOfBase(
  base: BaseCustomer,
  fromMs: number,
  random: Random,
  { customers }: ModelParameters,
): number | null {
  // the whole day of registration is over: nobody orders before registering
  const registeredMs = startOfDayMs(dayOfDate(base.registeredOn) + 1);
  const buys = random.chance(customers.firstPurchaseShare);
  const gap = quantileOf(customers.gapDays, customers.sameDay + random.next() * (1 - customers.sameDay));
  const { mu, sigma } = customers.firstPurchaseDays;
  const delay = Math.min(Math.exp(mu + sigma * normalOf(random)()), 720);
  if (!buys) return null;
  return Math.round(registeredMs < fromMs ? fromMs + gap * DAY_MS : registeredMs + delay * DAY_MS);
}

/** Times of the orders, ascending. Counts of the hours are multinomial by their weights; inside an hour uniform. */
function* placements(
  options: HistoryOptions,
  fromMs: number,
  parameters: ModelParameters,
): Generator<number> {
  const random = options.random.stream('times');
  const hours = weightedHours(options, fromMs, parameters);
  let weightLeft = hours.reduce((sum, hour) => sum + hour.weight, 0);
  let ordersLeft = options.orders;
  const source = randomBinomial.source(() => random.next());
  for (const [i, { startMs, endMs, weight }] of hours.entries()) {
    if (ordersLeft === 0) return;
    const p = Math.min(1, weight / weightLeft);
    const count = i === hours.length - 1 || p >= 1 ? ordersLeft : source(ordersLeft, p)();
    weightLeft -= weight;
    ordersLeft -= count;
    const times = Array.from({ length: count }, () =>
      Math.floor(startMs + random.next() * (endMs - startMs)),
    );
    yield* times.sort((a, b) => a - b);
  }
}

interface WeightedHour {
  readonly startMs: number;
  readonly endMs: number;
  readonly weight: number;
}

function weightedHours(options: HistoryOptions, fromMs: number, parameters: ModelParameters): WeightedHour[] {
  const days = options.random.stream('days');
  const gone = options.withPurged ? 0 : unpaidShare(parameters);
  const hours: WeightedHour[] = [];
  let day = Number.NaN;
  let dayFactor = 1;
  for (let startMs = fromMs; startMs < options.nowMs; ) {
    const endMs = Math.min(options.nowMs, (Math.floor(startMs / HOUR_MS) + 1) * HOUR_MS);
    if (localDay(startMs) !== day) {
      day = localDay(startMs);
      dayFactor = seasonFactor(day, parameters.demand) * dayEffect(day, days, parameters.demand);
    }
    const share = (endMs - startMs) / HOUR_MS;
    const existing = 1 - gone * purgedPart((options.nowMs - startMs) / DAY_MS, parameters);
    const weight = hourOfWeekFactor(startMs, parameters.demand) * dayFactor * share * existing;
    hours.push({ startMs, endMs, weight });
    startMs = endMs;
  }
  return hours;
}

/** Share of orders that are never paid, over channels and methods of today. */
function unpaidShare(parameters: ModelParameters): number {
  const unpaid: Readonly<Record<string, number>> = parameters.unpaid.share;
  const channels: Readonly<Record<string, number>> = parameters.channels.share;
  let share = 0;
  for (const [channel, methods] of Object.entries(parameters.payment.today)) {
    if (Number(channel) === parameters.channels.overTheCounter) continue;
    for (const [method, weight] of Object.entries(methods)) {
      share += (channels[channel] ?? 0) * weight * (unpaid[method] ?? 0);
    }
  }
  return share;
}

/** How much of the unpaid orders of that age is purged already: from the first to the last possible moment, evenly. */
function purgedPart(ageDays: number, { unpaid }: ModelParameters): number {
  const [from, to] = unpaid.purgeDays as [number, number];
  return Math.min(1, Math.max(0, (ageDays - from) / (to - from + 1)));
}
