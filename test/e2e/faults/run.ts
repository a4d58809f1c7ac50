import { delay } from '../../../src/lib/backoff.ts';
import { act } from './faults.ts';
import { describeFault, type Fault, type FaultKind, planFaults } from './plan.ts';
import { judge, openStage, RATE, type Stage } from './stage.ts';

export interface FaultReport {
  readonly fault: Fault;
  /** Why it was left out; undefined when it was done. */
  readonly skipped: string | undefined;
  /** From the end of the fault until the rate was there again, in ms; null when left out. */
  readonly recoveredAfterMs: number | null;
  /** What was wrong afterwards. */
  readonly broken: readonly string[];
}

export interface FaultRun {
  readonly reports: readonly FaultReport[];
  /** What differed at the subscriber, at the end. */
  readonly differences: readonly string[];
  /** Lines of the daemons at level error or above: none is expected. */
  readonly errors: readonly string[];
  readonly ordersPlaced: number;
}

export interface FaultRunOptions {
  readonly seed: string;
  readonly kinds?: readonly FaultKind[];
  /** Asked before each fault: how many were done, how long it has been going. */
  readonly goOn: (done: number, elapsedMs: number) => boolean;
  readonly say: (line: string) => void;
}

/** The rate is there again when a window of so many ms has so much of what it should have. */
const WINDOW_MS = 3_000;
const ENOUGH = 0.8;
const GIVE_UP_MS = 120_000;

/** Does one fault after another, and judges after each. Throws only when the stage itself breaks. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRun> {
  const { seed, kinds, goOn, say } = options;
  say(`fault plan: seed ${seed}`);
  const stage = await openStage(seed);
  try {
    const reports: FaultReport[] = [];
    const startedMs = performance.now();
    await recovered(stage);
    for (const fault of planFaults(seed, kinds)) {
      if (!goOn(reports.length, performance.now() - startedMs)) break;
      const report = await tryFault(stage, fault);
      reports.push(report);
      say(`${describeFault(fault)}: ${verdict(report)}`);
    }
    const code = await stage.main.end();
    const differences = await stage.subscriberDiffers();
    if (code !== 0) differences.push(`the daemon ended with ${code}`);
    const lines = stage.daemons.flatMap((daemon) => daemon.lines);
    const errors = lines
      .filter((line) => line.level === 'error' || line.level === 'fatal')
      .map((line) => line.msg);
    const noise = stage.daemons.map((daemon) => daemon.output()).filter((output) => output !== '');
    return {
      reports,
      differences,
      errors: [...errors, ...noise],
      ordersPlaced: lines.filter((line) => line.event === 'order.placed').length,
    };
  } finally {
    await stage.close();
  }
}

async function tryFault(stage: Stage, fault: Fault): Promise<FaultReport> {
  try {
    const skipped = await act(stage, fault);
    if (skipped !== undefined) return { fault, skipped, recoveredAfterMs: null, broken: [] };
    const recoveredAfterMs = await recovered(stage);
    return { fault, skipped, recoveredAfterMs, broken: await judge(stage) };
  } catch (error) {
    const broken = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
    await stage.recoverMain();
    return { fault, skipped: undefined, recoveredAfterMs: null, broken };
  }
}

/** Waits until orders come at the asked rate; resolves with how long that took, less the window that shows it. */
async function recovered(stage: Stage): Promise<number> {
  const wanted = (RATE / 60_000) * WINDOW_MS * ENOUGH;
  const startedMs = performance.now();
  const counts: { readonly atMs: number; readonly placed: number }[] = [];
  for (;;) {
    const atMs = performance.now();
    counts.push({ atMs, placed: placedBy(stage) });
    const before = counts.findLast((count) => atMs - count.atMs >= WINDOW_MS);
    if (before !== undefined && placedBy(stage) - before.placed >= wanted) return before.atMs - startedMs;
    const { exitCode, signalCode } = stage.main.process;
    if (exitCode !== null || signalCode !== null)
      throw new Error(
        `the daemon ended by itself (${exitCode ?? signalCode}):\n${stage.main.output().slice(-3_000)}`,
      );
    if (atMs - startedMs > GIVE_UP_MS)
      throw new Error(
        `traffic is not back at its rate after ${GIVE_UP_MS / 1000} s; the last lines:\n${stage.main.lines
          .slice(-5)
          .map((line) => line.msg)
          .join('\n')}`,
      );
    await delay(100);
  }
}

function placedBy(stage: Stage): number {
  let placed = 0;
  for (const daemon of stage.daemons) placed += placedLines(daemon);
  return placed;
}

/** Lines are only ever added: each is looked at once. */
const seen = new WeakMap<object, { next: number; placed: number }>();
function placedLines(daemon: Stage['daemons'][number]): number {
  const state = seen.get(daemon) ?? { next: 0, placed: 0 };
  for (; state.next < daemon.lines.length; state.next++) {
    if (daemon.lines[state.next]?.event === 'order.placed') state.placed += 1;
  }
  seen.set(daemon, state);
  return state.placed;
}

function verdict(report: FaultReport): string {
  if (report.skipped !== undefined) return `left out: ${report.skipped}`;
  if (report.broken.length > 0) return `BROKEN\n      ${report.broken.join('\n      ')}`;
  return `fine, back at its rate after ${((report.recoveredAfterMs ?? 0) / 1000).toFixed(1)} s`;
}
