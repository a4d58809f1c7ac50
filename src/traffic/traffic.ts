import { sql } from 'kysely';
import type { Db } from '../db/pool.ts';
import type { DatabaseWatch } from '../db/watch.ts';
import type { Announcer } from '../lib/announcer.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import type { Advancer } from './advancer.ts';
import type { TrafficGate } from './gate.ts';
import type { Placer } from './placer.ts';

/** Moments of new orders in [fromMs, toMs), ascending. */
export type ArrivalPlan = (fromMs: number, toMs: number, ratePerMinute: number) => readonly number[];

export interface TrafficOptions {
  readonly db: Db;
  readonly clock: DatabaseClock;
  readonly watch: DatabaseWatch;
  readonly announcer: Announcer;
  readonly gate: TrafficGate;
  readonly placer: Placer;
  readonly advancer: Advancer;
  readonly arrivals: ArrivalPlan;
  /** Orders a minute of all workers together. */
  readonly targetPerMinute: () => number;
  /** This worker's part, 0–1. */
  readonly share: () => number;
}

/** What a tick reports; counts are of this worker since the tick before. */
export interface TickSummary {
  readonly placed: number;
  readonly advanced: number;
  readonly achievedPerMinute: number;
  readonly targetPerMinute: number;
  /** Events that are due and not done; counted up to {@link BACKLOG_LIMIT}. */
  readonly backlog: number;
  readonly skipped: number;
  readonly lostToShelf: number;
}

const BACKLOG_LIMIT = 10_000;
const SAY_BEHIND_EVERY_MS = 60_000;
/** Below this part of what was asked, over a minute, the database is said not to keep up. */
const BEHIND_SHARE = 0.95;

/** The traffic tick: plans the arrivals until the next tick, and tells what the last one brought. */
export class Traffic {
  readonly #options: TrafficOptions;
  #last = { placed: 0, advanced: 0, skipped: 0, lost: 0 };
  #plannedUntilMs = 0;
  #saidBehindAtMs = Number.NEGATIVE_INFINITY;
  #summary: TickSummary | undefined;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  get summary(): TickSummary | undefined {
    return this.#summary;
  }

  /** Orders a minute that this worker aims at. */
  ownTargetPerMinute(): number {
    return this.#options.targetPerMinute() * this.#options.share();
  }

  async tick(msToNext: number): Promise<void> {
    this.#planArrivals(msToNext);
    await this.#summarise();
  }

  #planArrivals(msToNext: number): void {
    const { clock, gate, watch, placer, arrivals } = this.#options;
    const nowMs = clock.nowMs();
    const untilMs = nowMs + msToNext;
    // ticks come a little early or late: go on where the last plan ended, but never make up for a stall
    const fromMs = this.#plannedUntilMs > nowMs - 1_000 ? this.#plannedUntilMs : nowMs;
    this.#plannedUntilMs = Math.max(untilMs, fromMs);
    if (untilMs <= fromMs) return;
    const planned = arrivals(fromMs, untilMs, this.ownTargetPerMinute());
    if (gate.open && watch.up) placer.schedule(planned);
    else placer.skipped += planned.length;
  }

  async #summarise(): Promise<void> {
    const { clock, placer, advancer, watch, announcer, gate } = this.#options;
    const total = {
      placed: placer.placed.total,
      advanced: advancer.advanced.total,
      skipped: placer.skipped,
      lost: placer.lostToShelf,
    };
    const summary: TickSummary = {
      placed: total.placed - this.#last.placed,
      advanced: total.advanced - this.#last.advanced,
      skipped: total.skipped - this.#last.skipped,
      lostToShelf: total.lost - this.#last.lost,
      achievedPerMinute: round(placer.placed.perMinute(clock.monotonicMs())),
      targetPerMinute: round(this.ownTargetPerMinute()),
      backlog: watch.up ? await this.#backlog() : (this.#summary?.backlog ?? 0),
    };
    this.#last = total;
    this.#summary = summary;
    announcer.info('traffic.summary', { ...summary }, summaryText(summary));
    if (gate.open && watch.up) this.#sayWhenBehind(summary);
  }

  #sayWhenBehind(summary: TickSummary): void {
    const { clock, announcer } = this.#options;
    const nowMs = clock.monotonicMs();
    const behind = summary.skipped > 0 && summary.achievedPerMinute < summary.targetPerMinute * BEHIND_SHARE;
    if (!behind || nowMs - this.#saidBehindAtMs < SAY_BEHIND_EVERY_MS) return;
    this.#saidBehindAtMs = nowMs;
    announcer.warn(
      'traffic.rate',
      { achievedPerMinute: summary.achievedPerMinute, targetPerMinute: summary.targetPerMinute },
      `the database takes ${summary.achievedPerMinute} orders a minute of the ${summary.targetPerMinute} asked for: lower ORDERS_PER_MINUTE, or raise ORDERS_PER_TRANSACTION or DB_POOL_SIZE`,
    );
  }

  async #backlog(): Promise<number> {
    const { db, watch } = this.#options;
    try {
      const result = await sql<{ due: number }>`
        SELECT count(*)::int AS due FROM (
          SELECT FROM simulator.order_schedule WHERE due_at <= statement_timestamp() LIMIT ${BACKLOG_LIMIT}) late`.execute(
        db,
      );
      return result.rows[0]?.due ?? 0;
    } catch (error) {
      if (!watch.report(error)) throw error;
      return this.#summary?.backlog ?? 0;
    }
  }
}

function round(rate: number): number {
  return rate >= 100 ? Math.round(rate) : Math.round(rate * 10) / 10;
}

function summaryText(summary: TickSummary): string {
  const parts = [
    `${summary.placed} placed`,
    `${summary.advanced} advanced`,
    `${summary.achievedPerMinute} orders/min of ${summary.targetPerMinute}`,
    `${summary.backlog}${summary.backlog >= BACKLOG_LIMIT ? ' or more' : ''} due`,
  ];
  if (summary.skipped > 0) parts.push(`${summary.skipped} skipped`);
  if (summary.lostToShelf > 0) parts.push(`${summary.lostToShelf} found nothing in stock`);
  return parts.join(' · ');
}
