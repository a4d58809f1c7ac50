import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/lib/random.ts';
import { DAY_MS } from '../../../src/orders/model/calendar.ts';
import { decideAssortment, decideRestock } from '../../../src/traffic/business/assortment.ts';
import {
  decideCivilStatus,
  decideConsent,
  decidePeopleEvents,
  decideProfileChange,
} from '../../../src/traffic/business/people.ts';
import { modelsToReprice, repriceModel } from '../../../src/traffic/business/prices.ts';

const NOW_MS = Date.UTC(2026, 5, 15, 15);
const BLACK_FRIDAY_MS = Date.UTC(2026, 10, 27, 15);

describe('events of people', () => {
  it('marry, divorce and lose their partner, and never become single again', () => {
    const random = createRandom('civil status');
    const next = (current: number) =>
      new Set(Array.from({ length: 200 }, () => decideCivilStatus(current, random)));
    expect(next(1)).toEqual(new Set([2]));
    expect(next(2)).toEqual(new Set([3, 4]));
    expect(next(3)).toEqual(new Set([2]));
    expect(next(4)).toEqual(new Set([2]));
  });

  it('scale with the orders placed and do not happen without orders', () => {
    const random = createRandom('people');
    let [registrations, erasures] = [0, 0];
    for (let i = 0; i < 1000; i++) {
      const events = decidePeopleEvents(60, random);
      registrations += events.registrations;
      erasures += events.erasures;
    }
    expect(registrations / 1000).toBeGreaterThan(8.6);
    expect(registrations / 1000).toBeLessThan(9.4);
    expect(erasures).toBeGreaterThan(55);
    expect(erasures).toBeLessThan(130);
    expect(decidePeopleEvents(0, random)).toEqual({
      registrations: 0,
      profileChanges: 0,
      consentChanges: 0,
      erasures: 0,
    });
  });

  it('change addresses most of all, seldom across a state border, and refuse mails more often than allow them', () => {
    const random = createRandom('profile');
    const kinds = new Map<string, number>();
    let moves = 0;
    let optOut = 0;
    for (let i = 0; i < 4000; i++) {
      const change = decideProfileChange(random);
      kinds.set(change.kind, (kinds.get(change.kind) ?? 0) + 1);
      if (change.kind === 'address' && change.moves) moves += 1;
      if (decideConsent(1, random) === 2) optOut += 1;
    }
    expect([...kinds].sort((a, b) => b[1] - a[1]).map(([kind]) => kind)).toEqual([
      'address',
      'telephone',
      'email',
      'civilStatus',
    ]);
    expect(moves / (kinds.get('address') ?? 1)).toBeLessThan(0.2);
    expect(optOut / 4000).toBeGreaterThan(0.75);
  });
});

describe('prices', () => {
  const models = Array.from({ length: 40 }, (_, i) => `Modelo ${i}`);

  it('change for some models a day of business, for many around Black Friday, never for more than there are', () => {
    const random = createRandom('reprice');
    let ordinary = 0;
    for (let i = 0; i < 200; i++) ordinary += modelsToReprice(models, 1, NOW_MS, random).length;
    expect(ordinary / 200).toBeGreaterThan(1.6);
    expect(ordinary / 200).toBeLessThan(2.4);
    expect(modelsToReprice(models, 1, BLACK_FRIDAY_MS, random).length).toBeGreaterThan(10);
    const all = modelsToReprice(models, 1000, NOW_MS, random);
    expect([...all].sort()).toEqual([...models].sort());
    expect(modelsToReprice([], 1, NOW_MS, random)).toEqual([]);
  });

  it('stay above cost, move at most a third, end as shop prices do, and do not drift over a thousand changes', () => {
    const random = createRandom('prices');
    const cost = 15_000;
    let priceCents = 29_990;
    let sum = 0;
    for (let i = 0; i < 1000; i++) {
      const [change] = repriceModel([{ id: 1, priceCents, costCents: cost }], NOW_MS, random);
      if (!change) continue;
      expect(change.priceCents).toBeGreaterThan(cost);
      expect(change.priceCents / priceCents).toBeGreaterThan(0.69);
      expect(change.priceCents / priceCents).toBeLessThan(1.31);
      expect([0, 90, 99]).toContain(change.priceCents % 100);
      priceCents = change.priceCents;
      sum += priceCents;
    }
    expect(sum / 1000).toBeGreaterThan(cost * 1.4);
    expect(sum / 1000).toBeLessThan(cost * 2.1);
  });

  it('fall around Black Friday', () => {
    const random = createRandom('friday');
    let below = 0;
    for (let i = 0; i < 200; i++) {
      const [change] = repriceModel(
        [{ id: 1, priceCents: 30_000, costCents: 15_000 }],
        BLACK_FRIDAY_MS,
        random,
      );
      if ((change?.priceCents ?? 30_000) < 26_000) below += 1;
    }
    expect(below).toBeGreaterThan(150);
  });
});

describe('supply', () => {
  it('comes for what runs out, by demand and in boxes, and for nothing else', () => {
    const random = createRandom('restock');
    let quick = 0;
    let slow = 0;
    for (let i = 0; i < 200; i++) {
      const orders = decideRestock(
        [
          { id: 1, stock: 100, unitsSold: 50, discontinued: false },
          { id: 2, stock: 2, unitsSold: 0, discontinued: false },
          { id: 3, stock: 40, unitsSold: 5, discontinued: false },
          { id: 4, stock: 0, unitsSold: 90, discontinued: true },
        ],
        random,
      );
      for (const { id, quantity } of orders) {
        expect([1, 2]).toContain(id);
        expect(quantity % 6).toBe(0);
        if (id === 1) {
          quick += 1;
          expect(100 + quantity).toBeGreaterThanOrEqual(540);
        } else {
          slow += 1;
          expect(quantity).toBe(24);
        }
      }
    }
    // a supplier is late now and then
    for (const n of [quick, slow]) {
      expect(n).toBeGreaterThan(150);
      expect(n).toBeLessThan(195);
    }
  });
});

describe('the assortment', () => {
  const models = Array.from({ length: 42 }, (_, i) => ({
    model: `Modelo ${i}`,
    createdAtMs: i === 0 ? NOW_MS : NOW_MS - 100 * DAY_MS,
    unitsSold: i,
  }));

  it('gives up the old models that sell least, as many as there are too many', () => {
    const state = { models, openingModels: 40, businessDays: 0, lifecycleSpeed: 1 };
    expect(decideAssortment(state, NOW_MS, createRandom('a'))).toEqual({
      launch: 0,
      discontinue: ['Modelo 1', 'Modelo 2'],
    });
    expect(decideAssortment({ ...state, openingModels: 50 }, NOW_MS, createRandom('a')).discontinue).toEqual(
      [],
    );
  });

  it('launches so many a day of business', () => {
    const random = createRandom('launch');
    let launched = 0;
    for (let i = 0; i < 1000; i++) {
      const state = { models: [], openingModels: 40, businessDays: 1, lifecycleSpeed: 1 };
      launched += decideAssortment(state, NOW_MS, random).launch;
    }
    expect(launched).toBeGreaterThan(90);
    expect(launched).toBeLessThan(155);
  });
});
