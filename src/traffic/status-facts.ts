import type { Db } from '../db/pool.ts';
import {
  type ChangeOperation,
  type QuickFacts,
  readDatabaseSize,
  readQuickFacts,
  readTableCounters,
} from '../db/status-queries.ts';
import { delay } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import { countStates } from '../orders/count-states.ts';
import type { OrderStateName } from '../orders/lifecycle.ts';
import type { MovedMeter } from './moved-meter.ts';

const QUICK_EVERY_MS = 2_000;
const COUNT_EVERY_MS = 5_000;
const SIZE_EVERY_MS = 15_000;
/** A question that took a second is asked again after a hundred: looking costs a hundredth of a connection at most. */
const COST_FACTOR = 100;
const RATE_WINDOW_MS = 10_000;
const GROWTH_WINDOW_MS = 3_600_000;
const GROWTH_AFTER_MS = 60_000;

export interface ChangeRateFact {
  readonly table: string;
  readonly op: ChangeOperation;
  readonly perSecond: number;
  /** Since this process started. */
  readonly total: number;
}

export interface StatusFactsOptions {
  readonly db: Db;
  readonly logger: Logger;
  readonly moved: MovedMeter;
  readonly monotonicMs: () => number;
  readonly nowMs: () => number;
  readonly leaseMs: number;
  /** False while the database is away: nothing is asked then. */
  readonly isUp: () => boolean;
}

interface Sample {
  readonly atMs: number;
  readonly totals: ReadonlyMap<string, number>;
}

/**
 * What the status page wants to know of the database, kept at hand: asked for on a schedule of its own whose
 * load is bounded, so that a viewer never costs a query.
 */
export class StatusFacts implements Service {
  readonly name = 'status facts';
  readonly #options: StatusFactsOptions;
  readonly #abort = new AbortController();
  readonly #dueMs: Record<string, number> = {};
  readonly #counted = new Map<string, number>();
  readonly #base = new Map<string, number>();
  #samples: Sample[] = [];
  #sizes: { atMs: number; bytes: number }[] = [];
  #counts: Readonly<Record<OrderStateName, number>> | null = null;
  #countedAtMs: number | null = null;
  #quick: QuickFacts | null = null;
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: StatusFactsOptions) {
    this.#options = options;
    this.stop = once(async () => {
      this.#abort.abort();
      await this.#loop;
    });
  }

  async start(): Promise<void> {
    this.#loop = this.#run();
  }

  get quick(): QuickFacts | null {
    return this.#quick;
  }

  /** Orders in each state, carried forward since the last count of the table. */
  get states(): { counts: Readonly<Record<OrderStateName, number>> | null; countedAtMs: number | null } {
    return {
      counts: this.#counts && this.#options.moved.carry(this.#counts),
      countedAtMs: this.#countedAtMs,
    };
  }

  get sizeBytes(): number | null {
    return this.#sizes.at(-1)?.bytes ?? null;
  }

  /** Over the last hour, or as long as is known; null in the first minute. */
  get growthBytesPerHour(): number | null {
    const first = this.#sizes[0];
    const last = this.#sizes.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < GROWTH_AFTER_MS) return null;
    return ((last.bytes - first.bytes) * 3_600_000) / (last.atMs - first.atMs);
  }

  /** Changes a second of the last ten seconds; only what ever changed is listed. */
  get changes(): readonly ChangeRateFact[] {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return [];
    const seconds = (last.atMs - first.atMs) / 1000;
    const facts: ChangeRateFact[] = [];
    for (const [key, total] of last.totals) {
      if (total === 0) continue;
      const [table, op] = key.split(' ') as [string, ChangeOperation];
      const perSecond = seconds > 0 ? (total - (first.totals.get(key) ?? 0)) / seconds : 0;
      facts.push({ table, op, perSecond: Math.round(perSecond * 100) / 100, total });
    }
    return facts;
  }

  async #run(): Promise<void> {
    do {
      if (!this.#options.isUp()) continue;
      await this.#ask('quick', QUICK_EVERY_MS, () => this.#readQuick());
      await this.#ask('counters', QUICK_EVERY_MS, () => this.#readCounters());
      await this.#ask('states', COUNT_EVERY_MS, () => this.#countStates());
      await this.#ask('size', SIZE_EVERY_MS, () => this.#readSize());
    } while (await delay(1000, this.#abort.signal));
  }

  async #ask(name: string, everyMs: number, work: () => Promise<void>): Promise<void> {
    const { monotonicMs, logger } = this.#options;
    const startMs = monotonicMs();
    if (this.#abort.signal.aborted || startMs < (this.#dueMs[name] ?? 0)) return;
    try {
      await work();
    } catch (error) {
      logger.debug({ reason: messageOf(error) }, `the status page could not read: ${name}`);
    }
    const tookMs = monotonicMs() - startMs;
    this.#dueMs[name] = startMs + Math.max(everyMs, tookMs * COST_FACTOR);
  }

  async #readQuick(): Promise<void> {
    this.#quick = await readQuickFacts(this.#options.db, this.#options.leaseMs);
  }

  async #readCounters(): Promise<void> {
    const counters = await readTableCounters(this.#options.db);
    const atMs = this.#options.monotonicMs();
    for (const { table, op, count } of counters) {
      const key = `${table} ${op}`;
      const before = this.#base.get(key) ?? count;
      // a server that crashed counts from zero again
      const more = count >= before ? count - before : count;
      this.#base.set(key, count);
      this.#counted.set(key, (this.#counted.get(key) ?? 0) + more);
    }
    this.#samples.push({ atMs, totals: new Map(this.#counted) });
    this.#samples = this.#samples.filter((sample) => atMs - sample.atMs <= RATE_WINDOW_MS + 500);
  }

  async #countStates(): Promise<void> {
    // moves made while the table is read are in the count or not: the next count sets it right
    const counts = await countStates(this.#options.db);
    this.#options.moved.counted();
    this.#counts = counts;
    this.#countedAtMs = this.#options.nowMs();
  }

  async #readSize(): Promise<void> {
    const bytes = await readDatabaseSize(this.#options.db);
    const atMs = this.#options.monotonicMs();
    this.#sizes.push({ atMs, bytes });
    this.#sizes = this.#sizes.filter((size) => atMs - size.atMs <= GROWTH_WINDOW_MS);
  }
}
