import type { ShelfProduct } from '../catalog/types.ts';
import { Complaints } from '../db/complaints.ts';
import type { Db } from '../db/pool.ts';
import type { DatabaseWatch } from '../db/watch.ts';
import { delay } from '../lib/backoff.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import type { PlannedOrder } from '../orders/types.ts';
import { claimReturning, type DueCustomer, giveBackReturning, type IdStock, readShelf } from './feed.ts';

/** The model's shelf, as far as it is filled from here. */
export interface ShelfSink {
  replace(products: readonly ShelfProduct[]): void;
  upsert(products: readonly ShelfProduct[]): void;
}

/** The model's queue of customers who come back. */
export interface ReturningSink {
  readonly queued: number;
  addReturning(customers: readonly DueCustomer[]): void;
  /** Empties the queue. */
  drain(): readonly DueCustomer[];
}

export interface StockerOptions {
  readonly db: Db;
  readonly clock: DatabaseClock;
  readonly watch: DatabaseWatch;
  readonly logger: Logger;
  readonly ids: IdStock;
  readonly shelf: ShelfSink;
  readonly returning: ReturningSink;
  /** Orders a minute that this worker places just now. */
  readonly ratePerMinute: () => number;
}

const ROUND_MS = 1_000;
const SHELF_EVERY_MS = 5_000;
/** A product that went away is only seen by a full reading. */
const FULL_SHELF_EVERY_MS = 300_000;
const RETURNING_QUEUE = 500;
/** Ids are kept in stock for this many seconds of traffic. */
const IDS_AHEAD_S = 10;
const FEWEST_IDS = 50;

/** Keeps the order model's samplers filled from the database, so that deciding an order needs no query. */
export class Stocker implements Service {
  readonly name = 'stocker';
  readonly #options: StockerOptions;
  readonly #abort = new AbortController();
  readonly #complaints: Complaints;
  #shelfAsOf: Date | undefined;
  #fullAtMs = 0;
  #shelfAtMs = 0;
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: StockerOptions) {
    this.#options = options;
    this.#complaints = new Complaints(options.logger, () => options.clock.monotonicMs());
    this.stop = once(() => this.#stop());
  }

  /** Resolves when the model can plan its first order. */
  async start(): Promise<void> {
    await this.#round();
    this.#loop = this.#run();
  }

  /** Reads what changed on the shelf now: an order was refused on old figures. */
  async refreshShelf(): Promise<void> {
    const { db, shelf } = this.#options;
    const reading = await readShelf(db, this.#shelfAsOf);
    this.#shelfAsOf = reading.asOf;
    shelf.upsert(reading.products);
  }

  /** Orders that came to nothing: whoever is known comes back for another try, and the shelf is looked at anew. */
  async takeBack(plans: readonly PlannedOrder[]): Promise<void> {
    const known = plans.flatMap(({ customer, placedAtMs, purchases }) =>
      customer.kind === 'known' ? [{ id: customer.id, dueAtMs: placedAtMs, purchases: purchases - 1 }] : [],
    );
    await giveBackReturning(this.#options.db, known);
    await this.refreshShelf();
  }

  async #run(): Promise<void> {
    const { watch } = this.#options;
    while (await delay(ROUND_MS, this.#abort.signal)) {
      if (!watch.up) continue;
      try {
        await this.#round();
      } catch (error) {
        if (!watch.report(error)) this.#complaints.tell('could not read the shop', error);
      }
    }
  }

  async #round(): Promise<void> {
    const { db, clock, ids, returning, ratePerMinute, shelf } = this.#options;
    const wanted = Math.max(FEWEST_IDS, Math.ceil((ratePerMinute() / 60) * IDS_AHEAD_S));
    if (ids.size < wanted / 2) await ids.refill(db, wanted);
    // the steady clock: the database's may be set back
    const nowMs = clock.monotonicMs();
    if (this.#shelfAsOf === undefined || nowMs - this.#fullAtMs > FULL_SHELF_EVERY_MS) {
      const reading = await readShelf(db);
      this.#shelfAsOf = reading.asOf;
      this.#fullAtMs = nowMs;
      this.#shelfAtMs = nowMs;
      shelf.replace(reading.products);
    } else if (nowMs - this.#shelfAtMs > SHELF_EVERY_MS) {
      this.#shelfAtMs = nowMs;
      await this.refreshShelf();
    }
    const room = Math.min(RETURNING_QUEUE, wanted) - returning.queued;
    if (ratePerMinute() > 0 && room > 0) returning.addReturning(await claimReturning(db, room));
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    const { db, watch, returning } = this.#options;
    if (watch.up) {
      const waiting = returning.drain();
      await giveBackReturning(
        db,
        waiting.map(({ customer, dueAtMs }) => ({ id: customer.id, dueAtMs, purchases: customer.purchases })),
      );
    }
  }
}
