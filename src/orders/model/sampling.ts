import { randomNormal } from 'd3-random';
import type { Random } from '../../lib/random.ts';

/** Draws from a fixed list of weighted values in constant time (Walker's alias method, built as Vose does). */
export class WeightedChoice<T> {
  readonly #values: readonly T[];
  readonly #probability: Float64Array;
  readonly #alias: Int32Array;

  /** Throws when no weight is positive. */
  constructor(entries: readonly (readonly [T, number])[]) {
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    if (!(total > 0)) throw new RangeError('a weighted choice needs a positive weight');
    const n = entries.length;
    this.#values = entries.map(([value]) => value);
    this.#probability = new Float64Array(n);
    this.#alias = new Int32Array(n);
    const scaled = entries.map(([, weight]) => (weight * n) / total);
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < n; i++) ((scaled[i] ?? 0) < 1 ? small : large).push(i);
    for (;;) {
      const less = small.pop();
      const more = large.pop();
      if (less === undefined || more === undefined) {
        // what is left is 1 but for rounding
        for (const i of [less, more, ...small, ...large]) if (i !== undefined) this.#probability[i] = 1;
        break;
      }
      this.#probability[less] = scaled[less] ?? 0;
      this.#alias[less] = more;
      scaled[more] = (scaled[more] ?? 0) + (scaled[less] ?? 0) - 1;
      ((scaled[more] ?? 0) < 1 ? small : large).push(more);
    }
  }

  sample(random: Random): T {
    const u = random.next() * this.#values.length;
    const i = Math.floor(u);
    const index = u - i < (this.#probability[i] ?? 1) ? i : (this.#alias[i] ?? i);
    return this.#values[index] as T;
  }
}

/** A choice over a record with numeric keys: `{ 1: 0.4, 2: 0.6 }`. */
export function choiceOf(weights: Readonly<Record<string, number>>): WeightedChoice<number> {
  return new WeightedChoice(Object.entries(weights).map(([key, weight]) => [Number(key), weight] as const));
}

/** The key at `u` in [0, 1) of the cumulated weights of a record with numeric keys, in the order of the keys. */
export function quantileOfWeights(weights: Readonly<Record<string, number>>, u: number): number {
  const entries = Object.entries(weights);
  let left = u * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [key, weight] of entries) {
    left -= weight;
    if (left < 0) return Number(key);
  }
  return Number(entries.at(-1)?.[0]);
}

/**
 * Weights that change while being drawn from: sums over a complete binary tree. Changing one and drawing one cost
 * O(log n).
 */
export class SumTree {
  readonly #leaves: number;
  readonly #sums: Float64Array;

  constructor(weights: readonly number[]) {
    let leaves = 1;
    while (leaves < weights.length) leaves *= 2;
    this.#leaves = leaves;
    this.#sums = new Float64Array(2 * leaves);
    this.#sums.set(weights, leaves);
    for (let i = leaves - 1; i > 0; i--) this.#sums[i] = this.#at(2 * i) + this.#at(2 * i + 1);
  }

  #at(i: number): number {
    return this.#sums[i] ?? 0;
  }

  get total(): number {
    return this.#at(1);
  }

  set(index: number, weight: number): void {
    let i = this.#leaves + index;
    this.#sums[i] = weight;
    // sums are recomputed rather than adjusted, so that rounding never leaves a phantom weight behind
    for (i >>= 1; i > 0; i >>= 1) this.#sums[i] = this.#at(2 * i) + this.#at(2 * i + 1);
  }

  /** The index drawn, or −1 when every weight is zero. */
  sample(random: Random): number {
    if (!(this.total > 0)) return -1;
    let target = random.next() * this.total;
    let i = 1;
    while (i < this.#leaves) {
      const left = this.#at(2 * i);
      if (target < left || this.#at(2 * i + 1) === 0) i = 2 * i;
      else {
        target -= left;
        i = 2 * i + 1;
      }
    }
    return i - this.#leaves;
  }
}

/** FNV-1a with a final mix: the same text gives the same number in [0, 1) in every process. */
export function hashUnit(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** The quantile at `u` of a distribution given by knots [probability, value], linear between them. */
export function quantileOf(knots: readonly (readonly number[])[], u: number): number {
  let [fromP, fromX] = knots[0] as [number, number];
  if (u <= fromP) return fromX;
  for (const [p, x] of knots as readonly [number, number][]) {
    if (u <= p && p > fromP) return fromX + ((x - fromX) * (u - fromP)) / (p - fromP);
    [fromP, fromX] = [p, x];
  }
  return fromX;
}

/** Standard normal deviates of a stream. */
export function normalOf(random: Random): () => number {
  return randomNormal.source(() => random.next())();
}

/** Burr XII with shape c, d and scale 1: F(x) = 1 − (1 + x^c)^−d; drawn by inversion. */
export function burr12(random: Random, c: number, d: number): number {
  return ((1 - random.next()) ** (-1 / d) - 1) ** (1 / c);
}

/** Mean of Burr XII with scale 1: d·B(d − 1/c, 1 + 1/c). */
export function burr12Mean(c: number, d: number): number {
  return (d * gamma(d - 1 / c) * gamma(1 + 1 / c)) / gamma(d + 1);
}

/** Γ(x) for x > 0 (Lanczos, g = 7, n = 9). */
function gamma(x: number): number {
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
  const p = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const z = x - 1;
  let sum = p[0] ?? 1;
  for (let i = 1; i < p.length; i++) sum += (p[i] ?? 0) / (z + i);
  const t = z + 7.5;
  return Math.sqrt(2 * Math.PI) * t ** (z + 0.5) * Math.exp(-t) * sum;
}
