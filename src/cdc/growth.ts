/** One measured moment of something that grows. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/**
 * Growth in bytes an hour between the oldest sample of the last `windowMs` and the newest; null while the samples
 * span less than `minSpanMs` (two readings a moment apart say nothing).
 */
export function growthPerHour(
  samples: readonly Sample[],
  windowMs: number,
  minSpanMs: number,
): number | null {
  const last = samples.at(-1);
  if (last === undefined) return null;
  const first = samples.find((sample) => sample.atMs >= last.atMs - windowMs);
  if (first === undefined || last.atMs - first.atMs < minSpanMs || last.atMs <= first.atMs) return null;
  return ((last.bytes - first.bytes) * 3_600_000) / (last.atMs - first.atMs);
}

/** Hours until `cap` at `perHour`; null when there is no cap or no growth; 0 when it is reached. */
export function hoursUntil(bytes: number, cap: number | null, perHour: number | null): number | null {
  if (cap === null) return null;
  if (bytes >= cap) return 0;
  return perHour === null || perHour <= 0 ? null : (cap - bytes) / perHour;
}

/** Samples no older than `keepMs`, thinned: a sample within `everyMs` of the one before takes no place of its own. */
export function keepSamples(
  samples: readonly Sample[],
  next: Sample,
  keepMs: number,
  everyMs: number,
): readonly Sample[] {
  const kept = samples.filter((sample) => sample.atMs > next.atMs - keepMs && sample.atMs <= next.atMs);
  const previous = kept.at(-2);
  const last = kept.at(-1);
  // the newest is always the present one; it replaces the last while that is too close to the one before it
  if (previous !== undefined && last !== undefined && last.atMs - previous.atMs < everyMs) kept.pop();
  return [...kept, next];
}
