import type { BucketSum, KeyRange, RowHash } from './target.ts';

/** A bucket in which the two sides differ. */
export interface DifferingBucket {
  readonly range: KeyRange;
  /** Rows on the fuller side. */
  readonly rows: number;
}

/** Buckets whose count or checksum differs, in the order of their keys. */
export function differingBuckets(
  source: readonly BucketSum[],
  target: readonly BucketSum[],
  range: KeyRange,
  width: number,
): DifferingBucket[] {
  const theirs = new Map(target.map((sum) => [sum.bucket, sum]));
  const differing = new Map<number, number>();
  for (const ours of source) {
    const other = theirs.get(ours.bucket);
    theirs.delete(ours.bucket);
    if (other?.count !== ours.count || other.sum !== ours.sum) {
      differing.set(ours.bucket, Math.max(ours.count, other?.count ?? 0));
    }
  }
  for (const other of theirs.values()) differing.set(other.bucket, other.count);
  return [...differing]
    .sort(([a], [b]) => a - b)
    .map(([bucket, rows]) => {
      const from = range.from + bucket * width;
      return { range: { from, to: Math.min(from + width, range.to) }, rows };
    });
}

/** Keys that are on one side only, differ in their hash, or are there more than once; ascending. */
export function differingKeys(source: readonly RowHash[], target: readonly RowHash[]): number[] {
  const ours = byKey(source);
  const theirs = byKey(target);
  const keys = new Set<number>();
  for (const [key, hash] of ours) if (theirs.get(key) !== hash) keys.add(key);
  for (const key of theirs.keys()) if (!ours.has(key)) keys.add(key);
  return [...keys].sort((a, b) => a - b);
}

/** A key that comes twice gets a value that no single hash equals. */
function byKey(rows: readonly RowHash[]): Map<number, string> {
  const hashes = new Map<number, string>();
  for (const { key, hash } of rows) {
    const earlier = hashes.get(key);
    hashes.set(key, earlier === undefined ? hash : `${[earlier, hash].sort().join('+')}`);
  }
  return hashes;
}

/** How a range is cut: `pieces` queries, each answering with buckets of `width` keys. */
export function cut(
  range: KeyRange,
  limits: { readonly keysPerQuery: number; readonly bucketRows: number },
): { readonly pieces: readonly KeyRange[]; readonly width: number } {
  const span = range.to - range.from;
  const count = Math.min(MOST_PIECES, Math.max(1, Math.ceil(span / limits.keysPerQuery)));
  const step = Math.ceil(span / count);
  const width = Math.max(limits.bucketRows, Math.ceil(step / MOST_BUCKETS));
  const aligned = Math.ceil(step / width) * width;
  const pieces: KeyRange[] = [];
  for (let from = range.from; from < range.to; from += aligned) {
    pieces.push({ from, to: Math.min(from + aligned, range.to) });
  }
  return { pieces, width };
}

/** However far apart the smallest and the largest key are, so many queries and so many buckets an answer at most. */
const MOST_PIECES = 256;
const MOST_BUCKETS = 1_024;

/** Value below which the share `q` of the sorted samples lies (nearest rank); null without samples. */
export function percentile(sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
