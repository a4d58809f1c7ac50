import type { Random } from '../lib/random.ts';
import { HOUR_MS } from '../orders/model/calendar.ts';
import { hourOfWeekFactor } from '../orders/model/intensity.ts';

/** What carries over from one interval to the next: the part of an order that is already due (uniform arrivals). */
export interface ArrivalState {
  carry: number;
}

export function createArrivalState(): ArrivalState {
  return { carry: 0 };
}

export interface ArrivalOptions {
  /** The interval [fromMs, toMs), in ms since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Mean of new orders a minute; with the daily shape the mean over a week. */
  readonly ratePerMinute: number;
  readonly process: 'poisson' | 'uniform';
  readonly shape: 'steady' | 'daily';
  readonly random: Random;
  /** Kept by the caller between intervals; uniform arrivals change it. */
  readonly state: ArrivalState;
  /** A further factor of a moment's demand (mean 1 over the long run), asked at every full hour: season, day effect. */
  readonly factorAt?: (atMs: number) => number;
}

/**
 * When new orders arrive in [fromMs, toMs): ms since the epoch, ascending.
 *
 * `poisson`: independent exponential gaps (exact: counts of disjoint intervals are independent and Poisson). `uniform`:
 * one order whenever the expected number passes the next integer, so that over any stretch of time, whatever the
 * ticks and however the rate changes, the count is within one order of the expectation.
 *
 * `daily` follows the hour-of-week curve of the calibration (mean 1 over a week) by walking the hours that the
 * interval touches. Cost: one draw an order.
 */
export function arrivals(options: ArrivalOptions): number[] {
  const { fromMs, toMs, shape, factorAt } = options;
  const basePerMs = options.ratePerMinute / 60_000;
  const times: number[] = [];
  if (!(basePerMs > 0) || !(toMs > fromMs)) return times;
  const fill = options.process === 'poisson' ? fillPoisson : fillUniform;
  if (shape === 'steady' && !factorAt) {
    fill(times, fromMs, toMs, basePerMs, options);
    return times;
  }
  for (let startMs = fromMs; startMs < toMs; ) {
    const endMs = Math.min(toMs, (Math.floor(startMs / HOUR_MS) + 1) * HOUR_MS);
    const curve = shape === 'daily' ? hourOfWeekFactor(startMs) : 1;
    fill(times, startMs, endMs, basePerMs * curve * (factorAt?.(startMs) ?? 1), options);
    startMs = endMs;
  }
  return times;
}

type Fill = (times: number[], fromMs: number, toMs: number, perMs: number, options: ArrivalOptions) => void;

const fillPoisson: Fill = (times, fromMs, toMs, perMs, { random }) => {
  if (!(perMs > 0)) return;
  for (let atMs = fromMs; ; ) {
    atMs -= Math.log(1 - random.next()) / perMs;
    if (atMs >= toMs) return;
    times.push(Math.max(fromMs, Math.floor(atMs)));
  }
};

const fillUniform: Fill = (times, fromMs, toMs, perMs, { state }) => {
  const due = state.carry + (toMs - fromMs) * perMs;
  const whole = Math.floor(due);
  // an order that falls due at the very end of the interval still belongs to it
  const lastMs = Math.ceil(toMs) - 1;
  for (let k = 1; k <= whole; k++) {
    const atMs = Math.floor(fromMs + (k - state.carry) / perMs);
    times.push(Math.max(fromMs, Math.min(atMs, lastMs)));
  }
  state.carry = due - whole;
};
