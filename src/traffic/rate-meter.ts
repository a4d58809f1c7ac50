/** Counts events in one-second slots of the last minute; memory is fixed. Times are ms of one steady clock. */
export class RateMeter {
  readonly #counts = new Float64Array(61);
  readonly #seconds = new Float64Array(61).fill(-1);
  readonly #startMs: number;
  total = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  add(nowMs: number, count = 1): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second % 61;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#counts[slot] = 0;
    }
    this.#counts[slot] = (this.#counts[slot] ?? 0) + count;
    this.total += count;
  }

  /** Events in the last `windowMs` (at most a minute), scaled to a minute; a young meter is scaled by its age. */
  perMinute(nowMs: number, windowMs = 60_000): number {
    const ageMs = Math.min(windowMs, Math.max(nowMs - this.#startMs, 1_000));
    return (this.lastWindow(nowMs, windowMs) * 60_000) / ageMs;
  }

  /** Events in the last `windowMs`, to the second. */
  lastWindow(nowMs: number, windowMs = 60_000): number {
    const current = Math.floor(nowMs / 1000);
    const oldest = current - Math.round(windowMs / 1000);
    let sum = 0;
    for (let slot = 0; slot < 61; slot++) {
      const second = this.#seconds[slot] ?? -1;
      if (second > oldest && second <= current) sum += this.#counts[slot] ?? 0;
    }
    return sum;
  }
}
