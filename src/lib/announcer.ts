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
/** Lines about single orders are logged up to this many a minute. */
const SINGLES_PER_MINUTE = 600;

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
  #inWindow = 0;
  #quiet = false;

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
    if (!SINGLE.test(event) || this.#logsSingle(atMs)) this.#logger[level]({ event, ...fields }, message);
    if (this.#listeners.size === 0) return;
    const announcement: Announcement = { event, atMs, message, fields };
    for (const listener of this.#listeners) listener(announcement);
  }

  #logsSingle(nowMs: number): boolean {
    if (this.#mode !== 'auto') return this.#mode === 'always';
    if (nowMs - this.#windowStartMs >= 60_000 || nowMs < this.#windowStartMs) {
      this.#quiet = this.#inWindow > SINGLES_PER_MINUTE * 1.5;
      this.#windowStartMs = nowMs;
      this.#inWindow = 0;
    }
    this.#inWindow += 1;
    return !this.#quiet && this.#inWindow <= SINGLES_PER_MINUTE;
  }
}
