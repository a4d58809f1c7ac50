import { delay } from '../lib/backoff.ts';
import { CHANGED, KEY, type TableShape } from './dialect.ts';
import { canonicalTime, type DifferenceClass, judge, type Sighting, sameRow, type Verdict } from './judge.ts';
import type { Source, Watermark } from './source-side.ts';
import type { CanonicalRow, Target } from './target.ts';

/** A difference that stood the test: re-read on both sides, and too old to be on its way. */
export interface Loss {
  readonly table: string;
  readonly key: number;
  readonly kind: DifferenceClass;
  readonly columns: readonly string[];
  readonly note: string | null;
  readonly source: CanonicalRow | null;
  readonly target: CanonicalRow | null;
}

export interface SettleResult {
  /** Differed when scanned, equal when read again. */
  readonly arrived: number;
  readonly inFlight: number;
}

export interface SettleOptions {
  readonly watermark: Watermark;
  /** How late a change may be without being a loss. */
  readonly lagMs: number;
  /** Milliseconds since the watermark was taken, on the monotonic clock. */
  readonly elapsedMs: () => number;
  /** Until then (as `elapsedMs` counts) what has not arrived is looked at again. */
  readonly deadlineMs: number;
  /** Wait for all that happened before the watermark, also for what could still be in flight. */
  readonly waiting: boolean;
  readonly signal: AbortSignal;
  readonly onLoss: (loss: Loss) => void;
  readonly onPending?: (pending: number) => void;
}

/** Rows read in one statement. */
const BATCH = 500;
/** How often a row that moves under our eyes is read again before it counts as in flight. */
const MOST_MOVES = 20;

interface Pending {
  /** `atualizado_em` of the source's row at the first look; undefined before it. */
  firstChangedAt: string | null | undefined;
  moves: number;
}

/**
 * Reads suspects again until each has settled: arrived, in flight, or lost. The source is read before and after the
 * target: only where both readings agree is the target's row measured against a row that cannot have moved.
 */
export async function settle(
  source: Source,
  target: Target,
  table: TableShape,
  keys: readonly number[],
  options: SettleOptions,
): Promise<SettleResult> {
  const pending = new Map<number, Pending>(keys.map((key) => [key, { firstChangedAt: undefined, moves: 0 }]));
  let arrived = 0;
  let inFlight = 0;
  for (;;) {
    options.signal.throwIfAborted();
    const startedMs = options.elapsedMs();
    const isLast = startedMs >= options.deadlineMs;
    for (const batch of batches([...pending.keys()])) {
      for (const look of await lookAt(source, target, table, batch, pending)) {
        const outcome = settleOne(look, pending, startedMs, isLast, options);
        if (outcome === 'again') continue;
        pending.delete(look.key);
        if (outcome === 'arrived') arrived += 1;
        else if (outcome === 'in flight') inFlight += 1;
        else options.onLoss({ table: table.name, key: look.key, ...outcome });
      }
    }
    options.onPending?.(pending.size);
    if (pending.size === 0) return { arrived, inFlight };
    await delay(target.pollMs, options.signal);
  }
}

interface Look extends Sighting {
  readonly key: number;
  /** The source's row changed while the target was read. */
  readonly moved: boolean;
}

async function lookAt(
  source: Source,
  target: Target,
  table: TableShape,
  keys: readonly number[],
  pending: ReadonlyMap<number, Pending>,
): Promise<Look[]> {
  const before = grouped(await source.rows(table, KEY, keys));
  for (const key of keys) {
    const state = pending.get(key);
    if (state?.firstChangedAt === undefined && state) {
      state.firstChangedAt = before.get(key)?.[0]?.[CHANGED] ?? null;
    }
  }
  const there = grouped(await target.rows(table, KEY, keys));
  const differing = new Set(
    keys.filter((key) => {
      const rows = there.get(key) ?? [];
      return rows.length > 1 || !sameRow(before.get(key)?.[0] ?? null, rows[0] ?? null);
    }),
  );
  const after = grouped(await source.rows(table, KEY, [...differing]));
  const gone = [...differing].filter((key) => !after.has(key));
  const tombstones = await source.tombstones(table.name, gone);
  return keys.map((key) => {
    const first = before.get(key)?.[0] ?? null;
    const isDiffering = differing.has(key);
    const now = isDiffering ? (after.get(key)?.[0] ?? null) : first;
    return {
      key,
      source: now,
      target: there.get(key) ?? [],
      deletedAt: tombstones.get(key) ?? null,
      firstChangedAt: pending.get(key)?.firstChangedAt ?? null,
      moved: isDiffering && !sameRow(first, now),
    };
  });
}

type Outcome = 'again' | 'arrived' | 'in flight' | Omit<Loss, 'table' | 'key'>;

function settleOne(
  look: Look,
  pending: ReadonlyMap<number, Pending>,
  nowMs: number,
  isLast: boolean,
  options: SettleOptions,
): Outcome {
  const { watermark, lagMs, waiting } = options;
  // by now also what happened shortly before the watermark is due, but never what happened after it
  const dueMs = watermark.atMs + Math.min(0, nowMs - lagMs);
  const lenient = judge(look, dueMs >= watermark.atMs ? watermark.at : canonicalTime(dueMs));
  if (lenient.kind === 'same') return 'arrived';
  const verdict: Verdict = waiting && !isLast ? judge(look, watermark.at) : lenient;
  if (verdict.kind === 'in flight') return 'in flight';
  if (verdict.kind === 'same') return 'arrived';
  if (look.moved && verdict.isCertain !== true) {
    const state = pending.get(look.key);
    if (state !== undefined) state.moves += 1;
    return (state?.moves ?? 0) > MOST_MOVES ? 'in flight' : 'again';
  }
  if (!isLast) return 'again';
  return {
    kind: verdict.kind,
    columns: verdict.columns,
    note: verdict.note ?? null,
    source: look.source,
    target: look.target[0] ?? null,
  };
}

function grouped(rows: readonly CanonicalRow[]): Map<number, CanonicalRow[]> {
  const map = new Map<number, CanonicalRow[]>();
  for (const row of rows) {
    const key = Number(row[KEY]);
    const list = map.get(key);
    if (list === undefined) map.set(key, [row]);
    else list.push(row);
  }
  return map;
}

export function batches<T>(list: readonly T[], size = BATCH): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < list.length; at += size) result.push(list.slice(at, at + size));
  return result;
}
