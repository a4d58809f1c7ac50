import Table from 'cli-table3';
import type { StatusReport } from './status-report.ts';

const number = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });

/** 1536 → `1.5 kB`; units are powers of 1024, as PostgreSQL counts. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number.format(value)} ${units[unit]}`;
}

function ago(iso: string | null, nowMs: number): string {
  if (iso === null) return 'never';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], color: boolean): string {
  const numeric = head.map(
    (_name, column) => column > 0 && rows.every((row) => /^[+–\d]/.test(row[column] ?? '')),
  );
  const made = new Table({
    head: [...head],
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
    style: color ? { head: ['bold'], border: ['gray'] } : { head: [], border: [] },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

/** The neat tables of `cdc-sim status`. */
export function statusTables(report: StatusReport, options: { readonly color: boolean }): string {
  const nowMs = Date.parse(report.at);
  const { color } = options;
  const parts = [
    summary(report),
    table(['state', 'orders', 'in the last minute'], stateRows(report), color),
    report.workers.length === 0
      ? 'No worker lives: start one with npm start.'
      : table(
          ['worker', 'share', 'orders/min', 'since'],
          report.workers.map(({ name, share, placedPerMinute, startedAt }) => [
            name,
            `${number.format(share * 100)} %`,
            number.format(placedPerMinute),
            ago(startedAt, nowMs),
          ]),
          color,
        ),
    report.slots.length === 0
      ? 'No replication slot: nobody reads the changes (npm run sim -- setup-cdc prepares for a reader).'
      : table(
          ['slot', 'plugin', 'reader', 'WAL kept', 'status'],
          report.slots.map(({ name, plugin, active, retainedBytes, walStatus }) => [
            name,
            plugin ?? '–',
            active ? 'connected' : 'none',
            formatBytes(retainedBytes),
            walStatus ?? '–',
          ]),
          color,
        ),
    `heartbeat ${ago(report.lastHeartbeatAt, nowMs)} · database ${formatBytes(report.databaseBytes)} · ${number.format(report.dueBacklog)} steps due`,
  ];
  return `${parts.join('\n')}\n`;
}

function summary(report: StatusReport): string {
  const { ratePerMinute, rateOverride, configuredRate, paused, heldBy, achievedPerMinute } = report;
  const origin =
    rateOverride === null
      ? 'ORDERS_PER_MINUTE'
      : `set at run time; ORDERS_PER_MINUTE is ${number.format(configuredRate)}`;
  const lines = [
    `${report.where}${report.shop === null ? '' : ` · seed ${report.shop.seed}`}`,
    `${number.format(achievedPerMinute)} orders a minute of ${number.format(ratePerMinute)} (${origin})`,
  ];
  if (paused) lines.push('PAUSED by the operator: npm run sim -- resume');
  for (const reason of heldBy) lines.push(`PAUSED: ${reason}`);
  return lines.join('\n');
}

/** By which event orders come into a state. */
const ARRIVES_BY: Readonly<Record<string, string>> = {
  Pendente: 'placed',
  Processando: 'approved',
  Enviado: 'shipped',
  Entregue: 'delivered',
  Cancelado: 'cancelled',
  Devolvido: 'returned',
};

function stateRows(report: StatusReport): string[][] {
  return Object.entries(report.orders).map(([state, count]) => {
    const event = ARRIVES_BY[state] ?? '';
    const moved = report.movedLastMinute[event] ?? 0;
    return [state, number.format(count), `+${number.format(moved)} ${event}`];
  });
}
