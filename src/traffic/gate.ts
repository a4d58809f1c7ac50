import type { Announcer } from '../lib/announcer.ts';

/** Who may hold traffic back. `operator` is kept in the database; the others resume by themselves. */
export type PauseSource = 'operator' | 'slot' | 'storage' | 'database';

/** Traffic flows while nobody holds the gate. Each source holds and releases for itself. */
export class TrafficGate {
  readonly #announcer: Announcer;
  readonly #held = new Map<PauseSource, string>();

  constructor(announcer: Announcer) {
    this.#announcer = announcer;
  }

  get open(): boolean {
    return this.#held.size === 0;
  }

  /** Why traffic stands still, one sentence a source; empty when it flows. */
  get reasons(): ReadonlyMap<PauseSource, string> {
    return this.#held;
  }

  /** Holds the gate; says so once. `reason` is a sentence that ends with what to do. */
  pause(source: PauseSource, reason: string): void {
    const already = this.#held.has(source);
    this.#held.set(source, reason);
    if (!already) this.#announcer.warn('traffic.paused', { source, reason }, `traffic paused: ${reason}`);
  }

  resume(source: PauseSource, reason: string): void {
    if (!this.#held.delete(source)) return;
    const still = [...this.#held.values()];
    const message = this.open ? `traffic resumed: ${reason}` : `${reason}; still paused: ${still.join('; ')}`;
    this.#announcer.info('traffic.resumed', { source, reason, open: this.open }, message);
  }
}
