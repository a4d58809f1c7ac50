import type { Announcement } from '../lib/announcer.ts';
import type { OrderStateName } from '../orders/lifecycle.ts';
import { RateMeter } from './rate-meter.ts';

/** What happens to orders, as a viewer counts it. */
export const moves = [
  'placed',
  'approved',
  'shipped',
  'delivered',
  'returned',
  'cancelled',
  'purged',
] as const;
export type Move = (typeof moves)[number];

/** Where an order comes from and goes to; a cancelled one comes from one of two states (see `step`). */
const FLOW: Readonly<Record<Move, readonly [OrderStateName | null, OrderStateName | null]>> = {
  placed: [null, 'Pendente'],
  approved: ['Pendente', 'Processando'],
  shipped: ['Processando', 'Enviado'],
  delivered: ['Enviado', 'Entregue'],
  returned: ['Entregue', 'Devolvido'],
  cancelled: ['Pendente', 'Cancelado'],
  purged: ['Cancelado', null],
};

/** `canalvenda` 1, Loja Física. */
const OVER_THE_COUNTER = 1;

/**
 * Counts this worker's moves of the last minute, and carries a count of states forward between two counts of the
 * table. Fed with announcements; memory is fixed.
 */
export class MovedMeter {
  readonly #monotonicMs: () => number;
  readonly #meters: Readonly<Record<Move, RateMeter>>;
  #since: Partial<Record<OrderStateName, number>> = {};

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    const meter = () => new RateMeter(monotonicMs());
    this.#meters = {
      placed: meter(),
      approved: meter(),
      shipped: meter(),
      delivered: meter(),
      returned: meter(),
      cancelled: meter(),
      purged: meter(),
    };
  }

  readonly observe = ({ event, fields }: Pick<Announcement, 'event' | 'fields'>): void => {
    const move = moves.find((name) => event === `order.${name}`);
    if (move === undefined) return;
    this.#meters[move].add(this.#monotonicMs());
    const [from, to] = FLOW[move];
    const left = move === 'cancelled' && fields['step'] === 'cancelled' ? 'Processando' : from;
    if (left !== null) this.#since[left] = (this.#since[left] ?? 0) - 1;
    if (to !== null) this.#since[to] = (this.#since[to] ?? 0) + 1;
    // over the counter: paid and delivered at once
    if (move === 'placed' && fields['channel'] === OVER_THE_COUNTER) {
      this.#since.Pendente = (this.#since.Pendente ?? 0) - 1;
      this.#since.Entregue = (this.#since.Entregue ?? 0) + 1;
    }
  };

  /** Moves of the last 60 s. */
  lastMinute(): Readonly<Record<Move, number>> {
    const nowMs = this.#monotonicMs();
    const entries = moves.map((move) => [move, this.#meters[move].lastWindow(nowMs)] as const);
    return Object.fromEntries(entries) as Record<Move, number>;
  }

  /** To be called when the table is counted: from here on the moves are added to that count. */
  counted(): void {
    this.#since = {};
  }

  /** Orders placed in the last 60 s; a young meter is scaled up to a minute. */
  placedPerMinute(): number {
    return Math.round(this.#meters.placed.perMinute(this.#monotonicMs()) * 10) / 10;
  }

  /** A count of the table, carried forward by what this worker did since. */
  carry(counts: Readonly<Record<OrderStateName, number>>): Readonly<Record<OrderStateName, number>> {
    const carried = { ...counts };
    for (const [state, change] of Object.entries(this.#since) as [OrderStateName, number][]) {
      carried[state] = Math.max(0, carried[state] + change);
    }
    return carried;
  }
}
