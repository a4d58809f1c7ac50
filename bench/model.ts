import { createCustomerFactory } from '../src/catalog/customers.ts';
import { createRandom } from '../src/lib/random.ts';
import { CustomerBook } from '../src/orders/model/customers.ts';
import { createOrderModel } from '../src/orders/model/model.ts';
import { Shelf } from '../src/orders/model/shelf.ts';
import { arrivals, createArrivalState } from '../src/traffic/demand.ts';
import { shopProducts } from './realism/shop.ts';

export interface ModelBench {
  readonly orders: number;
  /** Microseconds an order: who, what, how paid, how it lives; a new customer's whole row included. */
  readonly planUs: number;
  /** Of that, building the new customers. */
  readonly customersUs: number;
  /** Microseconds an arrival, Poisson. */
  readonly arrivalUs: number;
}

const ORDERS = 200_000;
const START_MS = Date.UTC(2026, 5, 1, 12);

/** What the model costs, on one core, with 2,000 products on the shelf and returning customers in the book. */
export async function run(): Promise<ModelBench> {
  const random = createRandom('bench');
  const shelf = new Shelf({ seed: 'bench' });
  // so much stock that nothing is sold out
  shelf.replace(
    shopProducts(2000, random.stream('products'), START_MS).map((product) => ({ ...product, stock: 1e9 })),
  );
  const factory = createCustomerFactory({ random: random.stream('people') });
  let id = 0;
  const customers = new CustomerBook({ factory, random: random.stream('book'), takeId: () => ++id });
  const model = createOrderModel({ random: random.stream('model'), shelf, customers, paymentMix: 'today' });
  let units = 0;
  const place = (orders: number) => {
    for (let i = 0; i < orders; i++) {
      const order = model.plan(START_MS + i * 10);
      if (!order) throw new Error('the shelf is empty');
      units += order.items.length;
    }
  };
  place(20_000);
  let startedMs = performance.now();
  place(ORDERS);
  const planUs = ((performance.now() - startedMs) / ORDERS) * 1000;
  startedMs = performance.now();
  for (let i = 0; i < ORDERS; i++) units += factory.create(10_000_000 + i, '2026-06-01').id > 0 ? 0 : 1;
  const customersUs = ((performance.now() - startedMs) / ORDERS) * 1000;
  startedMs = performance.now();
  const times = arrivals({
    fromMs: START_MS,
    toMs: START_MS + 60_000,
    ratePerMinute: 1_000_000,
    process: 'poisson',
    shape: 'steady',
    random: random.stream('arrivals'),
    state: createArrivalState(),
  });
  const arrivalUs = ((performance.now() - startedMs) / times.length) * 1000;
  if (units < ORDERS) throw new Error('orders without items');
  return { orders: ORDERS, planUs, customersUs, arrivalUs };
}

if (import.meta.main) {
  const { orders, planUs, customersUs, arrivalUs } = await run();
  console.log(`model: ${planUs.toFixed(1)} µs an order over ${orders} orders (wanted: at most 60)`);
  console.log(
    `  of that a new customer's row: ${customersUs.toFixed(1)} µs; an arrival: ${arrivalUs.toFixed(2)} µs`,
  );
}
