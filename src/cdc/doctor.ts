import type { DatabaseSettings } from '../config/database.ts';
import type { Connections } from '../db/pool.ts';
import { activityChecks } from './checks/activity.ts';
import {
  type Check,
  type CheckOptions,
  type CheckStatus,
  note,
  pass,
  problem,
  type Verdict,
} from './checks/check.ts';
import { publicationChecks } from './checks/publication.ts';
import { readerChecks } from './checks/reader.ts';
import { serverChecks } from './checks/server.ts';
import { slotChecks } from './checks/slots.ts';
import { tableChecks } from './checks/tables.ts';
import { runEndToEnd } from './end-to-end.ts';
import { type ReaderEndpoint, readerEndpoint } from './endpoint.ts';
import type { EndToEnd, Facts } from './facts.ts';
import { PUBLICATION, READER_ROLE } from './names.ts';
import { readFacts } from './read-facts.ts';

export interface DoctorOptions {
  /** MAX_SLOT_LAG in bytes; 0: none. */
  readonly maxSlotLagBytes: number;
  /** MAX_DATABASE_SIZE in bytes; 0: none. */
  readonly maxDatabaseBytes: number;
  readonly readerRole?: string;
  readonly publication?: string;
  /** Default 300. */
  readonly longTransactionSeconds?: number;
  /** Over how long the WAL rate is taken; default 2 s. */
  readonly walWindowMs?: number;
  /** The heartbeat should be seen within this; default 5 s. */
  readonly endToEndLimitMs?: number;
}

export interface DoctorReport {
  /** ms since the epoch, this machine's clock. */
  readonly atMs: number;
  readonly checks: readonly Check[];
  readonly counts: Readonly<Record<CheckStatus, number>>;
  /** Where a reader must connect. */
  readonly reader: ReaderEndpoint & { readonly role: string; readonly publication: string };
}

/** Every judgement but the one that writes: pure. */
export function judgeFacts(facts: Facts, options: CheckOptions): readonly Check[] {
  return [
    ...serverChecks(facts),
    ...readerChecks(facts, options),
    ...tableChecks(facts),
    ...publicationChecks(facts, options),
    ...slotChecks(facts, options),
    ...activityChecks(facts, options),
  ];
}

/**
 * Examines the source: reads the facts once, judges them, and sends a heartbeat through a temporary slot. Changes
 * nothing but the heartbeat row; works before anything is set up. Takes some seconds; rejects only when the database
 * cannot be reached at all.
 */
export async function runDoctor(
  connections: Connections,
  settings: DatabaseSettings,
  options: DoctorOptions,
): Promise<DoctorReport> {
  const wanted: CheckOptions = {
    publication: options.publication ?? PUBLICATION,
    readerRole: options.readerRole ?? READER_ROLE,
    maxSlotLagBytes: options.maxSlotLagBytes,
    maxDatabaseBytes: options.maxDatabaseBytes,
    longTransactionSeconds: options.longTransactionSeconds ?? 300,
  };
  await connections.pool.query('SELECT 1');
  const facts = await readFacts(connections, settings, {
    ...wanted,
    ...(options.walWindowMs === undefined ? {} : { walWindowMs: options.walWindowMs }),
  });
  const judged = judgeFacts(facts, wanted);
  const obstacle = obstacleToEndToEnd(facts, judged);
  const verdict =
    obstacle !== null
      ? note(`not tried: ${obstacle}`)
      : judgeEndToEnd(
          await runEndToEnd(connections.db, settings, { publication: wanted.publication }),
          options.endToEndLimitMs ?? 5_000,
        );
  const checks = [...judged, { id: 'end-to-end', title: 'end to end', ...verdict }];
  const counts = { pass: 0, warn: 0, fail: 0, note: 0 };
  for (const { status } of checks) counts[status] += 1;
  return {
    atMs: Date.now(),
    checks,
    counts,
    reader: {
      ...readerEndpoint(settings),
      role: wanted.readerRole,
      publication: wanted.publication,
    },
  };
}

/** Checks without which no heartbeat can come through: the first that is not right is the one to mend. */
const NEEDED = new Set([
  'primary',
  'wal-level',
  'direct-host',
  'slots-free',
  'senders-free',
  'tables',
  'primary-keys',
  'replica-identity',
  'unlogged',
  'publication-tables',
  'publication-operations',
  'publication-filters',
  'old-transactions',
]);

/** What stands in the way of the end-to-end probe; null: nothing. */
export function obstacleToEndToEnd(facts: Facts, checks: readonly Check[]): string | null {
  const broken = checks.find(
    (c) => NEEDED.has(c.id) && (c.status === 'fail' || (c.status === 'warn' && blocksWhenWarned(c.id))),
  );
  if (broken !== undefined) return `mend "${broken.title}" first`;
  if (facts.currentRole.known) {
    const { superuser, replication, rdsReplication, name } = facts.currentRole.value;
    if (!superuser && !replication && !rdsReplication) return `${name} has no REPLICATION and makes no slot`;
  }
  return null;
}

function blocksWhenWarned(id: string): boolean {
  return id === 'direct-host' || id === 'old-transactions';
}

export function judgeEndToEnd(result: EndToEnd, limitMs: number): Verdict {
  if (result.outcome === 'seen') {
    const detail = `a heartbeat came through a temporary slot in ${Math.round(result.ms)} ms`;
    return result.ms <= limitMs
      ? pass(detail)
      : problem('warn', detail, 'decoding is slow: look at the load of the server and at large transactions');
  }
  if (result.outcome === 'not-seen') {
    return problem(
      'fail',
      `a heartbeat was written and not decoded within ${Math.round(result.waitedMs / 1000)} s`,
      'mend the first check above that is not right, then run doctor again',
    );
  }
  const what = {
    slot: 'no temporary slot could be made',
    heartbeat: 'the heartbeat could not be written',
    decode: 'the temporary slot could not be decoded',
  }[result.step];
  const fix = {
    slot: 'a new slot waits for every running transaction that writes: end old ones (SELECT pid, xact_start, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start)',
    heartbeat:
      'give this role INSERT and UPDATE on public.cdc_heartbeat, or run doctor as the owner of the tables',
    decode: 'run: npm run sim -- setup-cdc',
  }[result.step];
  return problem('fail', `${what}: ${result.reason}`, fix);
}

const LEVELS = { pass: 'ok', note: 'info', warn: 'warning', fail: 'problem' } as const;

/** The report as the status page shows it; a fix is one text, its statements line by line. */
export function findingsOf(report: DoctorReport): readonly {
  readonly level: (typeof LEVELS)[CheckStatus];
  readonly title: string;
  readonly detail: string;
  readonly fix: string | null;
}[] {
  return report.checks.map(({ status, title, detail, fix, sql }) => ({
    level: LEVELS[status],
    title,
    detail,
    fix: fix === undefined ? null : [fix, ...(sql ?? []).map((statement) => `${statement};`)].join('\n'),
  }));
}

const SIGNS: Readonly<Record<CheckStatus, string>> = { pass: '✓', warn: '!', fail: '✗', note: '·' };

/** The report for a terminal: a line a check, and under what is not right the fix. */
export function renderReport(report: DoctorReport): string {
  const lines: string[] = [];
  for (const { status, title, detail, fix, sql } of report.checks) {
    lines.push(`${SIGNS[status]} ${title}: ${detail}`);
    if (fix !== undefined) lines.push(`    fix: ${fix}`);
    for (const statement of sql ?? []) lines.push(`      ${statement};`);
  }
  const { host, port, role, publication, note: endpoint } = report.reader;
  lines.push(
    '',
    `A reader connects to ${host === null ? endpoint : `${host}:${port} (${endpoint})`} as ${role}, publication ${publication}.`,
    summaryLine(report),
    '',
  );
  return lines.join('\n');
}

function summaryLine({ counts }: DoctorReport): string {
  const { fail, warn, note: notes, pass: passed } = counts;
  const parts = [`${passed} right`];
  if (notes > 0) parts.push(`${notes} to note`);
  if (warn > 0) parts.push(`${warn} to look at`);
  parts.push(fail === 0 ? 'nothing fails' : `${fail} failed`);
  return parts.join(', ');
}
