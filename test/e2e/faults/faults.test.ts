import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { describeFault, type Fault, type FaultKind, faultKinds, planFaults } from './plan.ts';
import { FaultProxy } from './proxy.ts';
import { runFaults } from './run.ts';

/** Quick ones, and the two that are most likely to lose something; `npm run test:faults` does them all, for long. */
const SHORT: readonly FaultKind[] = [
  'kill',
  'restart-immediate',
  'cut',
  'half-close',
  'terminate',
  'lock',
  'disk-full',
];

function first(count: number, seed: string): Fault[] {
  return planFaults(seed).take(count).toArray();
}

describe('the plan of faults', () => {
  it('is the same for the same seed, begins with one of each kind, and never ends', () => {
    expect(first(60, 'x')).toEqual(first(60, 'x'));
    expect(first(60, 'x').map(describeFault)).not.toEqual(first(60, 'y').map(describeFault));
    const begin = first(faultKinds.length, 'x').map((fault) => fault.kind);
    expect(begin.toSorted()).toEqual([...faultKinds].sort());
  });
});

describe('the proxy', () => {
  it('passes, cuts, half-closes, goes silent and heals', async () => {
    const echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const proxy = await FaultProxy.start((echo.address() as { port: number }).port);
    const dial = async () => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
      const seen = { text: '', ended: false, closed: false };
      socket
        .on('data', (chunk) => {
          seen.text += chunk.toString();
        })
        .on('end', () => {
          seen.ended = true;
        })
        .on('error', () => undefined)
        .on('close', () => {
          seen.closed = true;
        });
      await once(socket, 'connect');
      return { socket, seen };
    };
    const eventually = { timeout: 20_000 };
    const a = await dial();
    a.socket.write('one');
    await expect.poll(() => a.seen.text, eventually).toBe('one');
    proxy.halfClose();
    await expect.poll(() => a.seen.ended, eventually).toBe(true);
    const b = await dial();
    b.socket.write('two');
    await expect.poll(() => b.seen.text, eventually).toBe('two');
    proxy.silence();
    b.socket.write('three');
    const c = await dial();
    c.socket.write('four');
    await expect.poll(() => c.seen.text, eventually).toBe('four');
    expect(b.seen).toEqual({ text: 'two', ended: false, closed: false });
    proxy.cut();
    await expect.poll(() => c.seen.closed, eventually).toBe(true);
    proxy.heal();
    const d = await dial();
    d.socket.write('five');
    await expect.poll(() => d.seen.text, eventually).toBe('five');
    for (const { socket } of [a, b, c, d]) socket.destroy();
    await proxy.stop();
    echo.close();
  });
});

describe('a shop under faults', () => {
  it('loses nothing, does nothing twice, comes back to its rate, and the subscriber is equal row by row', async () => {
    const run = await runFaults({
      seed: 'short',
      kinds: SHORT,
      goOn: (done) => done < SHORT.length,
      say: (line) => process.stdout.write(`${line}\n`),
    });
    const broken = run.reports.filter((report) => report.broken.length > 0);
    expect(broken).toEqual([]);
    expect(run.reports.filter((report) => report.skipped === undefined).length).toBeGreaterThanOrEqual(6);
    expect(run.differences).toEqual([]);
    expect(run.errors).toEqual([]);
    expect(run.ordersPlaced).toBeGreaterThan(50);
  }, 600_000);
});
