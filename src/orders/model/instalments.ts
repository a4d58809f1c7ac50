import type { Random } from '../../lib/random.ts';
import type { ModelParameters } from './parameters.ts';
import { WeightedChoice } from './sampling.ts';

/** Draws the number of card instalments by an order's total. */
export class InstalmentChooser {
  readonly #bands: readonly { readonly belowCents: number; readonly choice: WeightedChoice<number> }[];

  constructor(parameters: ModelParameters['instalments']) {
    const { olistTotal, shopTotal } = parameters;
    const table = instalmentsByBand(parameters);
    this.#bands = parameters.bands.map((band, i) => {
      // the same place of the distribution of totals
      const z = (Math.log(band.below) - olistTotal.mu) / olistTotal.sigma;
      return {
        belowCents: Math.exp(shopTotal.mu + shopTotal.sigma * z) * 100,
        choice: new WeightedChoice(table[i] ?? []),
      };
    });
  }

  draw(totalCents: number, random: Random): number {
    const band = this.#bands.find((candidate) => totalCents < candidate.belowCents) ?? this.#bands.at(-1);
    return band ? band.choice.sample(random) : 1;
  }
}

/**
 * P(instalments | value band) that has both the pooled vector and every band's mean and share above one.
 *
 * Iterative proportional fitting: within a band the pooled vector is tilted (exponentially among 2 and more, so that
 * the mean is met, with the mass at 1 as given), then all bands are scaled to the pooled vector, and again.
 */
export function instalmentsByBand(parameters: ModelParameters['instalments']): [number, number][][] {
  const counts = Object.entries(parameters.counts).map(([k, n]) => [Number(k), n] as const);
  const total = counts.reduce((sum, [, n]) => sum + n, 0);
  const pooled = counts.map(([k, n]) => [k, n / total] as const);
  const payments = parameters.bands.reduce((sum, band) => sum + band.payments, 0);
  let table = parameters.bands.map(() => pooled.map(([, p]) => p));
  for (let round = 0; round < 30; round++) {
    table = table.map((row, i) => {
      const band = parameters.bands[i];
      return band ? tilt(pooled, row, band) : row;
    });
    const sums = pooled.map((_, j) =>
      table.reduce(
        (sum, row, i) => sum + ((row[j] ?? 0) * (parameters.bands[i]?.payments ?? 0)) / payments,
        0,
      ),
    );
    table = table.map((row) =>
      row.map((p, j) => (p * (pooled[j]?.[1] ?? 0)) / Math.max(sums[j] ?? 0, 1e-300)),
    );
  }
  return table.map((row) => row.map((p, j) => [pooled[j]?.[0] ?? 1, p] as [number, number]));
}

function tilt(
  pooled: readonly (readonly [number, number])[],
  row: readonly number[],
  band: { readonly mean: number; readonly above1: number },
): number[] {
  const wantedAbove = (band.mean - (1 - band.above1)) / band.above1;
  const tilted = (theta: number) =>
    pooled.map(([k], j) => (k === 1 ? 0 : (row[j] ?? 0) * Math.exp(theta * (k - 2))));
  const meanAt = (theta: number) => {
    const weights = tilted(theta);
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.reduce((a, w, j) => a + w * (pooled[j]?.[0] ?? 0), 0) / sum;
  };
  let [low, high] = [-3, 3];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (meanAt(middle) < wantedAbove) low = middle;
    else high = middle;
  }
  const weights = tilted(low);
  const sum = weights.reduce((a, b) => a + b, 0);
  return pooled.map(([k], j) => (k === 1 ? 1 - band.above1 : ((weights[j] ?? 0) / sum) * band.above1));
}
