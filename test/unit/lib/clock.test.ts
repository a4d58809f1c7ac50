import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DatabaseClock } from '../../../src/lib/clock.ts';

/** A database whose clock is `aheadMs` ahead of a machine that says 1 000 000 at the monotonic clock's 0. */
function setUp() {
  let monotonicMs = 0;
  const clock = new DatabaseClock(
    () => monotonicMs,
    () => 1_000_000 + monotonicMs,
  );
  const at = (ms: number) => {
    monotonicMs = ms;
  };
  return { clock, at };
}

describe("the database's clock", () => {
  it("is the machine's until the first reading, and from then on the database's", () => {
    const { clock, at } = setUp();
    at(500);
    expect(clock.nowMs()).toBe(1_000_500);
    expect(clock.calibrated).toBe(false);
    clock.calibrate(5_000_000, 499, 501);
    expect(clock.calibrated).toBe(true);
    at(1_500);
    expect(clock.nowMs()).toBe(5_001_000);
  });

  it('is not put ahead of the database by an answer that was long in coming', () => {
    const { clock, at } = setUp();
    clock.calibrate(5_000_000, -1, 1);
    // asked at 2000, waited twenty seconds in a queue, answered at its end
    at(22_000);
    clock.calibrate(5_022_000, 2_000, 22_000);
    expect(clock.nowMs()).toBeLessThanOrEqual(5_022_001);
  });

  it('follows a database whose clock was set, forward or back, with the next reading', () => {
    const { clock, at } = setUp();
    clock.calibrate(5_000_000, -1, 1);
    at(1_000);
    clock.calibrate(8_601_000, 999, 1_001);
    expect(Math.abs(clock.nowMs() - 8_601_000)).toBeLessThanOrEqual(1);
    at(2_000);
    clock.calibrate(5_002_000, 1_999, 2_001);
    expect(Math.abs(clock.nowMs() - 5_002_000)).toBeLessThanOrEqual(1);
  });

  it('is never further off than half of the quickest first answer, then than the quickest since', () => {
    const reading = fc.record({
      gapMs: fc.integer({ min: 1, max: 5_000 }),
      waitMs: fc.integer({ min: 0, max: 30_000 }),
      backMs: fc.integer({ min: 0, max: 30_000 }),
    });
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 30 }), (readings) => {
        const { clock, at } = setUp();
        let nowMs = 0;
        let quickestMs = Number.POSITIVE_INFINITY;
        for (const { gapMs, waitMs, backMs } of readings) {
          const sentMs = nowMs + gapMs;
          const receivedMs = sentMs + waitMs + backMs;
          clock.calibrate(7_000_000 + sentMs + waitMs, sentMs, receivedMs);
          at(receivedMs);
          nowMs = receivedMs;
          quickestMs = Math.min(quickestMs, receivedMs - sentMs);
          expect(Math.abs(clock.nowMs() - (7_000_000 + receivedMs))).toBeLessThanOrEqual(quickestMs);
        }
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
