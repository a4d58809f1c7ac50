import { describe, expect, it } from 'vitest';
import { MovedMeter } from '../../../src/traffic/moved-meter.ts';

const counts = { Pendente: 5, Processando: 5, Enviado: 5, Entregue: 5, Cancelado: 5, Devolvido: 5 };

describe('the meter of moves', () => {
  it('counts the last minute and forgets what is older', () => {
    let nowMs = 10_000;
    const meter = new MovedMeter(() => nowMs);
    meter.observe({ event: 'order.placed', fields: { channel: 2 } });
    meter.observe({ event: 'order.placed', fields: { channel: 2 } });
    meter.observe({ event: 'order.shipped', fields: {} });
    meter.observe({ event: 'customer.updated', fields: {} });
    expect(meter.lastMinute()).toMatchObject({ placed: 2, shipped: 1, delivered: 0 });
    nowMs += 61_000;
    expect(meter.lastMinute()).toMatchObject({ placed: 0, shipped: 0 });
  });

  it('carries a count of the table forward, and starts anew with the next count', () => {
    const meter = new MovedMeter(() => 0);
    meter.observe({ event: 'order.placed', fields: { channel: 2 } });
    meter.observe({ event: 'order.approved', fields: {} });
    meter.observe({ event: 'order.cancelled', fields: { step: 'cancelled' } });
    meter.observe({ event: 'order.cancelled', fields: { step: 'expired' } });
    meter.observe({ event: 'order.purged', fields: {} });
    meter.observe({ event: 'order.delivered', fields: {} });
    expect(meter.carry(counts)).toEqual({
      Pendente: 4,
      Processando: 5,
      Enviado: 4,
      Entregue: 6,
      Cancelado: 6,
      Devolvido: 5,
    });
    meter.counted();
    expect(meter.carry(counts)).toEqual(counts);
  });

  it('knows that an order sold over the counter is delivered at once, and goes below zero nowhere', () => {
    const meter = new MovedMeter(() => 0);
    meter.observe({ event: 'order.placed', fields: { channel: 1 } });
    expect(meter.carry(counts)).toMatchObject({ Pendente: 5, Entregue: 6 });
    for (let i = 0; i < 9; i++) meter.observe({ event: 'order.returned', fields: {} });
    expect(meter.carry(counts)).toMatchObject({ Entregue: 0, Devolvido: 14 });
  });
});
