import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/lib/random.ts';
import { DAY_MS, HOUR_MS } from '../../../src/orders/model/calendar.ts';
import { hourOfWeekCurve } from '../../../src/orders/model/intensity.ts';
import { type ArrivalOptions, arrivals, createArrivalState } from '../../../src/traffic/demand.ts';

/** A Monday, 0 h in São Paulo. */
const MONDAY_MS = Date.UTC(2026, 5, 1, 3);

const options = (changes: Partial<ArrivalOptions>): ArrivalOptions => ({
  fromMs: MONDAY_MS,
  toMs: MONDAY_MS + 5000,
  ratePerMinute: 60,
  process: 'poisson',
  shape: 'steady',
  random: createRandom('demand'),
  state: createArrivalState(),
  ...changes,
});

describe('arrivals', () => {
  it('are ascending and lie inside the half-open interval, at any rate, process and shape', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 7 * DAY_MS }),
        fc.integer({ min: 1, max: 2 * HOUR_MS }),
        fc.double({ min: 0, max: 500, noNaN: true }),
        fc.constantFrom('poisson' as const, 'uniform' as const),
        fc.constantFrom('steady' as const, 'daily' as const),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (offset, length, ratePerMinute, process, shape, carry) => {
          const fromMs = MONDAY_MS + offset;
          const times = arrivals(
            options({ fromMs, toMs: fromMs + length, ratePerMinute, process, shape, state: { carry } }),
          );
          const last = fromMs + length;
          const stray = times.findIndex((atMs, i) => atMs < (times[i - 1] ?? fromMs) || atMs >= last);
          expect(stray).toBe(-1);
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });

  it('come evenly: within one order of the expectation at every moment, over ticks and changes of rate', () => {
    const state = createArrivalState();
    const random = createRandom('ticks');
    let expected = 0;
    let placed = 0;
    let fromMs = MONDAY_MS;
    for (let tick = 0; tick < 4000; tick++) {
      const toMs = fromMs + random.int(1, 9000);
      const ratePerMinute = tick % 500 === 0 ? 0 : 0.7 + (tick % 7) * 13.37;
      placed += arrivals(options({ fromMs, toMs, ratePerMinute, process: 'uniform', state })).length;
      expected += ((toMs - fromMs) * ratePerMinute) / 60_000;
      expect(Math.abs(placed - expected)).toBeLessThanOrEqual(1 + 1e-6);
      fromMs = toMs;
    }
    expect(placed).toBeGreaterThan(10_000);
  });

  it('are Poisson: mean and variance of the counts agree, and gaps are exponential', () => {
    const random = createRandom('poisson');
    const counts: number[] = [];
    let shortGaps = 0;
    let gaps = 0;
    for (let tick = 0; tick < 5000; tick++) {
      const fromMs = MONDAY_MS + tick * 5000;
      const times = arrivals(options({ fromMs, toMs: fromMs + 5000, random }));
      counts.push(times.length);
      for (let i = 1; i < times.length; i++) {
        gaps += 1;
        if ((times[i] ?? 0) - (times[i - 1] ?? 0) < 500) shortGaps += 1;
      }
    }
    const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
    const variance = counts.reduce((sum, n) => sum + (n - mean) ** 2, 0) / counts.length;
    expect(mean).toBeGreaterThan(4.9);
    expect(mean).toBeLessThan(5.1);
    expect(variance / mean).toBeGreaterThan(0.93);
    expect(variance / mean).toBeLessThan(1.07);
    // inside a tick of 5 s at one a second a gap is below 0.5 s more often than 1 − e^−0.5 = 0.39
    expect(shortGaps / gaps).toBeGreaterThan(0.38);
    expect(shortGaps / gaps).toBeLessThan(0.6);
  });

  it('follow the hours of the week and keep the weekly mean when the shape is daily', () => {
    const state = createArrivalState();
    const times = arrivals(
      options({ toMs: MONDAY_MS + 7 * DAY_MS, ratePerMinute: 10, process: 'uniform', shape: 'daily', state }),
    );
    expect(times.length).toBeGreaterThanOrEqual(100_799);
    expect(times.length).toBeLessThanOrEqual(100_801);
    const byHour = new Array<number>(168).fill(0);
    for (const atMs of times) {
      const hour = Math.floor((atMs - MONDAY_MS) / HOUR_MS);
      byHour[hour] = (byHour[hour] ?? 0) + 1;
    }
    for (const [hour, factor] of hourOfWeekCurve().entries()) {
      expect(Math.abs((byHour[hour] ?? 0) - 600 * factor)).toBeLessThanOrEqual(1.001);
    }
  });

  it('multiply by a further factor when one is given', () => {
    const times = arrivals(
      options({
        toMs: MONDAY_MS + 2 * HOUR_MS,
        process: 'uniform',
        factorAt: (atMs) => (atMs < MONDAY_MS + HOUR_MS ? 2 : 0.5),
      }),
    );
    const first = times.filter((atMs) => atMs < MONDAY_MS + HOUR_MS).length;
    expect(first).toBe(7200);
    expect(times.length - first).toBe(1800);
  });

  it('are none at rate 0 or in an empty interval', () => {
    expect(arrivals(options({ ratePerMinute: 0 }))).toEqual([]);
    expect(arrivals(options({ toMs: MONDAY_MS }))).toEqual([]);
  });
});
