import { literal } from '../../lib/sql-text.ts';
import { type Facts, type ServerFacts, type SlotFacts, valueOr } from '../facts.ts';
import { formatBytes, formatHours } from '../format.ts';
import { slotCap } from '../slot-health.ts';
import {
  type Check,
  type CheckOptions,
  check,
  count,
  list,
  note,
  pass,
  problem,
  type Verdict,
} from './check.ts';

/** From here on a slot that nobody reads is called abandoned. */
const ABANDONED_HOURS = 24;
const ENOUGH_HOURS = 24;
const AIM_HOURS = 48;

/** `max_slot_wal_keep_size` in bytes; null: unlimited, or not known. */
export function keepBytes(server: ServerFacts | null): number | null {
  const mb = Number(server?.settings['max_slot_wal_keep_size'] ?? -1);
  return Number.isFinite(mb) && mb >= 0 ? mb * 1024 * 1024 : null;
}

/** The logical slots of this database. None of them is ever touched. */
export function slotChecks(facts: Facts, options: CheckOptions): readonly Check[] {
  const server = facts.server.known ? facts.server.value : null;
  const cap = slotCap(options.maxSlotLagBytes, keepBytes(server));
  const rate = valueOr(facts.walPerHour, null);
  const ours = (judge: (slots: readonly SlotFacts[]) => Verdict) => (slots: readonly SlotFacts[]) =>
    judge(
      slots.filter(
        (slot) => slot.logical && !slot.temporary && slot.database === (server?.database ?? slot.database),
      ),
    );
  return [
    check('slots-active', 'slots are read', facts.slots, ours(judgeActive)),
    check('slots-status', 'slots have their WAL', facts.slots, ours(judgeStatus)),
    check(
      'slots-retained',
      'WAL retained by slots',
      facts.slots,
      ours((slots) => judgeRetained(slots, cap, rate)),
    ),
    check('slots-abandoned', 'abandoned slots', facts.slots, ours(judgeAbandoned)),
    check('slots-headroom', 'room for a reader that is away', facts.walPerHour, (perHour) =>
      judgeHeadroom(cap, perHour),
    ),
  ];
}

const drop = (slot: SlotFacts) => `SELECT pg_drop_replication_slot(${literal(slot.name)})`;
const abandoned = (slot: SlotFacts) => !slot.active && (slot.idleHours ?? 0) >= ABANDONED_HOURS;

export function judgeActive(slots: readonly SlotFacts[]): Verdict {
  const idle = slots.filter((slot) => !slot.active && !abandoned(slot) && slot.walStatus !== 'lost');
  if (idle.length === 0) {
    const active = slots.filter((slot) => slot.active).length;
    return pass(
      slots.length === 0
        ? 'there is no slot yet: the reader makes its own'
        : `${count(active, 'slot')} read now`,
    );
  }
  return problem(
    'warn',
    `nobody reads ${list(idle.map((slot) => `${slot.name} (${formatBytes(slot.retainedBytes ?? 0)} retained)`))} just now`,
    'start its reader again; only if it will never come back, drop the slot',
    idle.map(drop),
  );
}

export function judgeStatus(slots: readonly SlotFacts[]): Verdict {
  const lost = slots.filter((slot) => slot.walStatus === 'lost');
  if (lost.length > 0) {
    return problem(
      'fail',
      `${list(lost.map((slot) => slot.name))}: lost for good, the server removed WAL that it needed`,
      'drop it, let the reader create it again, and reload the target; then raise max_slot_wal_keep_size to two days of WAL',
      lost.map(drop),
    );
  }
  const near = slots.filter((slot) => slot.walStatus === 'unreserved');
  if (near.length > 0) {
    return problem(
      'fail',
      `${list(near.map((slot) => slot.name))}: past max_slot_wal_keep_size, lost at the next checkpoint`,
      'let the reader catch up now, or raise the limit',
      [`ALTER SYSTEM SET max_slot_wal_keep_size = -1`, 'SELECT pg_reload_conf()'],
    );
  }
  return pass(slots.length === 0 ? 'there is no slot yet' : 'nothing was removed');
}

export function judgeRetained(
  slots: readonly SlotFacts[],
  cap: number | null,
  walPerHour: number | null,
): Verdict {
  const worst = [...slots].sort((a, b) => (b.retainedBytes ?? 0) - (a.retainedBytes ?? 0))[0];
  const retained = worst?.retainedBytes ?? null;
  if (worst === undefined || retained === null) return pass('nothing is retained');
  if (cap === null) {
    return note(
      `${worst.name} retains ${formatBytes(retained)}; no limit is set (MAX_SLOT_LAG, max_slot_wal_keep_size): a reader that stays away fills the disk`,
    );
  }
  const share = cap === 0 ? 1 : retained / cap;
  const left = walPerHour !== null && walPerHour > 0 ? (cap - retained) / walPerHour : null;
  const detail = `${worst.name} retains ${formatBytes(retained)} from its restart_lsn on, ${Math.round(share * 100)} % of ${formatBytes(cap)}${left === null || left < 0 ? '' : `, ${formatHours(left)} left at the present rate if it stands still`}`;
  if (share < 0.5) return pass(detail);
  const fix = worst.active
    ? 'lower ORDERS_PER_MINUTE until its reader has caught up; look for old transactions; or raise the limit'
    : 'start its reader again, raise the limit, or drop the slot if it is abandoned';
  return problem(share < 0.8 ? 'warn' : 'fail', detail, fix, worst.active ? [] : [drop(worst)]);
}

export function judgeAbandoned(slots: readonly SlotFacts[]): Verdict {
  const gone = slots.filter((slot) => abandoned(slot) && slot.walStatus !== 'lost');
  if (gone.length === 0) return pass('none');
  return problem(
    'fail',
    `${list(gone.map((slot) => `${slot.name} (unread for ${formatHours(slot.idleHours ?? 0)}, ${formatBytes(slot.retainedBytes ?? 0)} retained)`))}`,
    'if its reader will not come back, drop the slot: what it has not read is then lost to it',
    gone.map(drop),
  );
}

/** How long a reader may be away before a slot reaches the limit. */
export function judgeHeadroom(cap: number | null, walPerHour: number): Verdict {
  const rate = `${formatBytes(walPerHour)} of WAL an hour, by the last seconds`;
  if (cap === null) return note(`${rate}; no limit is set: the disk is the limit`);
  if (walPerHour <= 0) return pass(`no WAL is written just now; limit ${formatBytes(cap)}`);
  const hours = cap / walPerHour;
  const detail = `${rate}: ${formatBytes(cap)} last ${formatHours(hours)}`;
  if (hours >= ENOUGH_HOURS) return pass(hours >= AIM_HOURS ? detail : `${detail}; aim for two days`);
  const wanted = `${Math.ceil((walPerHour * AIM_HOURS) / 1024 ** 3)}GB`;
  return problem(
    'warn',
    detail,
    `room for two days is ${wanted}: raise MAX_SLOT_LAG and, where it is set, max_slot_wal_keep_size; or lower ORDERS_PER_MINUTE`,
  );
}
