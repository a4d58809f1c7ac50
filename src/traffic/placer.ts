import { isAboutRow } from '../db/advice.ts';
import { Complaints } from '../db/complaints.ts';
import type { Db } from '../db/pool.ts';
import type { DatabaseWatch } from '../db/watch.ts';
import type { Announcer } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import { type PlacedOrder, placeOrders } from '../orders/place.ts';
import { centsToNumeric, type OrderModel, type PlannedOrder, subtotalCents } from '../orders/types.ts';
import { describePlaced } from './messages.ts';
import { RateMeter } from './rate-meter.ts';

export interface PlacerOptions {
  readonly db: Db;
  readonly model: OrderModel;
  readonly clock: DatabaseClock;
  readonly watch: DatabaseWatch;
  readonly announcer: Announcer;
  readonly logger: Logger;
  /** Transactions at the same time. */
  readonly lanes: number;
  readonly ordersPerTransaction: number;
  readonly lifecycleSpeed: number;
  /** False while traffic is held back: arrivals are then skipped. */
  readonly isOpen: () => boolean;
  /** Called with the products of orders that the shelf could not serve: the model looked at old figures. */
  readonly onRefused: (plans: readonly PlannedOrder[]) => Promise<void>;
}

/** An arrival that could not be served for this long is skipped: open loop, no burst after a stall. */
const STALE_AFTER_MS = 5_000;
const LONGEST_NAP_MS = 250;
/** A transaction waits so long for its orders to come together; well below the time after which they are stale. */
const GATHER_MS = 2_000;
/** So many in a row, and none that went through: it is not the orders. */
const SYSTEMIC = 5;
/** Arrivals are planned a few seconds ahead: what lies further ahead was planned before the clock was set back. */
const LONGEST_AHEAD_MS = 8_000;

/**
 * Places orders at the moments that it is given. Open loop: arrivals come whether or not the database keeps up; those
 * that wait too long are skipped and counted, so that nothing queues without bound and nothing bursts after a stall.
 */
export class Placer implements Service {
  readonly name = 'placer';
  readonly placed: RateMeter;
  /** Arrivals that were not served: held back, too late, or the database was gone. */
  skipped = 0;
  /** Those of them that waited too long for the database. */
  readonly late: RateMeter;
  /** Orders that found nothing to sell. */
  lostToShelf = 0;
  readonly #options: PlacerOptions;
  readonly #abort = new AbortController();
  #arrivals: number[] = [];
  #head = 0;
  #lanes: Promise<void>[] = [];
  readonly #complaints: Complaints;
  readonly stop: () => Promise<void>;

  constructor(options: PlacerOptions) {
    this.#options = options;
    this.placed = new RateMeter(options.clock.monotonicMs());
    this.late = new RateMeter(options.clock.monotonicMs());
    this.#complaints = new Complaints(options.logger, () => options.clock.monotonicMs());
    this.stop = once(async () => {
      this.#abort.abort();
      await Promise.all(this.#lanes);
    });
  }

  async start(): Promise<void> {
    this.#lanes = Array.from({ length: this.#options.lanes }, () => this.#lane());
  }

  /** Arrivals that are due or still to come. */
  get waiting(): number {
    return this.#arrivals.length - this.#head;
  }

  /** Adds arrivals, ascending, ms of the database's clock. */
  schedule(arrivalsMs: readonly number[]): void {
    this.#dropStale();
    const waiting = this.#arrivals.slice(this.#head);
    this.#arrivals = waiting.concat(arrivalsMs);
    this.#head = 0;
  }

  #dropStale(): void {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const headBefore = this.#head;
    while (this.waiting > 0 && (this.#arrivals[this.#head] ?? 0) < nowMs - STALE_AFTER_MS) this.#head += 1;
    const late = this.#head - headBefore;
    if (late > 0) this.late.add(clock.monotonicMs(), late);
    this.skipped += late;
    while (this.waiting > 0 && (this.#arrivals.at(-1) ?? 0) > nowMs + LONGEST_AHEAD_MS) {
      this.#arrivals.pop();
      this.skipped += 1;
    }
  }

  /** When the next transaction has its orders together: when it is full, or its first order has waited for a while. */
  #readyAtMs(): number | undefined {
    const first = this.#arrivals[this.#head];
    if (first === undefined) return undefined;
    const last = Math.min(this.#head + this.#options.ordersPerTransaction, this.#arrivals.length) - 1;
    return Math.min(this.#arrivals[last] ?? first, first + GATHER_MS);
  }

  async #lane(): Promise<void> {
    const { clock, ordersPerTransaction } = this.#options;
    while (!this.#abort.signal.aborted) {
      const waitMs = (this.#readyAtMs() ?? Number.POSITIVE_INFINITY) - clock.nowMs();
      if (waitMs > 0) {
        await delay(Math.min(Math.max(waitMs, 1), LONGEST_NAP_MS), this.#abort.signal);
        continue;
      }
      const nowMs = clock.nowMs();
      let end = this.#head + 1;
      const full = Math.min(this.#head + ordersPerTransaction, this.#arrivals.length);
      while (end < full && (this.#arrivals[end] ?? 0) <= nowMs) end += 1;
      const batch = this.#arrivals.slice(this.#head, end);
      this.#head = end;
      await this.#serve(batch);
    }
  }

  async #serve(arrivalsMs: readonly number[]): Promise<void> {
    const { watch, isOpen } = this.#options;
    if (!watch.up || !isOpen()) {
      this.skipped += arrivalsMs.length;
      return;
    }
    let served = 0;
    try {
      const refused = await this.#place(arrivalsMs, (count) => {
        served += count;
      });
      // the shelf was read anew: what was refused is decided anew, once
      if (refused.length > 0) {
        const again = await this.#place(
          refused.map((plan) => plan.placedAtMs),
          (count) => {
            served += count;
          },
        );
        this.lostToShelf += again.length;
        served += again.length;
      }
    } catch (error) {
      if (!watch.report(error)) this.#complaints.tell('could not place an order', error);
    } finally {
      this.skipped += arrivalsMs.length - served;
    }
  }

  /** Returns the plans that the shelf refused. */
  async #place(
    arrivalsMs: readonly number[],
    served: (count: number) => void,
  ): Promise<readonly PlannedOrder[]> {
    const { db, model, lifecycleSpeed, onRefused, clock } = this.#options;
    const plans: PlannedOrder[] = [];
    for (const atMs of arrivalsMs) {
      const plan = model.plan(atMs);
      if (plan === null) {
        this.lostToShelf += 1;
        served(1);
      } else plans.push(plan);
    }
    const refused: PlannedOrder[] = [];
    const write = async (some: readonly PlannedOrder[]): Promise<void> => {
      const result = await placeOrders(db, some, lifecycleSpeed);
      served(result.placed.length);
      this.placed.add(clock.monotonicMs(), result.placed.length);
      for (const order of result.placed) this.#announce(order);
      refused.push(...result.refused);
    };
    try {
      await write(plans);
    } catch (error) {
      if (plans.length === 1 || !isAboutRow(error)) throw error;
      await this.#oneByOne(plans, write);
    }
    if (refused.length > 0) await onRefused(refused);
    return refused;
  }

  /**
   * An order that the database refuses (somebody's constraint or trigger) takes its whole transaction along: the others
   * are placed without it. What is refused was not served, and counts as skipped.
   */
  async #oneByOne(
    plans: readonly PlannedOrder[],
    write: (some: readonly PlannedOrder[]) => Promise<void>,
  ): Promise<void> {
    let wentThrough = 0;
    let failed = 0;
    for (const plan of plans) {
      try {
        await write([plan]);
        wentThrough += 1;
      } catch (error) {
        if (!isAboutRow(error)) throw error;
        failed += 1;
        this.#complaints.tell('could not place an order', error);
        if (wentThrough === 0 && failed >= SYSTEMIC) return;
      }
    }
  }

  #announce({ id, plan }: PlacedOrder): void {
    const { announcer } = this.#options;
    const total = centsToNumeric(subtotalCents(plan) + plan.freightCents - plan.discountCents);
    const customerId = plan.customer.kind === 'new' ? plan.customer.row.id : plan.customer.id;
    if (plan.customer.kind === 'new') {
      const { estado, cidade } = plan.customer.row;
      announcer.info(
        'customer.registered',
        { customerId, estado, cidade },
        `customer ${customerId} registered in ${cidade}/${estado}`,
      );
    }
    announcer.info(
      'order.placed',
      {
        orderId: id,
        customerId,
        total,
        items: plan.items.length,
        channel: plan.channelId,
        payment: plan.paymentMethodId,
      },
      describePlaced(id, total, plan),
    );
  }
}
