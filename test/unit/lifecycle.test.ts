import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  eventCode,
  eventOfCode,
  lifecycle,
  type OrderEvent,
  OrderState,
  type OrderStateName,
  orderEvents,
  positionAt,
  type TimelineStep,
} from '../../src/orders/lifecycle.ts';

const stateNames = Object.keys(OrderState) as OrderStateName[];

/** A legal life: at each state one of the events that the table allows, at growing times. */
const legalLife = fc
  .array(fc.tuple(fc.nat(10), fc.integer({ min: 0, max: 1000 })), { maxLength: 8 })
  .map((choices) => {
    const steps: TimelineStep[] = [];
    let state: OrderStateName | 'gone' = 'Pendente';
    let atMs = 0;
    for (const [choice, waitMs] of choices) {
      if (state === 'gone') break;
      const row: Record<OrderEvent, string> = lifecycle[state];
      const legal = orderEvents.filter((event) => row[event] !== 'illegal');
      if (legal.length === 0) break;
      const event = legal[choice % legal.length] as OrderEvent;
      atMs += waitMs;
      steps.push({ event, atMs });
      state = row[event] as OrderStateName | 'gone';
    }
    return steps;
  });

describe('the lifecycle table', () => {
  it('is total: every state says what every event does', () => {
    for (const state of stateNames)
      expect(Object.keys(lifecycle[state]).sort()).toEqual([...orderEvents].sort());
  });

  it('has the transitions of a sneaker shop, and no other', () => {
    const legal = stateNames.flatMap((state) =>
      orderEvents
        .filter((event) => lifecycle[state][event] !== 'illegal')
        .map((event) => `${state} ${event} ${lifecycle[state][event]}`),
    );
    expect(legal).toEqual([
      'Pendente approved Processando',
      'Pendente expired Cancelado',
      'Pendente refused Cancelado',
      'Processando shipped Enviado',
      'Processando cancelled Cancelado',
      'Enviado delivered Entregue',
      'Entregue returned Devolvido',
      'Cancelado purged gone',
    ]);
  });

  it('numbers events one to one', () => {
    expect(orderEvents.map((event) => eventOfCode(eventCode(event)))).toEqual([...orderEvents]);
    expect(() => eventOfCode(0)).toThrow(RangeError);
    expect(() => eventOfCode(9)).toThrow(RangeError);
  });

  it('walks any legal life without a gap: what has happened and what remains are the whole', () => {
    fc.assert(
      fc.property(legalLife, fc.integer({ min: -1, max: 8000 }), (life, untilMs) => {
        const position = positionAt(life, untilMs);
        expect(position.remaining).toEqual(life.filter((step) => step.atMs > untilMs));
        expect(position.shippedAtMs === null || position.approvedAtMs !== null).toBe(true);
        expect(position.deliveredAtMs === null || position.shippedAtMs !== null).toBe(true);
        expect(position.stockReturned).toBe(['Cancelado', 'Devolvido', 'gone'].includes(position.state));
        expect(['Entregue', 'Devolvido'].includes(position.state)).toBe(position.deliveredAtMs !== null);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('refuses a life that the table forbids', () => {
    expect(() => positionAt([{ event: 'shipped', atMs: 1 }], 5)).toThrow(
      'an order in state Pendente cannot be shipped',
    );
    const twice: TimelineStep[] = [
      { event: 'approved', atMs: 1 },
      { event: 'approved', atMs: 2 },
    ];
    expect(() => positionAt(twice, 5)).toThrow('Processando cannot be approved');
    expect(positionAt(twice, 1).state).toBe('Processando');
  });
});
