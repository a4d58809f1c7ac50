import type { Db } from '../db/pool.ts';
import type { DatabaseWatch } from '../db/watch.ts';
import type { Announcer } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import { type AdvancedOrder, advanceDue } from '../orders/advance.ts';
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

/** Moves orders along their lives as their events fall due: in batches, the oldest first. */
export class Advancer implements Service {
  readonly name = 'advancer';
  readonly advanced: RateMeter;
  /** How late the last batch's oldest event was, in ms. */
  lagMs = 0;
  readonly #options: AdvancerOptions;
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: AdvancerOptions) {
    this.#options = options;
    this.advanced = new RateMeter(options.clock.monotonicMs());
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
    const { db, watch, isOpen, lifecycleSpeed, logger } = this.#options;
    if (!watch.up || !isOpen()) return false;
    try {
      const orders = await advanceDue(db, { limit: BATCH, speed: lifecycleSpeed });
      this.#note(orders);
      return orders.length === BATCH;
    } catch (error) {
      if (!watch.report(error)) {
        logger.error(
          { reason: messageOf(error), err: error },
          `could not advance orders: ${messageOf(error)}`,
        );
        await delay(AFTER_ERROR_MS, this.#abort.signal);
      }
      return false;
    }
  }

  #note(orders: readonly AdvancedOrder[]): void {
    const { announcer, clock, logger } = this.#options;
    this.lagMs = orders[0]?.lagMs ?? 0;
    let applied = 0;
    for (const order of orders) {
      if (!order.applied) {
        logger.warn(
          { orderId: order.id, step: order.event },
          `order ${order.id} could not be ${order.event}: somebody else changed or deleted it; its schedule was dropped`,
        );
        continue;
      }
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
