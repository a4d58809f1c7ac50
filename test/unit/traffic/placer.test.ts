import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Db } from '../../../src/db/pool.ts';
import type { DatabaseWatch } from '../../../src/db/watch.ts';
import { Announcer } from '../../../src/lib/announcer.ts';
import type { DatabaseClock } from '../../../src/lib/clock.ts';
import { createLogger, silentLogger } from '../../../src/lib/logger.ts';
import type { PlannedOrder } from '../../../src/orders/types.ts';
import { Placer, type PlacerOptions } from '../../../src/traffic/placer.ts';

const START_MS = 1_000_000_000;
const placers: Placer[] = [];
afterEach(async () => {
  await Promise.all(placers.splice(0).map((placer) => placer.stop()));
});

function orderAt(placedAtMs: number): PlannedOrder {
  return {
    customer: { kind: 'known', id: 7 },
    placedAtMs,
    channelId: 2,
    paymentMethodId: 3,
    installments: 1,
    items: [{ productId: 1, quantity: 1, unitPriceCents: 10_000 }],
    freightCents: 0,
    discountCents: 0,
    deliveryAddress: 'Rua A, 1',
    promisedOn: '2026-01-10',
    timeline: [],
    nextPurchaseAtMs: null,
    purchases: 1,
  } as unknown as PlannedOrder;
}

/** The orders that a statement is given: a column's values each, or those of a single order with its one item. */
function ordersIn(parameters: readonly unknown[]): { ords: number[]; placedAt: string[] } {
  if (Array.isArray(parameters[0])) {
    return { ords: parameters[4] as number[], placedAt: parameters[6] as string[] };
  }
  return { ords: [parameters[4] as number], placedAt: [parameters[6] as string] };
}

/** A placer on a clock that the test moves and a database that takes everything; `batches` are its transactions. */
async function setUp(overrides: Partial<PlacerOptions> = {}) {
  const state = { nowMs: START_MS };
  const batches: number[][] = [];
  const database = {
    answer: async (ords: readonly number[]): Promise<readonly { ord: number; id: number }[]> =>
      ords.map((ord) => ({ ord, id: 1_000 + ord })),
  };
  const clock = { nowMs: () => state.nowMs, monotonicMs: () => state.nowMs - START_MS } as DatabaseClock;
  const placer = new Placer({
    db: {
      executeQuery: async ({ parameters }: { parameters: readonly unknown[] }) => {
        const { ords, placedAt } = ordersIn(parameters);
        batches.push(placedAt.map((text) => Date.parse(text) - START_MS));
        return { rows: await database.answer(ords) };
      },
    } as unknown as Db,
    model: { plan: orderAt },
    clock,
    watch: { up: true, report: () => false } as unknown as DatabaseWatch,
    announcer: new Announcer(silentLogger(), clock, 'never'),
    logger: silentLogger(),
    lanes: 1,
    ordersPerTransaction: 1,
    lifecycleSpeed: 1,
    isOpen: () => true,
    onRefused: async () => undefined,
    ...overrides,
  });
  placers.push(placer);
  await placer.start();
  const at = (...ms: number[]) => placer.schedule(ms.map((offset) => START_MS + offset));
  const settled = (count: number) =>
    vi.waitFor(() => expect(batches.flat()).toHaveLength(count), { timeout: 10_000 });
  return { placer, state, batches, database, at, settled };
}

describe('the placer', () => {
  it('places an order at its moment, never before', async () => {
    const { state, batches, at, settled } = await setUp();
    at(0, 600);
    await settled(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(batches).toEqual([[0]]);
    state.nowMs += 600;
    await settled(2);
  });

  it('does not hold orders back for a transaction that never fills, nor place some before their moment', async () => {
    const { placer, state, batches, at, settled } = await setUp({ ordersPerTransaction: 100 });
    at(100, 1_500, 4_900);
    state.nowMs += 2_100;
    await settled(2);
    expect(batches).toEqual([[100, 1_500]]);
    // the next ticks bring more, as long as there is traffic: what waits must not become stale by that
    for (let tick = 1; tick <= 3; tick++) {
      state.nowMs = START_MS + tick * 5_000;
      at(tick * 5_000 + 100, tick * 5_000 + 4_900);
      state.nowMs += 2_000;
      await settled(2 + 2 * tick);
    }
    expect(placer.skipped).toBe(0);
  });

  it('fills a transaction when there are enough', async () => {
    const { batches, at, state, settled } = await setUp({ ordersPerTransaction: 3 });
    state.nowMs += 50;
    at(1, 2, 3, 4, 5, 6);
    await settled(6);
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it('skips what waited too long, and counts it as late', async () => {
    const { placer, state, batches, at, settled } = await setUp();
    state.nowMs += 20_000;
    at(1_000, 2_000, 19_900);
    at();
    await settled(1);
    expect(batches).toEqual([[19_900]]);
    expect(placer.skipped).toBe(2);
    expect(placer.late.total).toBe(2);
  });

  it('does not wait for moments of a clock that was set back', async () => {
    const { placer, state, at, settled } = await setUp();
    at(1_000, 2_000);
    state.nowMs -= 3_600_000;
    at(-3_600_000);
    await settled(1);
    expect(placer.waiting).toBe(0);
    expect(placer.skipped).toBe(2);
    expect(placer.late.total).toBe(0);
  });

  it('leaves out arrivals while traffic is held back', async () => {
    const { placer, batches, at } = await setUp({ isOpen: () => false });
    at(0, 0, 0);
    await vi.waitFor(() => expect(placer.skipped).toBe(3), { timeout: 10_000 });
    expect(batches).toEqual([]);
    expect(placer.late.total).toBe(0);
  });

  it('decides an order anew, once, when the shelf refused it', async () => {
    const refused: number[] = [];
    const { placer, database, at, settled } = await setUp({
      onRefused: async (plans) => void refused.push(plans.length),
    });
    database.answer = async () => [];
    at(0);
    await settled(2);
    await vi.waitFor(() => expect(placer.lostToShelf).toBe(1), { timeout: 10_000 });
    expect(placer.placed.total).toBe(0);
    expect(placer.skipped).toBe(0);
  });

  it('survives an error of the database and goes on with the next order', async () => {
    const { placer, database, at, settled } = await setUp();
    let failed = false;
    const take = database.answer;
    database.answer = async (ords) => {
      if (failed) return take(ords);
      failed = true;
      throw new Error('violates a constraint');
    };
    at(0, 0);
    await settled(2);
    await vi.waitFor(() => expect(placer.placed.total).toBe(1), { timeout: 10_000 });
    expect(placer.skipped).toBe(1);
  });

  describe('when the database refuses an order', () => {
    const refusal = (code: string) => Object.assign(new Error('new row violates a constraint'), { code });

    it('places the others of its transaction without it', async () => {
      const { placer, batches, database, state, at } = await setUp({ ordersPerTransaction: 4 });
      const take = database.answer;
      database.answer = async (ords) => {
        if (batches.at(-1)?.includes(3)) throw refusal('23514');
        return take(ords);
      };
      state.nowMs += 50;
      at(1, 2, 3, 4, 5, 6, 7, 8);
      await vi.waitFor(() => expect(placer.placed.total).toBe(7), { timeout: 10_000 });
      expect(batches).toEqual([[1, 2, 3, 4], [1], [2], [3], [4], [5, 6, 7, 8]]);
      expect(placer.skipped).toBe(1);
    });

    it('gives up on a transaction of which none goes through, and counts all of it', async () => {
      const { placer, batches, database, state, at } = await setUp({ ordersPerTransaction: 50 });
      database.answer = async () => {
        throw refusal('23502');
      };
      state.nowMs += 100;
      at(...Array.from({ length: 50 }, (_, ms) => ms));
      await vi.waitFor(() => expect(placer.skipped).toBe(50), { timeout: 10_000 });
      expect(batches.slice(1)).toEqual([[0], [1], [2], [3], [4]]);
      expect(placer.placed.total).toBe(0);
    });

    it('does not try one by one what is not about a row', async () => {
      const { placer, batches, database, state, at } = await setUp({ ordersPerTransaction: 4 });
      database.answer = async () => {
        throw refusal('42P01');
      };
      state.nowMs += 50;
      at(1, 2, 3, 4);
      await vi.waitFor(() => expect(placer.skipped).toBe(4), { timeout: 10_000 });
      expect(batches).toEqual([[1, 2, 3, 4]]);
    });
  });

  it('tells the same error now and then, with how often it came, not a line an order', async () => {
    const lines: string[] = [];
    const logger = createLogger({
      level: 'info',
      format: 'json',
      destination: { write: (line: string) => void lines.push(line) },
    });
    const { placer, state, database, at } = await setUp({ logger });
    database.answer = async () => {
      throw new Error('column "cpf" does not exist');
    };
    at(...Array.from({ length: 50 }, () => 0));
    await vi.waitFor(() => expect(placer.skipped).toBe(50), { timeout: 10_000 });
    expect(lines).toHaveLength(1);
    state.nowMs += 61_000;
    at(61_000);
    await vi.waitFor(() => expect(placer.skipped).toBe(51), { timeout: 10_000 });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('50 times since');
  });

  it('finishes what is in flight when it stops', async () => {
    const { placer, database, at, settled } = await setUp();
    let answer: () => void = () => undefined;
    database.answer = (ords) =>
      new Promise((resolve) => {
        answer = () => resolve(ords.map((ord) => ({ ord, id: 1 })));
      });
    at(0);
    await settled(1);
    let stopped = false;
    const stopping = placer.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stopped).toBe(false);
    answer();
    await stopping;
    expect(placer.placed.total).toBe(1);
  });
});
