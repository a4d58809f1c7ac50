import { cut, type DifferingBucket, differingBuckets, differingKeys } from './compare.ts';
import type { TableShape } from './dialect.ts';
import type { KeyRange, Side } from './target.ts';

/** What a pass over one table found. */
export interface ScanResult {
  readonly sourceRows: number;
  readonly targetRows: number;
  /** Keys that differed at that moment: suspects, not yet losses. */
  readonly suspects: readonly number[];
  /** Differing buckets that were not looked into, because there were too many suspects. */
  readonly unexamined: readonly KeyRange[];
}

export interface ScanOptions {
  readonly bucketRows: number;
  /** Suspects to collect at most: memory stays bounded whatever the tables hold. */
  readonly maxSuspects: number;
  readonly signal: AbortSignal;
  /** Told the share of the keys that is done, 0–1. */
  readonly onProgress?: (share: number) => void;
}

/** Compares one table bucket by bucket, and the buckets that differ key by key. */
export async function scanTable(
  source: Side,
  target: Side,
  table: TableShape,
  options: ScanOptions,
): Promise<ScanResult> {
  const [ours, theirs] = await Promise.all([source.extent(table), target.extent(table)]);
  const both = [ours, theirs].filter((extent) => extent !== null);
  if (both.length === 0) return { sourceRows: 0, targetRows: 0, suspects: [], unexamined: [] };
  const range = {
    from: Math.min(...both.map((extent) => extent.min)),
    to: Math.max(...both.map((extent) => extent.max)) + 1,
  };
  return scanRange(source, target, table, range, options);
}

/** As {@link scanTable}, of the keys in `range` alone. */
export async function scanRange(
  source: Side,
  target: Side,
  table: TableShape,
  range: KeyRange,
  options: ScanOptions,
): Promise<ScanResult> {
  const keysPerQuery = Math.max(source.keysPerQuery, target.keysPerQuery);
  const limits = { keysPerQuery, bucketRows: options.bucketRows };
  const suspects: number[] = [];
  const unexamined: KeyRange[] = [];
  let sourceRows = 0;
  let targetRows = 0;
  const compare = async (inside: KeyRange, isTop: boolean): Promise<void> => {
    const { pieces, width } = cut(inside, limits);
    for (const [index, piece] of pieces.entries()) {
      options.signal.throwIfAborted();
      const [ours, theirs] = await Promise.all([
        source.sums(table, piece, width),
        target.sums(table, piece, width),
      ]);
      if (isTop) {
        for (const sum of ours) sourceRows += sum.count;
        for (const sum of theirs) targetRows += sum.count;
        options.onProgress?.((index + 1) / pieces.length);
      }
      for (const bucket of differingBuckets(ours, theirs, piece, width)) await look(bucket);
    }
  };
  const look = async (bucket: DifferingBucket): Promise<void> => {
    const isWide = bucket.range.to - bucket.range.from > options.bucketRows;
    if (suspects.length >= options.maxSuspects) unexamined.push(bucket.range);
    else if (isWide && bucket.rows > options.bucketRows * 2) await compare(bucket.range, false);
    else {
      const [ours, theirs] = await Promise.all([
        source.hashes(table, bucket.range),
        target.hashes(table, bucket.range),
      ]);
      suspects.push(...differingKeys(ours, theirs));
    }
  };
  await compare(range, true);
  return { sourceRows, targetRows, suspects, unexamined };
}
