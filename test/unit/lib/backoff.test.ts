import { describe, expect, it } from 'vitest';
import { Backoff, delay } from '../../../src/lib/backoff.ts';
import { createRandom } from '../../../src/lib/random.ts';

const backoff = () => new Backoff({ minMs: 100, maxMs: 1_000, random: createRandom('backoff') });

describe('backoff', () => {
  it('doubles up to its longest delay, with jitter in the upper half', () => {
    const waits = backoff();
    for (const ceiling of [100, 200, 400, 800, 1_000, 1_000]) {
      const ms = waits.nextMs();
      expect(ms).toBeGreaterThanOrEqual(ceiling / 2);
      expect(ms).toBeLessThanOrEqual(ceiling);
    }
    expect(waits.attempt).toBe(6);
  });

  it('stays at its longest delay after a week of attempts', () => {
    const waits = backoff();
    for (let i = 0; i < 5_000; i++) waits.nextMs();
    expect(waits.nextMs()).toBeLessThanOrEqual(1_000);
  });

  it('starts anew after a reset', () => {
    const waits = backoff();
    for (let i = 0; i < 5; i++) waits.nextMs();
    waits.reset();
    expect(waits.nextMs()).toBeLessThanOrEqual(100);
  });

  it('ends a delay at once when it is told to stop, also when that was before', async () => {
    const abort = new AbortController();
    const waiting = delay(600_000, abort.signal);
    abort.abort();
    expect(await waiting).toBe(false);
    expect(await delay(600_000, abort.signal)).toBe(false);
    expect(await delay(1)).toBe(true);
  });
});
