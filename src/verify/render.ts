import Table from 'cli-table3';
import { differenceClasses } from './judge.ts';
import { type Difference, sumCounts, type VerifyReport } from './report.ts';

/** Examples of one table and class that are printed; `--json` has more. */
const MOST_PRINTED = 10;

/** The report as an operator reads it: the worst last, where the eye is. */
export function renderReport(report: VerifyReport): string {
  const lines = [
    `source     ${report.source}`,
    `target     ${report.target}`,
    `watermark  ${report.watermark.at} UTC${report.watermark.lsn === null ? '' : `, LSN ${report.watermark.lsn}`}`,
    '',
    tableOfTables(report),
    '',
    ...report.notes.map((note) => `! ${note}`),
    ...latencyLines(report),
    ...eventLines(report),
    ...differenceLines(report.differences),
    ...report.tornOrders
      .slice(0, MOST_PRINTED)
      .flatMap((torn) => [
        `✗ order ${torn.order} is torn at the target: ${torn.reasons.join('; ')}`,
        `    at the target: ${torn.targetSql}`,
      ]),
    ...more(report.tornOrders.length, 'torn orders'),
    ...report.shapeProblems.map((problem) => `✗ ${problem}`),
    `${report.ok ? '✓' : '✗'} ${report.summary} (${(report.tookMs / 1000).toFixed(1)} s)`,
  ];
  return `${lines.join('\n')}\n`;
}

function tableOfTables(report: VerifyReport): string {
  const found = differenceClasses.filter((kind) => report.counts[kind] > 0);
  const table = new Table({
    head: ['table', 'source', 'target', ...(found.length === 0 ? ['differences'] : found), 'in flight'],
    colAligns: ['left', ...Array<'right'>(found.length + 4).fill('right')],
    style: { head: [], border: [], compact: true },
  });
  for (const row of report.tables) {
    const counts = found.length === 0 ? [0] : found.map((kind) => row.counts[kind]);
    table.push([row.table, row.sourceRows, row.targetRows, ...counts, row.inFlight].map(String));
  }
  return table.toString();
}

function latencyLines({ latency }: VerifyReport): string[] {
  if (latency === null) return [];
  if (latency.note !== null && latency.arrived === 0) return [`! latency not measured: ${latency.note}`];
  const late = latency.sent - latency.arrived;
  const figures =
    latency.arrived === 0
      ? ''
      : `: p50 ${latency.p50Ms} ms, p95 ${latency.p95Ms} ms, p99 ${latency.p99Ms} ms until readable at the target`;
  return [`${late === 0 ? '✓' : '!'} ${latency.arrived} of ${latency.sent} probes arrived${figures}`];
}

function eventLines({ events }: VerifyReport): string[] {
  return (events ?? []).map(({ table, op, noted, arrived, verdict }) => {
    const mark = verdict === 'lost' ? '✗' : verdict === 'more' ? '!' : '✓';
    const word = verdict === 'more' ? ' (delivered more than once)' : '';
    return `${mark} ${table} ${op}: ${arrived} events arrived, ${noted} noted by the ledger${word}`;
  });
}

function differenceLines(differences: readonly Difference[]): string[] {
  const printed = new Map<string, number>();
  const lines: string[] = [];
  for (const difference of differences) {
    const group = `${difference.table} ${difference.kind}`;
    const count = (printed.get(group) ?? 0) + 1;
    printed.set(group, count);
    if (count > MOST_PRINTED) continue;
    const word = difference.kind === 'wrong' ? 'wrong value' : difference.kind;
    const note = difference.note === null ? '' : ` (${difference.note})`;
    lines.push(`✗ ${difference.table} ${difference.key}: ${word}${note}`);
    for (const { name, source, target } of difference.columns) {
      lines.push(`    ${name}: ${shown(source)} at the source, ${shown(target)} at the target`);
    }
    lines.push(`    at the source: ${difference.sourceSql}`, `    at the target: ${difference.targetSql}`);
  }
  for (const [group, count] of printed) lines.push(...more(count, group));
  return lines;
}

function more(count: number, what: string): string[] {
  return count > MOST_PRINTED ? [`  … and more ${what}: --json lists them`] : [];
}

function shown(value: string | null): string {
  if (value === null) return 'NULL';
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

/** Sentence for the log and the status page. */
export function shortSummary(report: VerifyReport): string {
  const rows = report.tables.reduce((sum, { sourceRows }) => sum + sourceRows, 0);
  return report.ok
    ? `${rows} rows in ${report.tables.length} tables compared: ${report.summary}`
    : `${sumCounts(report.counts)} differences: ${report.summary}`;
}
