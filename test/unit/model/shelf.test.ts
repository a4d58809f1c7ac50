import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/lib/random.ts';
import { DAY_MS } from '../../../src/orders/model/calendar.ts';
import { CustomerBook } from '../../../src/orders/model/customers.ts';
import { createOrderModel } from '../../../src/orders/model/model.ts';
import { Shelf } from '../../../src/orders/model/shelf.ts';
import { plainFactory, plainProducts } from '../../support/assortment.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12);

function shelfOf(products = plainProducts()): Shelf {
  const shelf = new Shelf({ seed: 'shop' });
  shelf.replace(products);
  return shelf;
}

function sales(shelf: Shelf, n: number, atMs = NOW_MS): Map<string, number> {
  const random = createRandom('sales');
  const byModel = new Map<string, number>();
  for (let i = 0; i < n; i++) {
    const product = shelf.pick('men', 40, atMs, random);
    if (product) byModel.set(product.model, (byModel.get(product.model) ?? 0) + 1);
  }
  return byModel;
}

describe('Shelf', () => {
  it('sells each unit once and nothing that is sold out', () => {
    const products = plainProducts(6, 3);
    const shelf = shelfOf(products);
    const random = createRandom('empty');
    const sold = new Map<number, number>();
    for (const audience of ['men', 'women'] as const) {
      for (;;) {
        const product = shelf.pick(audience, shelf.sizeAt(audience, random.next()), NOW_MS, random);
        if (!product) break;
        sold.set(product.id, (sold.get(product.id) ?? 0) + 1);
        shelf.sold(product.id, 1);
      }
    }
    expect(sold.size).toBe(products.length);
    expect([...sold.values()].every((n) => n === 3)).toBe(true);
    expect(shelf.hasStock(NOW_MS)).toBe(false);
  });

  it('sells again what is restocked', () => {
    const shelf = shelfOf(plainProducts(1, 0));
    expect(shelf.hasStock(NOW_MS)).toBe(false);
    const [first] = plainProducts(1, 5);
    if (first) shelf.upsert([first]);
    expect(shelf.pick('men', first?.size ?? 0, NOW_MS, createRandom('a'))?.id).toBe(first?.id);
  });

  it('offers men nothing of the women and the other way round, and the nearest size when one is missing', () => {
    const shelf = shelfOf();
    const random = createRandom('fit');
    for (let i = 0; i < 500; i++) {
      expect(shelf.pick('men', 41, NOW_MS, random)?.genderId).not.toBe(2);
      const product = shelf.pick('women', 36, NOW_MS, random);
      expect(product?.genderId).not.toBe(1);
      expect(product?.size).toBe(36);
    }
    expect(shelf.pick('men', 48, NOW_MS, random)?.size).toBe(43);
  });

  it('ranks models by the seed of the shop: equal in every worker, different in another shop', () => {
    const one = sales(shelfOf(), 5000);
    expect(
      sales(shelfOf([...plainProducts()].reverse()), 5000)
        .keys()
        .next().value,
    ).toBeDefined();
    const order = (byModel: Map<string, number>) =>
      [...byModel].sort((a, b) => b[1] - a[1]).map(([model]) => model);
    const reversed = sales(shelfOf([...plainProducts()].reverse()), 5000);
    expect(order(reversed).slice(0, 2)).toEqual(order(one).slice(0, 2));
    const other = new Shelf({ seed: 'another shop' });
    other.replace(plainProducts());
    expect(order(sales(other, 5000))).not.toEqual(order(one));
  });

  it('starts a launched model hot and lets it fade', () => {
    const launchedMs = NOW_MS;
    const products = plainProducts().map((product) =>
      product.model === 'Modelo 3' ? { ...product, createdAtMs: launchedMs } : product,
    );
    const shelf = shelfOf(products);
    const hot = sales(shelf, 20_000, launchedMs).get('Modelo 3') ?? 0;
    const cooler = sales(shelf, 20_000, launchedMs + 21 * DAY_MS).get('Modelo 3') ?? 0;
    const old = sales(shelf, 20_000, launchedMs + 400 * DAY_MS).get('Modelo 3') ?? 0;
    expect(hot).toBeGreaterThan(cooler * 1.2);
    expect(cooler).toBeGreaterThan(old * 1.2);
  });

  it('lets launches age by the days of business, however fast these pass', () => {
    const launchedMs = NOW_MS;
    const shelf = new Shelf({ seed: 'shop', speed: 1440 });
    shelf.replace(
      plainProducts().map((product) =>
        product.model === 'Modelo 3' ? { ...product, createdAtMs: launchedMs } : product,
      ),
    );
    const hot = sales(shelf, 20_000, launchedMs).get('Modelo 3') ?? 0;
    // 21 minutes are 21 days of business
    const cooler = sales(shelf, 20_000, launchedMs + 21 * 60_000).get('Modelo 3') ?? 0;
    expect(hot).toBeGreaterThan(cooler * 1.2);
  });

  it('forgets products that are gone', () => {
    const shelf = shelfOf();
    shelf.replace(plainProducts(2));
    expect(shelf.size).toBe(32);
    expect([...sales(shelf, 500).keys()].sort()).toEqual(['Modelo 0']);
    shelf.remove(plainProducts(2).map((product) => product.id));
    expect(shelf.size).toBe(0);
    expect(shelf.pick('men', 40, NOW_MS, createRandom('b'))).toBeUndefined();
  });
});

describe('createOrderModel', () => {
  const modelOf = (shelf: Shelf, ids: number[]) => {
    const customers = new CustomerBook({
      factory: plainFactory(),
      random: createRandom('book'),
      takeId: () => ids.shift(),
    });
    const random = createRandom('live');
    return { customers, model: createOrderModel({ random, shelf, customers, paymentMix: 'today' }) };
  };

  it('places no order and uses up nobody when the shelf is empty', () => {
    const ids = [1, 2];
    const { model } = modelOf(shelfOf(plainProducts(2, 0)), ids);
    expect(model.plan(NOW_MS)).toBeNull();
    expect(ids).toEqual([1, 2]);
  });

  it('never plans more units than there are', () => {
    const products = plainProducts(3, 4);
    const left = new Map(products.map((product) => [product.id, product.stock]));
    const ids = Array.from({ length: 1000 }, (_, i) => i + 1);
    const { model } = modelOf(shelfOf(products), ids);
    let orders = 0;
    for (let order = model.plan(NOW_MS); order; order = model.plan(NOW_MS)) {
      orders += 1;
      for (const item of order.items)
        left.set(item.productId, (left.get(item.productId) ?? 0) - item.quantity);
    }
    expect(orders).toBeGreaterThan(100);
    expect([...left.values()].every((n) => n === 0)).toBe(true);
  });

  it('serves those who are due, in the order of their days, and new people meanwhile', () => {
    const { model, customers } = modelOf(
      shelfOf(),
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
    const refused = customers.addReturning(
      [3, 1, 2].map((n) => ({
        customer: { id: 9000 + n, state: 'RS' as const, genderId: 2, deliveryAddress: 'Rua C', purchases: n },
        dueAtMs: NOW_MS + n * 1000,
      })),
    );
    expect(refused).toEqual([]);
    expect(model.plan(NOW_MS)?.customer.kind).toBe('new');
    const back: number[] = [];
    let fresh = 0;
    for (let i = 0; i < 60; i++) {
      const order = model.plan(NOW_MS + 5000);
      if (order?.customer.kind !== 'known') fresh += 1;
      else {
        back.push(order.customer.id);
        expect(order.purchases).toBe(order.customer.id - 9000 + 1);
        expect(order.deliveryAddress).toBe('Rua C');
      }
    }
    expect(back).toEqual([9001, 9002, 9003]);
    expect(fresh).toBe(57);
    expect(customers.queued).toBe(0);
  });

  it('serves only those who are due when no id is at hand, then nobody', () => {
    const { model, customers } = modelOf(shelfOf(), []);
    const customer = { id: 77, state: 'RS' as const, genderId: 2, deliveryAddress: 'Rua C', purchases: 1 };
    customers.addReturning([{ customer, dueAtMs: NOW_MS - 1 }]);
    expect(model.plan(NOW_MS)?.customer).toEqual({ kind: 'known', id: 77 });
    expect(model.plan(NOW_MS)).toBeNull();
  });
});
