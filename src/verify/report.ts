import type { EventComparison } from './events.ts';
import { type DifferenceClass, differenceClasses } from './judge.ts';
import type { Latency } from './probe.ts';
import type { CanonicalRow } from './target.ts';

/** One difference, for who must look into it. */
export interface Difference {
  readonly table: string;
  readonly key: number;
  readonly kind: DifferenceClass;
  /** Columns that differ, with both values. */
  readonly columns: readonly {
    readonly name: string;
    readonly source: string | null;
    readonly target: string | null;
  }[];
  readonly note: string | null;
  readonly sourceSql: string;
  readonly targetSql: string;
}

/** An order that does not hang together at the target: a consequence of differences that are listed apart. */
export interface TornOrder {
  readonly order: number;
  readonly reasons: readonly string[];
  readonly targetSql: string;
}

export type ClassCounts = Readonly<Record<DifferenceClass, number>>;

export interface TableReport {
  readonly table: string;
  readonly sourceRows: number;
  readonly targetRows: number;
  readonly counts: ClassCounts;
  readonly inFlight: number;
  /** Differed at first, and had arrived when read again. */
  readonly arrivedMeanwhile: number;
}

export interface VerifyReport {
  readonly ok: boolean;
  /** In one sentence. */
  readonly summary: string;
  readonly source: string;
  readonly target: string;
  /** Of the source, UTC. */
  readonly watermark: { readonly at: string; readonly lsn: string | null; readonly snapshot: string };
  readonly lagMs: number;
  readonly waitMs: number;
  readonly tookMs: number;
  readonly tables: readonly TableReport[];
  readonly counts: ClassCounts;
  readonly inFlight: number;
  /** Up to {@link MOST_EXAMPLES} a table and class; `counts` has them all. */
  readonly differences: readonly Difference[];
  readonly tornOrders: readonly TornOrder[];
  /** Tables and columns that the target lacks, each a sentence with what to do. */
  readonly shapeProblems: readonly string[];
  /** null: not asked for, or the heartbeat was not among the tables. */
  readonly latency: Latency | null;
  readonly events: readonly EventComparison[] | null;
  readonly notes: readonly string[];
}

export const MOST_EXAMPLES = 50;

export function noCounts(): Record<DifferenceClass, number> {
  return { missing: 0, stale: 0, extra: 0, resurrected: 0, wrong: 0 };
}

export function sumCounts(counts: ClassCounts): number {
  return differenceClasses.reduce((sum, kind) => sum + counts[kind], 0);
}

/** Both values of every column that differs. */
export function columnValues(
  columns: readonly string[],
  source: CanonicalRow | null,
  target: CanonicalRow | null,
): Difference['columns'] {
  return columns.map((name) => ({ name, source: source?.[name] ?? null, target: target?.[name] ?? null }));
}

type Findings = Omit<VerifyReport, 'ok' | 'summary'>;

/** Judges the whole: nothing lost, nothing torn, all tables there, and probes (where sent) arriving. */
export function conclude(findings: Findings): Pick<VerifyReport, 'ok' | 'summary'> {
  const { counts, tornOrders, shapeProblems, latency, events, inFlight } = findings;
  const problems: string[] = [];
  const lost = differenceClasses.filter((kind) => counts[kind] > 0);
  if (lost.length > 0) {
    const total = sumCounts(counts);
    const list = lost.map((kind) => `${counts[kind]} ${kind === 'wrong' ? 'wrong value' : kind}`).join(', ');
    problems.push(`${total} ${total === 1 ? 'row differs' : 'rows differ'} (${list})`);
  }
  if (tornOrders.length > 0) {
    problems.push(`${tornOrders.length} torn ${tornOrders.length === 1 ? 'order' : 'orders'}`);
  }
  problems.push(...shapeProblems);
  const lostEvents = (events ?? []).filter(({ verdict }) => verdict === 'lost');
  for (const { table, op, noted, arrived } of lostEvents) {
    problems.push(`${noted - arrived} of ${noted} ${op} events of ${table} did not arrive`);
  }
  if (latency !== null && latency.sent > 0 && latency.arrived === 0) {
    problems.push('no probe arrived: nothing moves from source to target at present');
  }
  const moving = inFlight === 0 ? '' : ` (${inFlight} newer ${inFlight === 1 ? 'row' : 'rows'} in flight)`;
  if (problems.length > 0) return { ok: false, summary: `${problems.join('; ')}${moving}` };
  return { ok: true, summary: `everything up to the watermark has arrived${moving}` };
}
