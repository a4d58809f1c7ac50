import { describe, expect, it, vi } from 'vitest';
import type { Db } from '../../../src/db/pool.ts';
import type { DatabaseWatch } from '../../../src/db/watch.ts';
import { Announcer } from '../../../src/lib/announcer.ts';
import type { DatabaseClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Advancer } from '../../../src/traffic/advancer.ts';
import { TrafficGate } from '../../../src/traffic/gate.ts';
import type { Placer } from '../../../src/traffic/placer.ts';
import { RateMeter } from '../../../src/traffic/rate-meter.ts';
import { Traffic, type TrafficOptions } from '../../../src/traffic/traffic.ts';

const START_MS = 1_000_000_000;

/** Traffic of 600 a minute, one arrival every 100 ms, on a clock that the test moves. */
function setUp(overrides: Partial<TrafficOptions> = {}) {
  const state = { nowMs: START_MS, rate: 600 };
  const scheduled: number[] = [];
  const asked: [number, number][] = [];
  const clock = {
    nowMs: () => state.nowMs,
    monotonicMs: () => state.nowMs - START_MS,
  } as DatabaseClock;
  const announcer = new Announcer(silentLogger(), clock, 'never');
  const warnings: string[] = [];
  announcer.subscribe(({ event, message }) => {
    if (event === 'traffic.rate') warnings.push(message);
  });
  const placer = {
    placed: new RateMeter(0),
    late: new RateMeter(0),
    skipped: 0,
    lostToShelf: 0,
    schedule: (arrivals: readonly number[]) => void scheduled.push(...arrivals),
  };
  const backlog = { answer: async (): Promise<unknown> => ({ rows: [{ due: 0 }] }) };
  const executor = {
    transformQuery: (node: unknown) => node,
    compileQuery: () => ({ sql: '', parameters: [], query: {} }),
    executeQuery: () => backlog.answer(),
  };
  const traffic = new Traffic({
    db: { getExecutor: () => executor } as unknown as Db,
    clock,
    watch: { up: true, report: () => false } as unknown as DatabaseWatch,
    announcer,
    logger: silentLogger(),
    gate: new TrafficGate(announcer),
    placer: placer as unknown as Placer,
    advancer: { advanced: new RateMeter(0) } as unknown as Advancer,
    targetPerMinute: () => state.rate,
    share: () => 1,
    demandFactor: () => 1,
    arrivals: (fromMs, toMs, rate) => {
      asked.push([fromMs - START_MS, toMs - START_MS]);
      const times: number[] = [];
      for (let atMs = fromMs; rate > 0 && atMs < toMs; atMs += 60_000 / rate) times.push(atMs);
      return times;
    },
    ...overrides,
  });
  /** Lets the time pass in steps of half a second, as the loop of the service does. */
  const pass = (ms: number) => {
    for (const endMs = state.nowMs + ms; state.nowMs < endMs; ) {
      state.nowMs += 500;
      traffic.planNextSlice();
    }
  };
  const summed = () => vi.waitFor(() => expect(traffic.summary).toBeDefined(), 10_000);
  return { traffic, state, scheduled, asked, placer, backlog, warnings, pass, summed };
}

describe('the traffic tick', () => {
  it('plans from tick to tick without a gap or an overlap, also when ticks are a little early or late', async () => {
    const { traffic, state, asked, scheduled, pass } = setUp();
    await traffic.tick(5_000);
    pass(4_500);
    state.nowMs += 490;
    await traffic.tick(5_010);
    pass(5_000);
    state.nowMs += 30;
    await traffic.tick(4_980);
    pass(4_000);
    expect(asked[0]?.[0]).toBe(0);
    expect(asked.every(([from], i) => i === 0 || from === asked[i - 1]?.[1])).toBe(true);
    expect(asked.at(-1)?.[1]).toBeGreaterThan(14_000);
    expect(scheduled.length).toBeGreaterThanOrEqual(140);
  });

  it('plans an hour in slices: no more than a second or two are held at a time', async () => {
    const { traffic, scheduled, asked, pass } = setUp();
    await traffic.tick(3_600_000);
    expect(scheduled).toHaveLength(10);
    pass(3_590_000);
    expect(Math.max(...asked.map(([from, to]) => to - from))).toBeLessThanOrEqual(1_000);
    expect(asked.every(([from], i) => i === 0 || from === asked[i - 1]?.[1])).toBe(true);
    expect(asked.at(-1)?.[1]).toBeGreaterThanOrEqual(3_590_000);
  });

  it('follows a new rate within two seconds, however far apart the ticks are', async () => {
    const { traffic, state, scheduled, pass } = setUp();
    await traffic.tick(3_600_000);
    pass(10_000);
    state.rate = 0;
    pass(2_000);
    const before = scheduled.length;
    pass(60_000);
    expect(scheduled).toHaveLength(before);
    expect(scheduled.at(-1)).toBeLessThan(START_MS + 12_000);
  });

  it('goes on when a tick does not come, and never makes up for a stall', async () => {
    const { traffic, state, scheduled, pass } = setUp();
    await traffic.tick(5_000);
    pass(20_000);
    expect(scheduled.length).toBeGreaterThanOrEqual(195);
    const before = scheduled.length;
    state.nowMs += 600_000;
    traffic.planNextSlice();
    expect(scheduled.length - before).toBeLessThanOrEqual(10);
    expect(scheduled[before]).toBe(state.nowMs);
  });

  it("goes on at once when the database's clock was set back an hour", async () => {
    const { traffic, state, scheduled } = setUp();
    await traffic.tick(5_000);
    state.nowMs -= 3_600_000;
    const before = scheduled.length;
    await traffic.tick(5_000);
    expect(scheduled.length - before).toBe(10);
    expect(scheduled[before]).toBe(state.nowMs);
  });

  it('plans on while a summary waits for the database', async () => {
    const { traffic, scheduled, backlog, summed, pass } = setUp();
    let answer: (value: unknown) => void = () => undefined;
    backlog.answer = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    for (let i = 0; i < 4; i++) {
      await traffic.tick(5_000);
      pass(5_000);
    }
    expect(scheduled.length).toBeGreaterThanOrEqual(200);
    answer({ rows: [{ due: 3 }] });
    await summed();
    expect(traffic.summary?.backlog).toBe(3);
  });

  it('says that the database does not keep up when arrivals came too late, with both figures', async () => {
    const { traffic, state, placer, warnings, summed } = setUp();
    state.nowMs += 60_000;
    placer.placed.add(59_000, 300);
    placer.late.add(59_000, 300);
    placer.skipped = 300;
    await traffic.tick(5_000);
    await summed();
    expect(warnings).toEqual([expect.stringMatching(/takes 300 orders a minute of the 600 /)]);
  });

  it('does not blame the database for arrivals that a pause left out', async () => {
    const { traffic, state, placer, warnings, summed } = setUp();
    state.nowMs += 60_000;
    placer.placed.add(59_000, 10);
    placer.skipped = 590;
    await traffic.tick(5_000);
    await summed();
    expect(traffic.summary).toMatchObject({ skipped: 590, late: 0 });
    expect(warnings).toEqual([]);
  });

  it("tells the hour's target when the day has a shape", async () => {
    const { traffic, summed } = setUp({ demandFactor: () => 0.25 });
    await traffic.tick(5_000);
    await summed();
    expect(traffic.summary?.targetPerMinute).toBe(150);
  });

  it('plans on through an outage at the rate from before it: the lease runs out, what was asked for does not', async () => {
    const now = { up: true, share: 1 };
    const said: string[] = [];
    const { traffic, scheduled, pass } = setUp({
      watch: {
        get up() {
          return now.up;
        },
        report: () => false,
      } as unknown as DatabaseWatch,
      share: () => now.share,
      announcer: {
        info: (_event: string, _fields: object, text: string) => said.push(text),
        warn: () => undefined,
      } as unknown as Announcer,
    });
    const tick = async () => {
      const before = { said: said.length, scheduled: scheduled.length };
      await traffic.tick(5_000);
      await vi.waitFor(() => expect(said.length).toBe(before.said + 1), 10_000);
      pass(5_000);
      return { text: said.at(-1), planned: scheduled.length - before.scheduled };
    };
    const near = (count: number) => expect.toSatisfy((planned: number) => Math.abs(planned - count) <= 10);
    expect((await tick()).text).toMatch(/^0 placed .* of 600 · 0 due$/);
    Object.assign(now, { up: false });
    await tick();
    Object.assign(now, { share: 0 });
    expect(await tick()).toEqual({
      text: expect.stringMatching(/^waiting for the database · 0 placed .* of 600 · 0 due$/),
      planned: near(50),
    });
    // the database is back, the lease not yet: what is due then is placed, once it is
    Object.assign(now, { up: true });
    expect((await tick()).planned).toEqual(near(50));
    Object.assign(now, { share: 0.5 });
    expect(await tick()).toEqual({ text: expect.stringMatching(/ of 300 · 0 due$/), planned: near(25) });
  });
});
