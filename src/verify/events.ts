import { delay } from '../lib/backoff.ts';
import { OperatorError } from '../lib/errors.ts';
import type { Source } from './source-side.ts';
import type { EventCount, Target } from './target.ts';

/** The number of change events of one kind on both sides. */
export interface EventComparison {
  readonly table: string;
  readonly op: 'I' | 'U' | 'D';
  /** By the ledger, when the comparison began. */
  readonly noted: number;
  /** By the ledger, when it ended: traffic goes on meanwhile. */
  readonly notedLater: number;
  readonly arrived: number;
  /** `more` is no loss: delivery is at least once. */
  readonly verdict: 'equal' | 'lost' | 'more';
}

/** Compares counts; rows of the first copy (`R`) stand for the inserts that the target never saw as events. */
export function compareEvents(
  before: readonly EventCount[],
  arrived: readonly EventCount[],
  after: readonly EventCount[],
  tables: readonly string[],
): EventComparison[] {
  const count = (list: readonly EventCount[], table: string, ops: readonly string[]) =>
    list.filter((c) => c.table === table && ops.includes(c.op)).reduce((sum, c) => sum + c.count, 0);
  return tables.flatMap((table) =>
    (['I', 'U', 'D'] as const).map((op) => {
      const noted = count(before, table, [op]);
      const notedLater = count(after, table, [op]);
      const seen = count(arrived, table, op === 'I' ? ['I', 'R'] : [op]);
      const verdict = seen < noted ? 'lost' : seen > notedLater ? 'more' : 'equal';
      return { table, op, noted, notedLater, arrived: seen, verdict };
    }),
  );
}

/** Counts until everything that the ledger noted at the beginning has arrived, or the time is over. */
export async function verifyEvents(
  source: Source,
  target: Target,
  tables: readonly string[],
  options: { readonly since: string | null; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly EventComparison[]> {
  const countEvents = target.eventCounts?.bind(target);
  const appending = countEvents ? new Set((await countEvents(tables)).map(({ table }) => table)) : new Set();
  if (countEvents === undefined || appending.size === 0) {
    throw new OperatorError('no table of the target says which operation its rows are', {
      fix: 'leave --events out: it is for targets that append every change event (Hevo in append mode: column __hevo_op_type)',
    });
  }
  const listed = tables.filter((table) => appending.has(table));
  const before = await source.ledger(listed, options.since);
  const startedMs = performance.now();
  for (;;) {
    const arrived = await countEvents(listed);
    const comparison = compareEvents(before, arrived, await source.ledger(listed, options.since), listed);
    const isOver = performance.now() - startedMs > options.timeoutMs;
    if (isOver || comparison.every(({ verdict }) => verdict !== 'lost')) return comparison;
    if (!(await delay(target.pollMs, options.signal))) return comparison;
  }
}
