import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Db } from '../../../src/db/pool.ts';
import { DatabaseWatch } from '../../../src/db/watch.ts';
import { Announcer } from '../../../src/lib/announcer.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { createRandom } from '../../../src/lib/random.ts';

vi.mock('../../../src/lib/backoff.ts', async (original) => {
  const module = await original<typeof import('../../../src/lib/backoff.ts')>();
  class InstantBackoff extends module.Backoff {
    override async wait(signal?: AbortSignal): Promise<boolean> {
      waitedMs.push(this.nextMs());
      return signal?.aborted !== true;
    }
  }
  return { ...module, Backoff: InstantBackoff };
});

const waitedMs: number[] = [];
const refused = Object.assign(new Error('could not extend file: No space left on device'), { code: '53100' });

/** A watch over a database that answers every question; `answer` may be made to throw. */
function setUp() {
  const state = { nowMs: 1_000_000, answer: () => ({ rows: [{ writable: true }] }) as unknown };
  const executor = {
    transformQuery: (node: unknown) => node,
    compileQuery: () => ({ sql: '', parameters: [], query: {} }),
    executeQuery: async () => state.answer(),
    provideConnection: undefined,
  };
  const db = { getExecutor: () => executor } as unknown as Db;
  const clock = { nowMs: () => state.nowMs };
  const announcer = new Announcer(silentLogger(), clock, 'never');
  const events: string[] = [];
  announcer.subscribe(({ event }) => events.push(event));
  const watch = new DatabaseWatch({ db, announcer, clock, random: createRandom('watch') });
  const back = () => vi.waitFor(() => expect(watch.up).toBe(true), 10_000);
  return { state, watch, events, back };
}

describe('the watch over the database', () => {
  beforeEach(() => {
    waitedMs.length = 0;
  });
  afterEach(() => vi.restoreAllMocks());

  it('tells of a loss once, and of the return', async () => {
    const { watch, events, back } = setUp();
    expect(watch.report(refused)).toBe(true);
    expect(watch.report(refused)).toBe(true);
    expect(watch.up).toBe(false);
    await back();
    expect(events).toEqual(['database.lost', 'database.back']);
    await watch.stop();
  });

  it('leaves errors that are not about the connection to who met them', () => {
    const { watch, events } = setUp();
    expect(watch.report(Object.assign(new Error('no such column'), { code: '42703' }))).toBe(false);
    expect(watch.up).toBe(true);
    expect(events).toEqual([]);
  });

  it('waits longer and longer while the probe succeeds and the work does not, and afresh after a healthy while', async () => {
    const { state, watch, back } = setUp();
    for (let i = 0; i < 8; i++) {
      state.nowMs += 300;
      watch.report(refused);
      await back();
    }
    expect(waitedMs.slice(-2).every((ms) => ms >= 2_500)).toBe(true);
    state.nowMs += 5_000;
    watch.report(refused);
    await back();
    expect(waitedMs.at(-1)).toBeLessThanOrEqual(250);
    await watch.stop();
  });

  it('looks every two seconds at least, however long it takes, unless a password is wrong', async () => {
    const { state, watch, back } = setUp();
    const fail = (code: string) => () => {
      if (waitedMs.length < 20) throw Object.assign(new Error(code), { code });
      return { rows: [{ writable: true }] };
    };
    for (const code of ['ECONNREFUSED', '53100']) {
      state.answer = fail(code);
      watch.report(refused);
      await back();
      expect(Math.max(...waitedMs)).toBeLessThanOrEqual(2_000);
      waitedMs.length = 0;
      state.nowMs += 5_000;
    }
    state.answer = fail('28P01');
    watch.report(refused);
    await back();
    expect(waitedMs.slice(-5).every((ms) => ms >= 4_000)).toBe(true);
    await watch.stop();
  });

  it('goes on asking until a write gets through', async () => {
    const { state, watch, events, back } = setUp();
    let left = 3;
    state.answer = () => {
      if (left-- > 0) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      return { rows: [{ writable: true }] };
    };
    watch.report(refused);
    await back();
    expect(waitedMs).toHaveLength(4);
    expect(events).toEqual(['database.lost', 'database.back']);
    await watch.stop();
  });
});
