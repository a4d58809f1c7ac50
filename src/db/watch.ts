import { sql } from 'kysely';
import type { Announcer } from '../lib/announcer.ts';
import { Backoff } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { once, type Service } from '../lib/service.ts';
import type { Db } from './pool.ts';
import { classify, codeOf } from './sqlstate.ts';

export interface WatchOptions {
  readonly db: Db;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly random: Random;
  /** Tried before each look whether the database is back: for a server of our own that may have to be started. */
  readonly revive?: () => Promise<void>;
}

/** What an operator can do about a server that answers but takes no writes. */
const REFUSED_FIXES: Readonly<Record<string, string>> = {
  '25006': 'the server is read-only: point DB_HOST at the primary, or end its read-only mode',
  '53100': 'the disk of the database is full: free space, or set MAX_DATABASE_SIZE and RETENTION_DAYS',
  '53200': 'the server is out of memory: give it more, or lower DB_POOL_SIZE',
  '28P01': 'the password was changed: set DB_PASSWORD and start again',
  '28000': 'the server refuses this user: check DB_USER and pg_hba.conf',
  '3D000': 'the database was dropped: check DB_NAME',
};

/** What only a person mends; and a pooler may shut out who knocks with a wrong password too often. */
const PATIENT = new Set(['28P01', '28000', '3D000']);

/** Up for less than this, the database did not come back: the next look waits longer than the last one did. */
const HEALTHY_AFTER_MS = 5_000;

/**
 * Knows whether the database can be written. The first error that says it cannot is announced (`database.lost`);
 * from then on it asks with backoff and jitter until it can (`database.back`), every 2 s at least: traffic is to flow
 * again soon after the outage, however long that was. Where the probe succeeds and the real
 * work does not (a disk that still has room for a small row), the backoff goes on growing
 * instead of telling of both four times a second. Whoever works with the database asks `up` first and hands its errors
 * to `report`.
 */
export class DatabaseWatch implements Service {
  readonly name = 'database watch';
  readonly #options: WatchOptions;
  readonly #abort = new AbortController();
  /** Before the first look of each loss. */
  readonly #backoff: Backoff;
  #state: { up: boolean; sinceMs: number; reason: string };
  #waiting: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ minMs: 250, maxMs: 5_000, random: options.random });
    this.#state = { up: true, sinceMs: options.clock.nowMs(), reason: '' };
    this.stop = once(async () => {
      this.#abort.abort();
      await this.#waiting;
    });
  }

  async start(): Promise<void> {}

  get up(): boolean {
    return this.#state.up;
  }

  get state(): { readonly up: boolean; readonly sinceMs: number; readonly reason: string } {
    return this.#state;
  }

  /** Takes an error of a database operation; true when it means that the database is gone or refuses writes. */
  report(error: unknown): boolean {
    const kind = classify(error);
    if (kind !== 'lost' && kind !== 'refused') return false;
    if (this.#abort.signal.aborted || !this.#state.up) return true;
    const code = codeOf(error);
    const fix =
      REFUSED_FIXES[code] ?? 'nothing to do here: traffic goes on by itself once the server answers';
    const reason = messageOf(error);
    const { announcer, clock } = this.#options;
    if (clock.nowMs() - this.#state.sinceMs >= HEALTHY_AFTER_MS) this.#backoff.reset();
    this.#state = { up: false, sinceMs: clock.nowMs(), reason: `${reason} (${fix})` };
    announcer.warn('database.lost', { reason, code, fix }, `database lost: ${reason}; ${fix}`);
    this.#waiting = this.#waitUntilBack();
    return true;
  }

  async #waitUntilBack(): Promise<void> {
    const { announcer, clock } = this.#options;
    const lostAtMs = this.#state.sinceMs;
    const { random } = this.#options;
    const soon = new Backoff({ minMs: 500, maxMs: 2_000, random });
    const patient = new Backoff({ minMs: 1_000, maxMs: 8_000, random });
    let backoff = this.#backoff;
    for (let attempts = 1; await backoff.wait(this.#abort.signal); attempts++) {
      const hindrance = await this.#hindrance();
      if (hindrance !== undefined) {
        backoff = PATIENT.has(hindrance) ? patient : soon;
        continue;
      }
      const outageMs = Math.round(clock.nowMs() - lostAtMs);
      this.#state = { up: true, sinceMs: clock.nowMs(), reason: '' };
      const message = `database back after ${(outageMs / 1000).toFixed(1)} s`;
      announcer.info('database.back', { outageMs, attempts }, message);
      return;
    }
  }

  /** The SQLSTATE or system code of what hinders writing; undefined when nothing does. */
  async #hindrance(): Promise<string | undefined> {
    try {
      await this.#options.revive?.();
      const result = await sql<{ writable: boolean }>`
        SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable`.execute(
        this.#options.db,
      );
      if (result.rows[0]?.writable !== true) return '25006';
      // a full disk answers queries and refuses only what is written
      await sql`INSERT INTO simulator.jobs (name, last_run_at) VALUES ('probe', clock_timestamp())
        ON CONFLICT (name) DO UPDATE SET last_run_at = excluded.last_run_at`.execute(this.#options.db);
      return undefined;
    } catch (error) {
      // any answer that is not about the connection will meet the next real work, and be told there
      return classify(error) === 'bug' ? undefined : codeOf(error);
    }
  }
}
