import { randomUUID } from 'node:crypto';
import { delay } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import { percentile } from './compare.ts';
import { KEY, type TableShape } from './dialect.ts';
import type { Source } from './source-side.ts';
import type { Target } from './target.ts';

/** How long changes take from the source's commit to being readable at the target, in milliseconds. */
export interface Latency {
  readonly sent: number;
  readonly arrived: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** Why nothing was measured; null when something was. */
  readonly note: string | null;
}

export interface ProbeOptions {
  readonly count: number;
  /** A probe that takes longer than this has not arrived; no further one is sent. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const HEARTBEAT_ROW = 1;
/** A fast target is asked more often than `pollMs`, else its pace would be what is measured. */
const FASTEST_POLL_MS = 10;

/**
 * Writes tokens into the heartbeat, one after the other, and times when the target shows each. The daemon's own
 * heartbeat may overwrite a token on its way: a later heartbeat at the target proves the earlier one, too.
 */
export async function measureLatency(
  source: Source,
  target: Target,
  heartbeat: TableShape,
  options: ProbeOptions,
): Promise<Latency> {
  const samples: number[] = [];
  const pollMs = Math.max(FASTEST_POLL_MS, Math.min(target.pollMs, target.pollMs / 10));
  let sent = 0;
  for (; sent < options.count && !options.signal.aborted; ) {
    let at: string;
    try {
      at = await source.writeProbe(`verify-${randomUUID().slice(0, 8)}`);
    } catch (error) {
      return summary(samples, sent, `the source takes no probe: ${messageOf(error)}`);
    }
    sent += 1;
    const sentMs = performance.now();
    const took = await waitFor(target, heartbeat, at, sentMs, pollMs, options);
    if (took === null) break;
    samples.push(took);
  }
  return summary(samples, sent, null);
}

async function waitFor(
  target: Target,
  heartbeat: TableShape,
  at: string,
  sentMs: number,
  pollMs: number,
  options: ProbeOptions,
): Promise<number | null> {
  for (;;) {
    const rows = await target.rows(heartbeat, KEY, [HEARTBEAT_ROW]);
    const tookMs = performance.now() - sentMs;
    if (rows.some((row) => (row['emitido_em'] ?? '') >= at)) return tookMs;
    if (tookMs > options.timeoutMs || !(await delay(pollMs, options.signal))) return null;
  }
}

function summary(samples: readonly number[], sent: number, note: string | null): Latency {
  const sorted = [...samples].sort((a, b) => a - b);
  const rounded = (q: number) => {
    const value = percentile(sorted, q);
    return value === null ? null : Math.round(value);
  };
  return {
    sent,
    arrived: samples.length,
    p50Ms: rounded(0.5),
    p95Ms: rounded(0.95),
    p99Ms: rounded(0.99),
    note,
  };
}
