import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Look } from '../../../src/db/look-at-backends.ts';
import { type Line, SilenceWatch } from '../../../src/db/silence.ts';

type State = Parameters<Map<number, string>['set']>[1];

/** A watch over connections that the test makes; the server says of each backend what `states` has. */
function setUp() {
  const states = new Map<number, State>();
  const looks: { readonly atMs: number; readonly pids: readonly number[] }[] = [];
  const server = {
    answer: (): Look => ({
      kind: 'seen',
      backends: new Map(
        [...states].map(([pid, state]) => {
          const [name = '', waitEventType = null] = state.split('/');
          return [pid, { pid, state: name, waitEventType }];
        }),
      ),
      othersAtWork: 0,
    }),
    takesMs: 20,
  };
  const watch = new SilenceWatch({
    timeoutMs: 30_000,
    look: async (pids) => {
      looks.push({ atMs: performance.now(), pids });
      await new Promise((resolve) => setTimeout(resolve, server.takesMs));
      return server.answer();
    },
  });
  const startMs = performance.now();
  const connection = (pid: number | null, state?: State) => {
    const client = {
      pid,
      bytesRead: 0,
      why: undefined as string | undefined,
      tornAfterMs: Number.NaN,
      tearDown(why: string) {
        this.why ??= why;
        this.tornAfterMs = performance.now() - startMs;
      },
    };
    if (pid !== null && state !== undefined) states.set(pid, state);
    const line: Line = watch.add(client);
    return { client, line };
  };
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  return { watch, states, looks, server, connection, pass };
}

describe('connections gone silent', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are torn down within 4 s, with those that nobody uses', async () => {
    const { connection, pass, looks } = setUp();
    const silent = connection(1, 'idle/Client');
    const later = connection(2, 'idle in transaction/Client');
    const unused = connection(3);
    unused.line.unused = true;
    const between = connection(4, 'idle in transaction/Client');
    silent.line.asked();
    await pass(500);
    later.line.asked();
    await pass(4_500);
    expect(silent.client.why).toMatch(/^read timeout: no answer for 3\.\d s, and the server is not at it/);
    expect(silent.client.tornAfterMs).toBeLessThan(4_000);
    expect(later.client.tornAfterMs).toBeLessThan(4_000);
    expect(unused.client.why).toMatch(/another connection/);
    // out of the pool, and at nothing: somebody's transaction
    expect(between.client.why).toBeUndefined();
    expect(looks).toHaveLength(2);
  });

  it('are told from a statement that the server is at, however long that takes', async () => {
    const { connection, pass, looks } = setUp();
    const locked = connection(1, 'active/Lock');
    const silent = connection(2, 'idle/Client');
    locked.line.asked();
    silent.line.asked();
    await pass(600_000);
    expect(silent.client.tornAfterMs).toBeLessThan(4_000);
    expect(locked.client.why).toBeUndefined();
    expect(looks.length).toBeLessThan(210);
    locked.line.answered();
    const before = looks.length;
    await pass(60_000);
    expect(looks).toHaveLength(before);
  });

  it('are looked for only when an answer is overdue', async () => {
    const { connection, pass, looks } = setUp();
    const { line } = connection(1, 'active');
    for (let i = 0; i < 100; i++) {
      line.asked();
      line.asked();
      await pass(900);
      line.answered();
      await pass(900);
      line.answered();
    }
    expect(looks).toEqual([]);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
    await pass(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are those of which nothing arrives: a long answer under way is not overdue', async () => {
    const { connection, pass, looks } = setUp();
    const { client, line } = connection(1, 'active/Client');
    line.asked();
    for (let i = 0; i < 40; i++) {
      client.bytesRead += 1_000;
      await pass(1_500);
    }
    expect(looks).toEqual([]);
    await pass(4_000);
    expect(client.why).toMatch(/lost on the way/);
  });

  it('are spared when the answer comes between two looks', async () => {
    const { connection, pass, looks } = setUp();
    const { client, line } = connection(1, 'idle/Client');
    line.asked();
    await pass(2_400);
    expect(looks).toHaveLength(1);
    line.answered();
    line.asked();
    await pass(1_900);
    expect(client.why).toBeUndefined();
    line.answered();
    await pass(60_000);
    expect(client.why).toBeUndefined();
  });

  it('are spared when the answer comes during a look: it says nothing about the next statement', async () => {
    const { connection, pass, looks, server } = setUp();
    server.takesMs = 400;
    const { client, line } = connection(1, 'idle/Client');
    line.asked();
    await pass(2_100);
    expect(looks).toHaveLength(1);
    line.answered();
    line.asked();
    await pass(2_900);
    expect(looks).toHaveLength(2);
    expect(client.why).toBeUndefined();
  });

  it('are given up after two looks that nothing came back from, once they have waited for 5 s', async () => {
    const { connection, pass, server } = setUp();
    server.answer = () => ({ kind: 'nothing', reason: 'no answer within 2000 ms' });
    server.takesMs = 2_000;
    const { client, line } = connection(1);
    line.asked();
    await pass(8_000);
    expect(client.why).toMatch(
      /^read timeout: no answer for .*a new connection gets none either \(no answer/,
    );
    expect(client.tornAfterMs).toBeGreaterThan(5_000);
    expect(client.tornAfterMs).toBeLessThan(7_500);
  });

  it('are not given up for one look that failed', async () => {
    const { connection, pass, server, looks } = setUp();
    const seen = server.answer;
    server.answer = () => (looks.length % 2 === 1 ? { kind: 'nothing', reason: 'x' } : seen());
    const { client, line } = connection(1, 'active/Lock');
    line.asked();
    await pass(60_000);
    expect(client.why).toBeUndefined();
  });

  it('are given 30 s where the server answers and tells nothing', async () => {
    const { connection, pass, server } = setUp();
    server.answer = () => ({ kind: 'refused' });
    const { client, line } = connection(1);
    line.asked();
    await pass(29_000);
    expect(client.why).toBeUndefined();
    await pass(2_000);
    expect(client.why).toBe('read timeout: no answer from the database for 30.0 s');
  });

  it('behind a pooler are those at which nobody of our role is at work', async () => {
    const { connection, pass, server, looks } = setUp();
    const { client, line } = connection(null);
    server.answer = () => ({ kind: 'seen', backends: new Map(), othersAtWork: 1 });
    line.asked();
    await pass(20_000);
    expect(client.why).toBeUndefined();
    expect(looks.every(({ pids }) => pids.length === 0)).toBe(true);
    server.answer = () => ({ kind: 'seen', backends: new Map(), othersAtWork: 0 });
    await pass(5_000);
    expect(client.why).toMatch(/lost on the way/);
  });

  it('are listened to afresh after this process has slept', async () => {
    const { connection, pass } = setUp();
    const { client, line } = connection(1, 'active');
    line.asked();
    await pass(300);
    const nowMs = performance.now.bind(performance);
    const slept = vi.spyOn(performance, 'now').mockImplementation(() => nowMs() + 120_000);
    await pass(300);
    expect(client.why).toBeUndefined();
    slept.mockRestore();
  });

  it('do not make a new one wait: what takes much longer than the last took is given up', async () => {
    const { watch, connection, pass } = setUp();
    expect(watch.connectTimeoutMs(10_000)).toBe(10_000);
    for (const [tookMs, timeoutMs] of [
      [50, 4_000],
      [300, 6_000],
      [900, 10_000],
    ] as const) {
      const { line } = connection(1);
      await pass(tookMs);
      watch.connected(line);
      expect(watch.connectTimeoutMs(10_000)).toBeCloseTo(timeoutMs, -2);
    }
  });

  it('are nobody’s business once the pool is closed', async () => {
    const { watch, connection, pass, looks } = setUp();
    const { client, line } = connection(1, 'idle/Client');
    line.asked();
    await pass(2_200);
    watch.stop();
    await pass(60_000);
    expect(looks.length).toBeLessThanOrEqual(1);
    expect(client.why).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});
