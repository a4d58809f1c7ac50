import { sql } from 'kysely';
import { Complaints } from '../db/complaints.ts';
import type { Db } from '../db/pool.ts';
import type { DatabaseWatch } from '../db/watch.ts';
import type { Announcer } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
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
  readonly logger: Logger;
  readonly gate: TrafficGate;
  readonly placer: Placer;
  readonly advancer: Advancer;
  readonly arrivals: ArrivalPlan;
  /** Orders a minute of all workers together. */
  readonly targetPerMinute: () => number;
  /** This worker's part, 0–1. */
  readonly share: () => number;
  /** Demand at a moment against the mean: 1 throughout for a steady shape. */
  readonly demandFactor: (atMs: number) => number;
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
  /** Of those skipped: the database did not get to them in time. */
  readonly late: number;
  readonly lostToShelf: number;
}

const BACKLOG_LIMIT = 10_000;
const SAY_BEHIND_EVERY_MS = 60_000;
/** Below this part of what was asked, over a minute, the database is said not to keep up. */
const BEHIND_SHARE = 0.95;

/** Arrivals are planned this far ahead at most: a new rate, or the share of a worker that died, is soon followed. */
const SLICE_MS = 1_000;
const LOOK_EVERY_MS = 500;
/** The next slice is planned when the last one ends within this time. */
const PLAN_AHEAD_MS = 1_000;
/** A tick that is overdue (node-cron leaves out one that a busy process missed) is stood in for by so much at a time. */
const OVERDUE_SLICE_MS = 1_000;

/**
 * The traffic tick: plans the arrivals until the next tick, and tells what the last one brought. Between ticks that
 * are far apart a loop plans slice by slice. A summary that waits for the database holds up no planning.
 */
export class Traffic implements Service {
  readonly name = 'traffic plan';
  readonly #options: TrafficOptions;
  readonly #abort = new AbortController();
  readonly #complaints: Complaints;
  #last = { placed: 0, advanced: 0, skipped: 0, late: 0, lost: 0 };
  /** When the next tick is due; undefined before the first. */
  #nextTickMs: number | undefined;
  #plannedUntilMs = 0;
  #askedPerMinute = 0;
  #saidBehindAtMs = Number.NEGATIVE_INFINITY;
  #summary: TickSummary | undefined;
  #summarising: Promise<void> | undefined;
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#complaints = new Complaints(options.logger, () => options.clock.monotonicMs());
    this.stop = once(async () => {
      this.#abort.abort();
      await this.#loop;
      await this.#summarising;
    });
  }

  async start(): Promise<void> {
    this.#loop = this.#run();
  }

  get summary(): TickSummary | undefined {
    return this.#summary;
  }

  /** Orders a minute that this worker aims at. */
  ownTargetPerMinute(): number {
    return this.#options.targetPerMinute() * this.#options.share();
  }

  /** As {@link ownTargetPerMinute}; as before while this worker does not know its share: its lease ran out. */
  #asked(): number {
    if (this.#options.share() > 0) this.#askedPerMinute = this.ownTargetPerMinute();
    return this.#askedPerMinute;
  }

  /** Why nothing is placed; undefined while traffic flows. */
  #held(): string | undefined {
    const { gate, watch } = this.#options;
    if (!watch.up) return 'waiting for the database';
    return gate.open ? undefined : 'paused';
  }

  /** Plans; the summary follows by itself. */
  async tick(msToNext: number): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    this.#nextTickMs = nowMs + msToNext;
    this.#planUntil(Math.min(this.#nextTickMs, nowMs + SLICE_MS));
    if (this.#abort.signal.aborted) return;
    this.#summarising ??= this.#summariseSafely();
  }

  async #run(): Promise<void> {
    while (await delay(LOOK_EVERY_MS, this.#abort.signal)) this.planNextSlice();
  }

  /** Plans on when what is planned comes to its end; called twice a second. */
  planNextSlice(): void {
    if (this.#nextTickMs === undefined) return;
    const nowMs = this.#options.clock.nowMs();
    this.#forgetPlanOfAnotherClock(nowMs);
    const startMs = Math.max(nowMs, this.#plannedUntilMs);
    if (startMs < this.#nextTickMs) {
      if (startMs - nowMs <= PLAN_AHEAD_MS) this.#planUntil(Math.min(this.#nextTickMs, startMs + SLICE_MS));
    } else if (startMs === nowMs) this.#planUntil(nowMs + OVERDUE_SLICE_MS);
  }

  /** Nobody plans that far ahead: the database's clock was set back. */
  #forgetPlanOfAnotherClock(nowMs: number): void {
    if (this.#plannedUntilMs > nowMs + SLICE_MS + 2 * PLAN_AHEAD_MS) this.#plannedUntilMs = nowMs;
  }

  #planUntil(untilMs: number): void {
    const { clock, placer, arrivals } = this.#options;
    const nowMs = clock.nowMs();
    this.#forgetPlanOfAnotherClock(nowMs);
    // ticks come a little early or late: go on where the last plan ended, but never make up for a stall
    const fromMs = this.#plannedUntilMs > nowMs - 1_000 ? this.#plannedUntilMs : nowMs;
    this.#plannedUntilMs = Math.max(untilMs, fromMs);
    if (untilMs <= fromMs) return;
    // also while traffic is held: the placer leaves out what is due then, and goes on at once when it is over
    placer.schedule(arrivals(fromMs, untilMs, this.#asked()));
  }

  async #summariseSafely(): Promise<void> {
    try {
      await this.#summarise();
    } catch (error) {
      this.#complaints.tell('could not sum up the traffic', error);
    } finally {
      this.#summarising = undefined;
    }
  }

  async #summarise(): Promise<void> {
    const { clock, placer, advancer, watch, announcer, gate, demandFactor } = this.#options;
    const total = {
      placed: placer.placed.total,
      advanced: advancer.advanced.total,
      skipped: placer.skipped,
      late: placer.late.total,
      lost: placer.lostToShelf,
    };
    const summary: TickSummary = {
      placed: total.placed - this.#last.placed,
      advanced: total.advanced - this.#last.advanced,
      skipped: total.skipped - this.#last.skipped,
      late: total.late - this.#last.late,
      lostToShelf: total.lost - this.#last.lost,
      achievedPerMinute: round(placer.placed.perMinute(clock.monotonicMs())),
      targetPerMinute: round(this.#asked() * demandFactor(clock.nowMs())),
      backlog: watch.up ? await this.#backlog() : (this.#summary?.backlog ?? 0),
    };
    this.#last = total;
    this.#summary = summary;
    announcer.info('traffic.summary', { ...summary }, summaryText(summary, this.#held()));
    if (gate.open && watch.up) this.#sayWhenBehind(summary);
  }

  #sayWhenBehind(summary: TickSummary): void {
    const { clock, announcer, placer } = this.#options;
    const nowMs = clock.monotonicMs();
    // judged by what came too late, not by the target: after a pause, or in a quiet minute, little was asked for
    const asked = summary.achievedPerMinute + placer.late.perMinute(nowMs);
    const behind = summary.late > 0 && summary.achievedPerMinute < asked * BEHIND_SHARE;
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

function summaryText(summary: TickSummary, held: string | undefined): string {
  const parts = [
    ...(held === undefined ? [] : [held]),
    `${summary.placed} placed`,
    `${summary.advanced} advanced`,
    `${summary.achievedPerMinute} orders/min of ${summary.targetPerMinute}`,
    `${summary.backlog}${summary.backlog >= BACKLOG_LIMIT ? ' or more' : ''} due`,
  ];
  if (summary.skipped > 0) parts.push(`${summary.skipped} skipped`);
  if (summary.lostToShelf > 0) parts.push(`${summary.lostToShelf} found nothing in stock`);
  return parts.join(' · ');
}
