import type { CustomerRow, ShelfProduct } from '../../src/catalog/types.ts';
import { createRandom } from '../../src/lib/random.ts';
import { DAY_MS, dateText, localDay } from '../../src/orders/model/calendar.ts';
import { planHistory } from '../../src/orders/model/history.ts';
import { knownCustomerOf, type PaymentMix } from '../../src/orders/model/model.ts';
import { type ModelParameters, modelParameters } from '../../src/orders/model/parameters.ts';
import type { PlannedOrder } from '../../src/orders/types.ts';
import { shopFactory, shopProducts } from './shop.ts';

export interface SampleOptions {
  readonly orders: number;
  readonly seed: string;
  readonly paymentMix?: PaymentMix;
  readonly parameters?: ModelParameters;
}

/** Orders as the shop places them over some 14 months, with the people and products they speak of. */
export interface Sample {
  readonly orders: readonly PlannedOrder[];
  /** Everybody who could order, by id: those of the seed and those who came. */
  readonly people: ReadonlyMap<number, CustomerRow>;
  readonly products: ReadonlyMap<number, ShelfProduct>;
  readonly days: number;
  readonly nowMs: number;
}

/** A fixed end, so that a seed always gives the same orders: 1 July 2026, noon in São Paulo. */
const NOW_MS = Date.UTC(2026, 6, 1, 15);
/** Sixty weeks hold one November, and at 50,000 orders about 120 a day, as many as Olist had in 2017. */
const DAYS = 420;
const BASE_CUSTOMERS = 2000;
const PRODUCTS = 2000;

/** Draws the sample by the same code that writes history, orders included that were purged since. */
export function drawSample(options: SampleOptions): Sample {
  const { orders: wanted, seed, paymentMix = 'today', parameters = modelParameters } = options;
  const random = createRandom(seed);
  const factory = shopFactory(random.stream('people'));
  const products = shopProducts(PRODUCTS, random.stream('products'), NOW_MS - DAYS * DAY_MS);
  const people = new Map<number, CustomerRow>();
  const firstDay = localDay(NOW_MS) - DAYS;
  const registrations = random.stream('registrations');
  for (let id = 1; id <= BASE_CUSTOMERS; id++) {
    people.set(id, factory.create(id, dateText(firstDay - registrations.int(1, 3 * 365))));
  }
  const orders: PlannedOrder[] = [];
  const history = planHistory({
    random: random.stream('history'),
    shopSeed: seed,
    days: DAYS,
    orders: wanted,
    nowMs: NOW_MS,
    products,
    factory,
    firstCustomerId: BASE_CUSTOMERS + 1,
    baseCustomers: [...people.values()].map((row) => ({
      customer: knownCustomerOf(row),
      registeredOn: row.data_cadastro,
    })),
    paymentMix,
    withPurged: true,
    parameters,
  });
  for (const order of history) {
    orders.push(order);
    if (order.customer.kind === 'new') people.set(order.customer.row.id, order.customer.row);
  }
  return {
    orders,
    people,
    products: new Map(products.map((product) => [product.id, product])),
    days: DAYS,
    nowMs: NOW_MS,
  };
}

/** The local day on which the sample begins; the first and the last day are not whole. */
export function wholeDays(sample: Sample): { readonly first: number; readonly last: number } {
  return { first: localDay(sample.nowMs - sample.days * DAY_MS) + 1, last: localDay(sample.nowMs) - 1 };
}

export function customerIdOf(order: PlannedOrder): number {
  return order.customer.kind === 'new' ? order.customer.row.id : order.customer.id;
}
