import Table from 'cli-table3';
import type { Row } from './targets.ts';

const START = '<!-- measurements: written by npm run realism -->';
const END = '<!-- end of measurements -->';

/** A figure as it is printed: with its digits, without a trailing minus zero. */
function figure(value: number, digits: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(digits);
}

/** "≤ 0.03", "0", or "1.8 – 3.2". */
export function rangeText({ low, high, digits }: Row): string {
  if (low === high) return figure(low, digits);
  return low === 0 ? `≤ ${figure(high, digits)}` : `${figure(low, digits)} – ${figure(high, digits)}`;
}

/** The table for a terminal. */
export function terminalTable(rows: readonly Row[]): string {
  const table = new Table({
    head: ['part', 'figure', 'measured', 'wanted', ''],
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    table.push([
      row.part,
      row.what,
      figure(row.value, row.digits),
      rangeText(row),
      row.pass ? 'pass' : 'FAIL',
    ]);
  }
  return table.toString();
}

/** The table in Markdown. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = rows.map(
    (row) =>
      `| ${row.part} | ${row.what} | ${figure(row.value, row.digits)} | ${rangeText(row)} | ${row.pass ? 'pass' : '**fail**'} |`,
  );
  return ['| part | figure | measured | wanted | |', '|---|---|---:|---:|---|', ...lines].join('\n');
}

/** The document with its measured part replaced. Throws when the marks are missing. */
export function withMeasurements(document: string, measurements: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`docs/realism.md has lost its marks "${START}" and "${END}"`);
  return `${document.slice(0, start + START.length)}\n\n${measurements}\n\n${document.slice(end)}`;
}
