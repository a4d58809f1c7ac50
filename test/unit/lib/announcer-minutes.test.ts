import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Announcer } from '../../../src/lib/announcer.ts';
import type { Clock } from '../../../src/lib/clock.ts';

/** A minute of orders, evenly spread, each with three more lines about it; returns the lines of the log. */
function setUp(mode: 'auto' | 'always' | 'never' = 'auto') {
  const lines: { event?: string; msg: string }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let nowMs = 1_000_000;
  const announcer = new Announcer(logger, { nowMs: () => nowMs } as Clock, mode);
  const minute = (orders: number) => {
    lines.length = 0;
    for (let i = 0; i < orders; i++) {
      announcer.info('order.placed', {}, 'placed');
      for (const event of ['customer.registered', 'order.approved', 'order.shipped'] as const)
        announcer.info(event, {}, event);
      nowMs += 60_000 / orders;
    }
    announcer.info('traffic.summary', {}, 'summary');
    return {
      orders: lines.filter(({ event }) => event === 'order.placed').length,
      singles: lines.filter(({ event }) => event !== undefined && event !== 'traffic.summary').length,
      summaries: lines.filter(({ event }) => event === 'traffic.summary').length,
      said: lines.filter(({ msg }) => msg.includes('LOG_ORDERS=always')).length,
    };
  };
  return { minute };
}

describe('the log of single orders', () => {
  it('has every order, and all that happens to it, at 600 a minute', () => {
    const { minute } = setUp();
    for (let i = 0; i < 3; i++)
      expect(minute(600)).toEqual({ orders: 600, singles: 2_400, summaries: 1, said: 0 });
  });

  it('stops above that, says so once, and comes back when it is quieter', () => {
    const { minute } = setUp();
    expect(minute(3_000)).toMatchObject({ orders: 750, summaries: 1, said: 1 });
    expect(minute(3_000)).toMatchObject({ singles: 0, summaries: 1, said: 0 });
    minute(60);
    expect(minute(60)).toMatchObject({ orders: 60, said: 0 });
    expect(minute(3_000)).toMatchObject({ said: 1 });
  });

  it.each([
    ['always', 3_000],
    ['never', 0],
  ] as const)('%s', (mode, orders) => {
    expect(setUp(mode).minute(3_000)).toMatchObject({ orders, said: 0 });
  });
});
