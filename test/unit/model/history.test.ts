import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/lib/random.ts';
import { positionAt } from '../../../src/orders/lifecycle.ts';
import { DAY_MS, dayOfDate, localDay } from '../../../src/orders/model/calendar.ts';
import { type HistoryOptions, type HistoryRest, planHistory } from '../../../src/orders/model/history.ts';
import { type PlannedOrder, subtotalCents } from '../../../src/orders/types.ts';
import { plainFactory, plainProducts } from '../../support/assortment.ts';

const NOW_MS = Date.UTC(2026, 10, 25, 18, 30);

function history(changes: Partial<HistoryOptions> = {}): { orders: PlannedOrder[]; rest: HistoryRest } {
  const orders: PlannedOrder[] = [];
  const generator = planHistory({
    random: createRandom('history'),
    shopSeed: 'shop',
    days: 90,
    orders: 5000,
    nowMs: NOW_MS,
    products: plainProducts(),
    factory: plainFactory(),
    firstCustomerId: 1001,
    baseCustomers: [],
    paymentMix: 'today',
    ...changes,
  });
  for (;;) {
    const step = generator.next();
    if (step.done) return { orders, rest: step.value };
    orders.push(step.value);
  }
}

describe('planHistory', () => {
  const { orders, rest } = history();
  const products = new Map(plainProducts().map((product) => [product.id, product]));

  it('yields exactly the wanted number, by ascending time, inside the window', () => {
    expect(orders).toHaveLength(5000);
    const stray = orders.findIndex(
      (order, i) =>
        order.placedAtMs < (orders[i - 1]?.placedAtMs ?? NOW_MS - 90 * DAY_MS) || order.placedAtMs >= NOW_MS,
    );
    expect(stray).toBe(-1);
  });

  it('gives every order a legal life: ascending, never before the order, and still there now', () => {
    const seen = new Set<string>();
    for (const order of orders) {
      let before = order.placedAtMs;
      for (const step of order.timeline) {
        if (step.atMs < before) throw new Error(`step back in time: ${JSON.stringify(order)}`);
        before = step.atMs;
      }
      const end = positionAt(order.timeline, Number.POSITIVE_INFINITY);
      if (end.state === 'Pendente' || end.state === 'Processando' || end.state === 'Enviado') {
        throw new Error(`a life without an end: ${JSON.stringify(order)}`);
      }
      seen.add(positionAt(order.timeline, NOW_MS).state);
      if (dayOfDate(order.promisedOn) < localDay(order.placedAtMs)) throw new Error('promised before placed');
    }
    expect([...seen].sort()).toEqual([
      'Cancelado',
      'Devolvido',
      'Entregue',
      'Enviado',
      'Pendente',
      'Processando',
    ]);
  });

  it('sells at the price of the shelf, distinct products, with a discount within the goods', () => {
    for (const order of orders) {
      expect(new Set(order.items.map((item) => item.productId)).size).toBe(order.items.length);
      for (const item of order.items)
        expect(item.unitPriceCents).toBe(products.get(item.productId)?.priceCents);
      expect(order.discountCents).toBeLessThanOrEqual(subtotalCents(order));
      expect(order.discountCents).toBeGreaterThanOrEqual(0);
    }
  });

  it('pays, ships and delivers at once over the counter, without freight', () => {
    const counter = orders.filter((order) => order.channelId === 1);
    expect(counter.length).toBeGreaterThan(200);
    for (const order of counter) {
      expect(order.freightCents).toBe(0);
      expect(order.paymentMethodId).not.toBe(4);
      expect(positionAt(order.timeline, order.placedAtMs).state).toBe('Entregue');
    }
  });

  it('knows a customer only after the first order, counts the purchases and keeps the planned day', () => {
    const known = new Map<number, PlannedOrder>();
    let back = 0;
    for (const order of orders) {
      const id = order.customer.kind === 'new' ? order.customer.row.id : order.customer.id;
      const last = known.get(id);
      expect(order.customer.kind).toBe(last ? 'known' : 'new');
      expect(order.purchases).toBe((last?.purchases ?? 0) + 1);
      if (last) {
        back += 1;
        expect(last.nextPurchaseAtMs).not.toBeNull();
        expect(order.placedAtMs).toBeGreaterThanOrEqual(last.nextPurchaseAtMs ?? 0);
        expect(order.deliveryAddress).toBe(last.deliveryAddress);
      }
      known.set(id, order);
    }
    expect(back).toBeGreaterThan(300);
    expect(rest.nextCustomerId).toBe(1001 + known.size);
    // whoever was due and had not bought is handed on
    const open = [...known.values()].filter((order) => (order.nextPurchaseAtMs ?? NOW_MS) < NOW_MS);
    expect(rest.waiting.map((entry) => entry.dueAtMs).sort()).toEqual(
      open.map((order) => order.nextPurchaseAtMs).sort(),
    );
  });

  it('lets customers without orders buy after their registration, and hands on those who buy later', () => {
    const baseCustomers = Array.from({ length: 400 }, (_, i) => ({
      customer: { id: i + 1, state: 'SP' as const, genderId: 1, deliveryAddress: 'Rua B', purchases: 0 },
      registeredOn: i % 2 === 0 ? '2025-01-31' : '2026-11-10',
    }));
    const { orders: some, rest: left } = history({ baseCustomers });
    const bought = some.filter((order) => order.customer.kind === 'known' && order.customer.id <= 400);
    const first = bought.filter((order) => order.purchases === 1);
    expect(first.length).toBeGreaterThan(100);
    for (const order of first) {
      const { id } = order.customer as { id: number };
      if (id % 2 === 0) expect(localDay(order.placedAtMs)).toBeGreaterThan(dayOfDate('2026-11-10'));
    }
    expect(left.waiting.length).toBeGreaterThan(30);
    expect(left.waiting.length + first.length).toBeLessThan(400);
  });

  it('is the same for the same seed and another for another', () => {
    expect(history({ orders: 200 }).orders).toEqual(history({ orders: 200 }).orders);
    expect(history({ orders: 200, random: createRandom('other') }).orders).not.toEqual(
      history({ orders: 200 }).orders,
    );
  });

  it('also yields what was purged when asked for everything ever placed', () => {
    const all = history({ withPurged: true }).orders;
    const gone = all.filter((order) => positionAt(order.timeline, NOW_MS).state === 'gone').length;
    expect(gone / all.length).toBeGreaterThan(0.05);
    expect(orders.some((order) => positionAt(order.timeline, NOW_MS).state === 'gone')).toBe(false);
  });

  it('yields nothing for no orders', () => {
    expect(history({ orders: 0 }).orders).toEqual([]);
  });
});
