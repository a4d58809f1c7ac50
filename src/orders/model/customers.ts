import type { CustomerFactory } from '../../catalog/customers.ts';
import type { CustomerRow, KnownCustomer } from '../../catalog/types.ts';
import type { Random } from '../../lib/random.ts';
import { DAY_MS, dateText, localDay } from './calendar.ts';
import { type ModelParameters, modelParameters } from './parameters.ts';
import { normalOf, quantileOf } from './sampling.ts';

/** Builds people: src/catalog/customers.ts. Unique by construction for unique ids. */
export type CustomerMaker = Pick<CustomerFactory, 'create'>;

/** Somebody who will come back, and when (calendar of `data_pedido`). */
export interface ReturningCustomer {
  readonly customer: KnownCustomer;
  readonly dueAtMs: number;
}

/** Who places an order: a known customer, or a new one with the row to write. */
export type Buyer =
  | { readonly kind: 'known'; readonly customer: KnownCustomer }
  | { readonly kind: 'new'; readonly row: CustomerRow };

export interface CustomerBookOptions {
  readonly factory: CustomerMaker;
  readonly random: Random;
  /** The next id for a new customer; undefined when none is at hand. */
  readonly takeId: () => number | undefined;
  /** Returning customers kept at once; more are refused by `addReturning`. Default 50,000. */
  readonly capacity?: number;
  readonly parameters?: ModelParameters;
}

/**
 * Who buys next. Returning customers wait here, ordered by when they are due; as long as none is due, buyers are new
 * people. Memory is bounded by `capacity`.
 */
export class CustomerBook {
  readonly #options: CustomerBookOptions;
  readonly #parameters: ModelParameters['customers'];
  readonly #heap: ReturningCustomer[] = [];
  readonly #capacity: number;

  constructor(options: CustomerBookOptions) {
    this.#options = options;
    this.#parameters = (options.parameters ?? modelParameters).customers;
    this.#capacity = options.capacity ?? 50_000;
  }

  /** Returning customers that wait here. */
  get queued(): number {
    return this.#heap.length;
  }

  /** When the earliest of them is due; null when nobody waits. */
  get nextDueAtMs(): number | null {
    return this.#heap[0]?.dueAtMs ?? null;
  }

  /** Takes them in; returns those for whom there is no room. */
  addReturning(list: readonly ReturningCustomer[]): ReturningCustomer[] {
    const room = Math.max(0, this.#capacity - this.#heap.length);
    for (const entry of list.slice(0, room)) push(this.#heap, entry);
    return list.slice(room);
  }

  /** All who wait, taken out: to be written back when a worker stops. */
  drain(): ReturningCustomer[] {
    return this.#heap.splice(0);
  }

  /** Who buys at `placedAtMs`: null when nobody is due and no id is at hand. */
  next(placedAtMs: number): Buyer | null {
    const { random, takeId, factory } = this.#options;
    const due = (this.#heap[0]?.dueAtMs ?? Number.POSITIVE_INFINITY) <= placedAtMs;
    if (due && random.chance(this.#parameters.returningShareMax)) return this.#returning();
    const id = takeId();
    if (id === undefined) return due ? this.#returning() : null;
    return { kind: 'new', row: factory.create(id, dateText(localDay(placedAtMs))) };
  }

  #returning(): Buyer | null {
    const entry = pop(this.#heap);
    return entry ? { kind: 'known', customer: entry.customer } : null;
  }
}

/**
 * When somebody who has just made their n-th purchase buys again; null: never. Dropout and gaps: see the parameters.
 */
export function nextPurchaseAtMs(
  placedAtMs: number,
  purchases: number,
  random: Random,
  parameters: ModelParameters['customers'] = modelParameters.customers,
): number | null {
  const { dropoutA, dropoutB, gapDays, sameDay, sameDayUntilPurchase, sameDayMinutes } = parameters;
  const again = (dropoutB + purchases - 1) / (dropoutA + dropoutB + purchases - 1);
  if (!random.chance(again)) return null;
  let u = random.next();
  if (u < sameDay) {
    if (purchases <= sameDayUntilPurchase) {
      const minutes = Math.exp(sameDayMinutes.mu + sameDayMinutes.sigma * normalOf(random)());
      return Math.round(placedAtMs + Math.min(minutes, sameDayMinutes.max) * 60_000);
    }
    u = sameDay + random.next() * (1 - sameDay);
  }
  const atMs = Math.round(placedAtMs + quantileOf(gapDays, u) * DAY_MS);
  return localDay(atMs) > localDay(placedAtMs) ? atMs : atMs + DAY_MS;
}

/** When somebody who registered at `registeredAtMs` without an order buys first; null: never. */
export function firstPurchaseAtMs(
  registeredAtMs: number,
  random: Random,
  parameters: ModelParameters['customers'] = modelParameters.customers,
): number | null {
  if (!random.chance(parameters.firstPurchaseShare)) return null;
  const { mu, sigma } = parameters.firstPurchaseDays;
  return Math.round(registeredAtMs + Math.min(Math.exp(mu + sigma * normalOf(random)()), 720) * DAY_MS);
}

function push(heap: ReturningCustomer[], entry: ReturningCustomer): void {
  let i = heap.length;
  heap.push(entry);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = heap[parent] as ReturningCustomer;
    if (above.dueAtMs <= entry.dueAtMs) break;
    heap[i] = above;
    i = parent;
  }
  heap[i] = entry;
}

function pop(heap: ReturningCustomer[]): ReturningCustomer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right && right.dueAtMs < (heap[child] as ReturningCustomer).dueAtMs) child += 1;
    const below = heap[child] as ReturningCustomer;
    if (below.dueAtMs >= last.dueAtMs) break;
    heap[i] = below;
    i = child;
  }
  heap[i] = last;
  return first;
}
