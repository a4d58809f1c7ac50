import { describe, expect, it } from 'vitest';
import { Announcer } from '../../../src/lib/announcer.ts';
import { createLogger } from '../../../src/lib/logger.ts';

function setUp() {
  const state = { nowMs: 1_000_000 };
  const lines: string[] = [];
  const logger = createLogger({
    level: 'info',
    format: 'json',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const announcer = new Announcer(logger, { nowMs: () => state.nowMs }, 'auto');
  const orders = (count: number) => {
    for (let i = 0; i < count; i++) announcer.info('order.placed', { orderId: i }, 'placed');
  };
  return { state, lines, announcer, orders };
}

describe('the announcer', () => {
  it('logs single orders up to 750 of a minute that aims at 600, and everything else always', () => {
    const { lines, announcer, orders } = setUp();
    orders(750);
    expect(lines).toHaveLength(750);
    orders(50);
    expect(lines).toHaveLength(751);
    expect(lines.at(-1)).toContain('LOG_ORDERS=always');
    announcer.info('traffic.summary', {}, 'summary');
    expect(lines).toHaveLength(752);
  });

  it('leaves single orders out of the next minute when there were far too many, and comes back to them', () => {
    const { state, lines, orders } = setUp();
    orders(2_000);
    state.nowMs += 60_000;
    orders(10);
    expect(lines).toHaveLength(751);
    state.nowMs += 60_000;
    orders(10);
    expect(lines).toHaveLength(761);
  });

  it('goes on logging when the clock was set back', () => {
    const { state, lines, orders } = setUp();
    orders(600);
    state.nowMs -= 3_600_000;
    orders(5);
    expect(lines).toHaveLength(605);
  });

  it('tells listeners everything until they leave', () => {
    const { announcer, orders } = setUp();
    let heard = 0;
    const leave = announcer.subscribe(() => {
      heard += 1;
    });
    orders(900);
    leave();
    orders(5);
    expect(heard).toBe(900);
  });
});
