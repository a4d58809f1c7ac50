import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';

export interface BackoffOptions {
  /** First delay, in milliseconds. */
  readonly minMs: number;
  /** Longest delay, in milliseconds. */
  readonly maxMs: number;
  readonly random: Random;
}

/** Exponential backoff with full jitter in the upper half; `reset` after a success. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** The next delay in milliseconds. */
  nextMs(): number {
    const { minMs, maxMs, random } = this.#options;
    const ceiling = Math.min(maxMs, minMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return ceiling / 2 + (random.next() * ceiling) / 2;
  }

  reset(): void {
    this.#attempt = 0;
  }

  /** Waits the next delay; returns false at once when `signal` aborts. */
  async wait(signal?: AbortSignal): Promise<boolean> {
    return delay(this.nextMs(), signal);
  }
}

/** Waits `ms`; true when the time passed, false when `signal` aborted first. Never throws. */
export async function delay(ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return false;
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
    return true;
  } catch {
    return false;
  }
}
