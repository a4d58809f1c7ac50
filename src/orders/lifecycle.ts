/** States of an order: the ids of table `status`. */
export const OrderState = {
  Pendente: 1,
  Processando: 2,
  Enviado: 3,
  Entregue: 4,
  Cancelado: 5,
  Devolvido: 6,
} as const;
export type OrderStateName = keyof typeof OrderState;
export type OrderStateId = (typeof OrderState)[OrderStateName];

/** What can happen to an order after it was placed. */
export const orderEvents = [
  'approved',
  'shipped',
  'delivered',
  'returned',
  'expired',
  'refused',
  'cancelled',
  'purged',
] as const;
export type OrderEvent = (typeof orderEvents)[number];

/** The number under which `simulator.order_schedule` keeps an event: 1 approved … 8 purged. */
export function eventCode(event: OrderEvent): number {
  return orderEvents.indexOf(event) + 1;
}

export function eventOfCode(code: number): OrderEvent {
  const event = orderEvents[code - 1];
  if (event === undefined) throw new RangeError(`no order event has the code ${code}`);
  return event;
}

/** `illegal`: the event cannot happen in that state; `gone`: the order is deleted. */
export type Outcome = OrderStateName | 'gone' | 'illegal';

const none = {
  approved: 'illegal',
  shipped: 'illegal',
  delivered: 'illegal',
  returned: 'illegal',
  expired: 'illegal',
  refused: 'illegal',
  cancelled: 'illegal',
  purged: 'illegal',
} as const satisfies Record<OrderEvent, Outcome>;

/** The total table: every state, every event. */
export const lifecycle: Readonly<Record<OrderStateName, Readonly<Record<OrderEvent, Outcome>>>> = {
  Pendente: { ...none, approved: 'Processando', expired: 'Cancelado', refused: 'Cancelado' },
  Processando: { ...none, shipped: 'Enviado', cancelled: 'Cancelado' },
  Enviado: { ...none, delivered: 'Entregue' },
  Entregue: { ...none, returned: 'Devolvido' },
  Cancelado: { ...none, purged: 'gone' },
  Devolvido: none,
};

/** One step of an order's planned life, at a business time (milliseconds since the epoch). */
export interface TimelineStep {
  readonly event: OrderEvent;
  readonly atMs: number;
}

/** Where an order stands once the given steps have happened. */
export interface OrderPosition {
  readonly state: OrderStateName | 'gone';
  readonly approvedAtMs: number | null;
  readonly shippedAtMs: number | null;
  readonly deliveredAtMs: number | null;
  /** True when its units are back in stock (cancelled or returned). */
  readonly stockReturned: boolean;
  /** The steps still to come. */
  readonly remaining: readonly TimelineStep[];
}

/** Applies every step up to and including `untilMs` (business time). Throws on a step that the table forbids. */
export function positionAt(timeline: readonly TimelineStep[], untilMs: number): OrderPosition {
  let state: OrderStateName | 'gone' = 'Pendente';
  const reached: Partial<Record<OrderEvent, number>> = {};
  let index = 0;
  for (; index < timeline.length; index++) {
    const step = timeline[index] as TimelineStep;
    if (step.atMs > untilMs) break;
    const next: Outcome = state === 'gone' ? 'illegal' : lifecycle[state][step.event];
    if (next === 'illegal') throw new Error(`an order in state ${state} cannot be ${step.event}`);
    state = next;
    reached[step.event] = step.atMs;
  }
  return {
    state,
    approvedAtMs: reached.approved ?? null,
    shippedAtMs: reached.shipped ?? null,
    deliveredAtMs: reached.delivered ?? null,
    stockReturned: state === 'Cancelado' || state === 'Devolvido' || state === 'gone',
    remaining: timeline.slice(index),
  };
}
