import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, differingBuckets, differingKeys, percentile } from '../../../src/verify/compare.ts';

describe('buckets', () => {
  it('differ by count, by checksum, or by being on one side only', () => {
    const ours = [
      { bucket: 0, count: 2, sum: '5' },
      { bucket: 1, count: 2, sum: '5' },
      { bucket: 2, count: 1, sum: '5' },
      { bucket: 3, count: 1, sum: '1' },
    ];
    const theirs = [
      { bucket: 7, count: 4, sum: '9' },
      { bucket: 1, count: 2, sum: '6' },
      { bucket: 0, count: 2, sum: '5' },
      { bucket: 2, count: 2, sum: '5' },
    ];
    expect(differingBuckets(ours, theirs, { from: 100, to: 178 }, 10)).toEqual([
      { range: { from: 110, to: 120 }, rows: 2 },
      { range: { from: 120, to: 130 }, rows: 2 },
      { range: { from: 130, to: 140 }, rows: 1 },
      { range: { from: 170, to: 178 }, rows: 4 },
    ]);
  });

  it('cover every key exactly once, in few queries, however far the keys are apart', () => {
    const bound = fc.integer({ min: -1_000, max: 9_000_000_000_000_000 });
    fc.assert(
      fc.property(
        bound,
        fc.integer({ min: 1, max: 9_000_000_000_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 5_000_000 }),
        (from, span, bucketRows, keysPerQuery) => {
          const range = { from, to: Math.min(from + span, Number.MAX_SAFE_INTEGER) };
          const { pieces, width } = cut(range, { keysPerQuery, bucketRows });
          expect(pieces[0]?.from).toBe(range.from);
          expect(pieces.at(-1)?.to).toBe(range.to);
          pieces.slice(1).forEach((piece, i) => void expect(piece.from).toBe(pieces[i]?.to));
          expect(pieces.length).toBeLessThanOrEqual(256);
          expect(width).toBeGreaterThanOrEqual(bucketRows);
          for (const piece of pieces) expect((piece.to - piece.from) / width).toBeLessThanOrEqual(1_025);
        },
      ),
      { seed: 5, numRuns: 500 },
    );
  });
});

describe('keys', () => {
  it('differ when absent, different, or there twice', () => {
    const ours = [1, 2, 3, 5].map((key) => ({ key, hash: `h${key}` }));
    const theirs = [
      { key: 3, hash: 'h3' },
      { key: 3, hash: 'h3' },
      { key: 2, hash: 'other' },
      { key: 4, hash: 'h4' },
      { key: 5, hash: 'h5' },
    ];
    expect(differingKeys(ours, theirs)).toEqual([1, 2, 3, 4]);
    expect(differingKeys(ours, ours)).toEqual([]);
  });
});

describe('percentiles', () => {
  it('are by nearest rank', () => {
    const sorted = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([0.5, 0.95, 0.99, 1].map((q) => percentile(sorted, q))).toEqual([50, 95, 99, 100]);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNull();
  });
});
