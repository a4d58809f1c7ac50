/** Small statistics that the measurements need: distances between what was drawn and what was to be drawn. */

/** Total variation distance of two vectors of weights (any scale): half the sum of absolute differences of shares. */
export function totalVariation(a: readonly number[], b: readonly number[]): number {
  const sumA = sum(a);
  const sumB = sum(b);
  let distance = 0;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    distance += Math.abs((a[i] ?? 0) / sumA - (b[i] ?? 0) / sumB);
  }
  return distance / 2;
}

/** Kolmogorov–Smirnov distance of a sample from a distribution function. Sorts a copy. */
export function ksDistance(sample: readonly number[], cdf: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  const n = sorted.length;
  let distance = 0;
  for (const [i, x] of sorted.entries()) {
    const f = cdf(x);
    distance = Math.max(distance, Math.abs(f - i / n), Math.abs((i + 1) / n - f));
  }
  return distance;
}

/** Spearman's rank correlation; ties share their mean rank. */
export function spearman(x: readonly number[], y: readonly number[]): number {
  const a = ranks(x);
  const b = ranks(y);
  const meanA = mean(a);
  const meanB = mean(b);
  let [top, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const da = (a[i] ?? 0) - meanA;
    const db = (b[i] ?? 0) - meanB;
    top += da * db;
    left += da * da;
    right += db * db;
  }
  return top / Math.sqrt(left * right);
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((value, i) => [value, i] as const).sort((a, b) => a[0] - b[0]);
  const result = new Array<number>(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && order[end]?.[0] === order[start]?.[0]) end += 1;
    for (let i = start; i < end; i++) result[order[i]?.[1] ?? 0] = (start + end - 1) / 2;
    start = end;
  }
  return result;
}

/** Mean absolute error relative to the expected values. */
export function relativeError(measured: readonly number[], expected: readonly number[]): number {
  return mean(measured.map((value, i) => Math.abs(value / (expected[i] ?? Number.NaN) - 1)));
}

export function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** Sample variance (n − 1). */
export function variance(values: readonly number[]): number {
  const m = mean(values);
  return sum(values.map((value) => (value - m) ** 2)) / (values.length - 1);
}

/** The quantile at p of a sample, linear between order statistics. Sorts a copy. */
export function quantile(sample: readonly number[], p: number): number {
  const sorted = Float64Array.from(sample).sort();
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const [a, b] = [sorted[low] ?? Number.NaN, sorted[Math.min(low + 1, sorted.length - 1)] ?? Number.NaN];
  return a + (b - a) * (at - low);
}

/** Share of elements that satisfy the condition. */
export function shareOf<T>(list: readonly T[], condition: (element: T) => boolean): number {
  return list.length === 0 ? Number.NaN : list.filter(condition).length / list.length;
}

/** Φ, the standard normal distribution function (Abramowitz and Stegun 7.1.26, error below 1.5e−7). */
export function normalCdf(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const poly =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (poly * Math.exp((-z * z) / 2)) / 2;
  return z >= 0 ? 1 - tail : tail;
}

export function logNormalCdf(mu: number, sigma: number): (x: number) => number {
  return (x) => (x <= 0 ? 0 : normalCdf((Math.log(x) - mu) / sigma));
}

export function burr12Cdf(c: number, d: number, scale: number): (x: number) => number {
  return (x) => (x <= 0 ? 0 : 1 - (1 + (x / scale) ** c) ** -d);
}

/** Groups numbers by key. */
export function groupBy<T, K>(list: readonly T[], keyOf: (element: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const element of list) {
    const key = keyOf(element);
    const group = groups.get(key);
    if (group) group.push(element);
    else groups.set(key, [element]);
  }
  return groups;
}

/**
 * Zipf–Mandelbrot exponent of sales by rank: least squares of log units over log(rank + offset), over the ranks that
 * sold at least ten units; with the coefficient of determination.
 */
export function zipfFit(units: readonly number[], offset: number): { exponent: number; r2: number } {
  const ranked = units.filter((n) => n >= 10).sort((a, b) => b - a);
  const x = ranked.map((_, rank) => Math.log(rank + 1 + offset));
  const y = ranked.map((n) => Math.log(n));
  const [mx, my] = [mean(x), mean(y)];
  const sxy = sum(x.map((value, i) => (value - mx) * ((y[i] ?? 0) - my)));
  const sxx = sum(x.map((value) => (value - mx) ** 2));
  const syy = sum(y.map((value) => (value - my) ** 2));
  return { exponent: -sxy / sxx, r2: sxy ** 2 / (sxx * syy) };
}
