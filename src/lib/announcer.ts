import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/** The names of log events (key `event`). */
export type EventName =
  | 'order.placed'
  | 'order.approved'
  | 'order.shipped'
  | 'order.delivered'
  | 'order.cancelled'
  | 'order.returned'
  | 'order.purged'
  | 'customer.registered'
  | 'customer.updated'
  | 'customer.erased'
  | 'product.restocked'
  | 'product.repriced'
  | 'product.launched'
  | 'product.discontinued'
  | 'traffic.summary'
  | 'traffic.paused'
  | 'traffic.resumed'
  | 'traffic.rate'
  | 'database.ready'
  | 'database.lost'
  | 'database.back'
  | 'database.growth'
  | 'slot.lag'
  | 'worker.joined'
  | 'worker.left'
  | 'shutdown';

export interface Announcement {
  readonly event: EventName;
  readonly atMs: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type AnnouncementListener = (announcement: Announcement) => void;

const SINGLE = /^(order|customer|product)\./;
const WINDOW_MS = 60_000;
/** Single orders are logged up to 600 of them a minute; as they come at random, a minute may have some more. */
const ORDERS_PER_WINDOW = 750;
/** And so many lines at most: after a long pause much is due at once. */
const LINES_PER_WINDOW = 6_000;

/**
 * What happens, told twice: as a log line, and to whoever listens (the status page). Listeners hear everything;
 * lines about single orders are left out of the log when there are too many of them.
 */
export class Announcer {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #mode: 'auto' | 'always' | 'never';
  readonly #listeners = new Set<AnnouncementListener>();
  #windowStartMs = 0;
  #orders = 0;
  #lines = 0;
  #quiet = false;
  #saidQuiet = false;

  constructor(logger: Logger, clock: Clock, mode: 'auto' | 'always' | 'never') {
    this.#logger = logger;
    this.#clock = clock;
    this.#mode = mode;
  }

  /** Returns the call that ends the subscription. */
  subscribe(listener: AnnouncementListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  info(event: EventName, fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#tell('info', event, fields, message);
  }

  warn(event: EventName, fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#tell('warn', event, fields, message);
  }

  #tell(
    level: 'info' | 'warn',
    event: EventName,
    fields: Readonly<Record<string, unknown>>,
    message: string,
  ): void {
    const atMs = this.#clock.nowMs();
    if (!SINGLE.test(event) || this.#logsSingle(event, atMs))
      this.#logger[level]({ event, ...fields }, message);
    if (this.#listeners.size === 0) return;
    const announcement: Announcement = { event, atMs, message, fields };
    for (const listener of this.#listeners) listener(announcement);
  }

  #logsSingle(event: EventName, nowMs: number): boolean {
    if (this.#mode !== 'auto') return this.#mode === 'always';
    if (nowMs - this.#windowStartMs >= WINDOW_MS || nowMs < this.#windowStartMs) {
      this.#quiet = this.#isTooMuch();
      this.#saidQuiet &&= this.#quiet;
      this.#windowStartMs = nowMs;
      this.#orders = 0;
      this.#lines = 0;
    }
    this.#lines += 1;
    if (event === 'order.placed') this.#orders += 1;
    if (!this.#quiet && !this.#isTooMuch()) return true;
    if (!this.#saidQuiet) {
      this.#saidQuiet = true;
      this.#logger.info(
        'more happens than one can read: summaries only (LOG_ORDERS=always logs every order)',
      );
    }
    return false;
  }

  #isTooMuch(): boolean {
    return this.#orders > ORDERS_PER_WINDOW || this.#lines > LINES_PER_WINDOW;
  }
}
