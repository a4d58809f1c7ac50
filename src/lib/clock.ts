/** Where the time comes from: the wall clock of the database, as far as this process knows it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
}

/** This machine's own clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };

/**
 * The database's clock, carried forward by the process's monotonic clock. A machine whose clock is an hour off (or
 * set back while it runs) still writes orders at the database's time. Uncalibrated it is the machine's clock.
 */
export class DatabaseClock implements Clock {
  readonly #monotonicMs: () => number;
  #offsetMs: number;
  #calibrated = false;

  constructor(monotonicMs: () => number = () => performance.now(), wallMs: () => number = () => Date.now()) {
    this.#monotonicMs = monotonicMs;
    this.#offsetMs = wallMs() - monotonicMs();
  }

  /**
   * Takes a reading: the database said `databaseMs` at some moment from `sentMs` to `receivedMs` of the monotonic
   * clock (see {@link monotonicMs}). That bounds the offset; an offset within the bounds stays as it is. So a question
   * that waited for its answer, in the pool's queue or on a lock, moves nothing: its middle would be ahead of the
   * database by half of the wait, and orders would be placed in the future.
   */
  calibrate(databaseMs: number, sentMs: number, receivedMs: number): void {
    const lowest = databaseMs - receivedMs;
    const highest = databaseMs - sentMs;
    this.#offsetMs = this.#calibrated
      ? Math.min(Math.max(this.#offsetMs, lowest), highest)
      : (lowest + highest) / 2;
    this.#calibrated = true;
  }

  get calibrated(): boolean {
    return this.#calibrated;
  }

  monotonicMs(): number {
    return this.#monotonicMs();
  }

  nowMs(): number {
    return this.#monotonicMs() + this.#offsetMs;
  }
}
