import type { BenchServer } from './support.ts';

/** A line of the table. */
export interface Figure {
  readonly what: string;
  /** What was seen, with its unit. */
  readonly seen: string;
  /** Measured against, with its unit; '' when the figure stands alone. */
  readonly against: string;
  /** `seen` as a part of `against`, or as the goal counts it; null: nothing to judge. */
  readonly ratio: number | null;
  readonly goal: string;
  /** null: no goal, or it could not be judged here. */
  readonly met: boolean | null;
}

export interface BenchContext {
  readonly server: BenchServer;
  /** Shorter rounds, smaller tables: to see that it works, and roughly how. */
  readonly quick: boolean;
  /** No hour in six minutes: an hour. */
  readonly realTime: boolean;
  readonly rounds: number;
  /** Of one side of one round. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

export type Suite = (context: BenchContext) => Promise<readonly Figure[]>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Runs every side once a round, in turn, so that what else the machine does meets all of them. */
export async function interleave<K extends string>(
  rounds: number,
  sides: Readonly<Record<K, () => Promise<number>>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(sides) as K[];
  const seen = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) seen[name].push(await sides[name]());
  }
  return seen;
}

/** The median of the ratios of each round: a slow moment of the machine counts for both sides of one ratio. */
export function ratioOf(over: readonly number[], under: readonly number[]): number {
  return median(over.map((value, round) => value / (under[round] ?? Number.NaN)));
}

export function perSecond(values: readonly number[], unit: string): string {
  return `${Math.round(median(values)).toLocaleString('en')} ${unit}/s`;
}
