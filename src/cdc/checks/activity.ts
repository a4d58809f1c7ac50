import { literal } from '../../lib/sql-text.ts';
import { isSupabaseHost } from '../endpoint.ts';
import type { ActivityFacts, Facts, ServerFacts, SpillFacts, TransactionFacts } from '../facts.ts';
import { formatBytes, formatHours } from '../format.ts';
import { type Check, type CheckOptions, check, list, note, pass, problem, type Verdict } from './check.ts';

/** What holds slots back, and what grows. */
export function activityChecks(facts: Facts, options: CheckOptions): readonly Check[] {
  return [
    check('old-transactions', 'old transactions', facts.activity, (activity) =>
      judgeTransactions(activity, options.longTransactionSeconds),
    ),
    check('spill', 'decoding spilled to disk', facts.spill, judgeSpill),
    check('clock', 'clock', facts.server, judgeClock),
    check('storage', 'database size', facts.server, (server) =>
      judgeStorage(
        server.databaseBytes,
        facts.growth.known ? facts.growth.value.bytesPerDay : null,
        options.maxDatabaseBytes,
        isSupabaseHost(facts.address.host),
      ),
    ),
  ];
}

export function judgeTransactions(activity: ActivityFacts, limitSeconds: number): Verdict {
  const old = activity.transactions.filter((transaction) => transaction.ageSeconds >= limitSeconds);
  const hidden = activity.hidden === 0 ? '' : `; ${activity.hidden} sessions are hidden from this role`;
  if (old.length === 0) return pass(`none over ${formatHours(limitSeconds / 3600)}${hidden}`);
  const name = (t: TransactionFacts) =>
    t.preparedAs === null
      ? `pid ${t.pid} (${t.state}${t.application === '' ? '' : `, ${t.application}`}, ${Math.round(t.ageSeconds)} s)`
      : `prepared ${t.preparedAs} (${Math.round(t.ageSeconds)} s)`;
  return problem(
    'warn',
    `${list(old.map(name))}: slots keep WAL from before it on, and new slots wait for it${hidden}`,
    'end it if it is nobody’s work, and set idle_in_transaction_session_timeout',
    old.map((t) =>
      t.preparedAs === null
        ? `SELECT pg_terminate_backend(${t.pid})`
        : `ROLLBACK PREPARED ${literal(t.preparedAs)}`,
    ),
  );
}

export function judgeSpill(spills: readonly SpillFacts[]): Verdict {
  const spilled = spills.filter((spill) => spill.spillBytes > 0);
  if (spilled.length === 0) return pass('nothing');
  return problem(
    'note',
    `${list(spilled.map((s) => `${s.slot}: ${formatBytes(s.spillBytes)} in ${s.spillCount} times`))} since its statistics began`,
    'if it keeps growing: lower ORDERS_PER_TRANSACTION, or give decoding more memory',
    [`ALTER SYSTEM SET logical_decoding_work_mem = '256MB'`, 'SELECT pg_reload_conf()'],
  );
}

export function judgeClock({ clockOffsetMs, roundTripMs }: ServerFacts): Verdict {
  const off = Math.max(Math.abs(clockOffsetMs) - roundTripMs / 2, 0);
  if (off < 1_000) return pass(`within ${Math.max(Math.ceil(off / 100) / 10, 0.1)} s of this machine`);
  const side = clockOffsetMs > 0 ? 'ahead of' : 'behind';
  return problem(
    'warn',
    `the database is ${(off / 1000).toFixed(1)} s ${side} this machine (the simulator writes the database's time)`,
    'set both by NTP: lag that a reader shows is wrong by as much',
  );
}

const SUPABASE_FREE_BYTES = 500 * 1024 * 1024;

export function judgeStorage(
  bytes: number | null,
  bytesPerDay: number | null,
  maxDatabaseBytes: number,
  supabase: boolean,
): Verdict {
  if (bytes === null) return note('not known: this role may not measure the database');
  const growth = bytesPerDay === null ? 'growth not known yet' : `${formatBytes(bytesPerDay)} a day`;
  const cap = maxDatabaseBytes > 0 ? maxDatabaseBytes : null;
  const detail = `${formatBytes(bytes)}, ${growth}`;
  const fix = 'raise MAX_DATABASE_SIZE, set RETENTION_DAYS, or lower ORDERS_PER_MINUTE';
  if (cap === null) {
    if (supabase && bytes >= SUPABASE_FREE_BYTES * 0.6) {
      return problem(
        'warn',
        `${detail}; Supabase's free plan ends at 500 MB`,
        'set MAX_DATABASE_SIZE=450MB and RETENTION_DAYS, unless the project is on a paid plan',
      );
    }
    return pass(detail);
  }
  if (bytes >= cap)
    return problem(
      'fail',
      `${detail}; MAX_DATABASE_SIZE ${formatBytes(cap)} is reached: traffic stands still`,
      fix,
    );
  const days = bytesPerDay === null || bytesPerDay <= 0 ? null : (cap - bytes) / bytesPerDay;
  const left = days === null ? '' : `, ${days < 10 ? days.toFixed(1) : Math.round(days)} days left`;
  const whole = `${detail}; MAX_DATABASE_SIZE ${formatBytes(cap)}${left}`;
  return (days !== null && days < 2) || bytes >= cap * 0.8 ? problem('warn', whole, fix) : pass(whole);
}
