import { isAboutRow } from '../db/advice.ts';
import { Complaints } from '../db/complaints.ts';
import type { Db } from '../db/pool.ts';
import type { DatabaseWatch } from '../db/watch.ts';
import type { Announcer } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import { type AdvancedOrder, advanceDue, advanceOne, dueOrders, setAside } from '../orders/advance.ts';
import { describeAdvanced, eventNameOf } from './messages.ts';
import { RateMeter } from './rate-meter.ts';

export interface AdvancerOptions {
  readonly db: Db;
  readonly clock: DatabaseClock;
  readonly watch: DatabaseWatch;
  readonly announcer: Announcer;
  readonly logger: Logger;
  readonly lifecycleSpeed: number;
  readonly isOpen: () => boolean;
}

const BATCH = 200;
const LOOK_EVERY_MS = 500;
const AFTER_ERROR_MS = 2_000;
/** Looked at one by one when a batch fails. */
const ONE_BY_ONE = 50;
/** So many in a row, and none that went through: it is not the orders. */
const SYSTEMIC = 5;
/** Orders of a batch that somebody else changed: so many by name, the rest as a number. */
const STRAYS_NAMED = 3;
/** An order that the database refuses to move is tried again after this time. */
const ASIDE_MS = 60_000;

/** Moves orders along their lives as their events fall due: in batches, the oldest first. */
export class Advancer implements Service {
  readonly name = 'advancer';
  readonly advanced: RateMeter;
  /** How late the last batch's oldest event was, in ms. */
  lagMs = 0;
  readonly #options: AdvancerOptions;
  readonly #abort = new AbortController();
  readonly #complaints: Complaints;
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: AdvancerOptions) {
    this.#options = options;
    this.advanced = new RateMeter(options.clock.monotonicMs());
    this.#complaints = new Complaints(options.logger, () => options.clock.monotonicMs());
    this.stop = once(async () => {
      this.#abort.abort();
      await this.#loop;
    });
  }

  async start(): Promise<void> {
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const more = await this.#step();
      if (!more) await delay(LOOK_EVERY_MS, this.#abort.signal);
    }
  }

  /** True when more may be due. */
  async #step(): Promise<boolean> {
    const { db, watch, isOpen, lifecycleSpeed } = this.#options;
    if (!watch.up || !isOpen()) return false;
    try {
      const orders = await advanceDue(db, { limit: BATCH, speed: lifecycleSpeed });
      this.#note(orders);
      return orders.length === BATCH;
    } catch (error) {
      if (watch.report(error)) return false;
      return isAboutRow(error) ? this.#oneByOne() : this.#tell(error);
    }
  }

  async #tell(error: unknown): Promise<false> {
    this.#complaints.tell('could not advance orders', error);
    await delay(AFTER_ERROR_MS, this.#abort.signal);
    return false;
  }

  /**
   * An order that the database refuses (somebody's constraint or trigger) would hold up every batch that it is in: the
   * others are moved without it, and it is tried again later. True when some moved.
   */
  async #oneByOne(): Promise<boolean> {
    const { db, watch, isOpen, lifecycleSpeed } = this.#options;
    let moved = 0;
    let refused = 0;
    try {
      for (const id of await dueOrders(db, ONE_BY_ONE)) {
        if (this.#abort.signal.aborted || !isOpen() || (moved === 0 && refused >= SYSTEMIC)) break;
        try {
          this.#note(await advanceOne(db, id, lifecycleSpeed));
          moved += 1;
        } catch (error) {
          if (!isAboutRow(error)) throw error;
          refused += 1;
          this.#complaints.tell('could not advance an order (it is tried again every minute)', error);
          await setAside(db, id, ASIDE_MS);
        }
      }
    } catch (error) {
      return watch.report(error) ? false : this.#tell(error);
    }
    if (moved === 0) await delay(AFTER_ERROR_MS, this.#abort.signal);
    return moved > 0;
  }

  #note(orders: readonly AdvancedOrder[]): void {
    const { announcer, clock, logger } = this.#options;
    this.lagMs = orders[0]?.lagMs ?? 0;
    const strays = orders.filter((order) => !order.applied);
    for (const order of strays.slice(0, STRAYS_NAMED)) {
      logger.warn(
        { orderId: order.id, step: order.event },
        `order ${order.id} could not be ${order.event}: somebody else changed or deleted it; its schedule was dropped`,
      );
    }
    if (strays.length > STRAYS_NAMED) {
      const more = strays.length - STRAYS_NAMED;
      logger.warn(
        { orders: more },
        `and ${more} more orders that somebody else changed or deleted; their schedules were dropped`,
      );
    }
    let applied = 0;
    for (const order of orders) {
      if (!order.applied) continue;
      applied += 1;
      announcer.info(
        eventNameOf(order.event),
        {
          orderId: order.id,
          step: order.event,
          total: order.total,
          at: new Date(order.atMs).toISOString(),
          lagMs: Math.round(order.lagMs),
        },
        describeAdvanced(order),
      );
    }
    if (applied > 0) this.advanced.add(clock.monotonicMs(), applied);
  }
}
