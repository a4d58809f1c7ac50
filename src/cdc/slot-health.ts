import { literal } from '../lib/sql-text.ts';
import { formatBytes, formatHours } from './format.ts';

/** One logical slot of the source database at one moment. */
export interface SlotReading {
  readonly name: string;
  readonly plugin: string | null;
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string | null;
  /** WAL that the server must keep for it, from `restart_lsn` on; null for a lost slot. */
  readonly retainedBytes: number | null;
  /** Where it becomes dangerous: traffic pauses there, if it may; null: no limit is known. */
  readonly capBytes: number | null;
  /** Until the cap at the growth just seen; null: not growing, or not known yet. */
  readonly hoursLeft: number | null;
  readonly restartLsn: string | null;
  readonly confirmedFlushLsn: string | null;
}

/** Parts of the cap at which the operator is told. */
export const SLOT_STEPS = [25, 50, 80, 100] as const;
export type SlotStep = 0 | (typeof SLOT_STEPS)[number];
/** Traffic resumes below this part of the cap. */
export const RESUME_BELOW = 0.8;
/** A server that invalidates slots does so at its own limit: ours must come before. */
const KEEP_SIZE_SHARE = 0.9;

/**
 * Bytes at which a slot is in danger: MAX_SLOT_LAG, or 90 % of `max_slot_wal_keep_size` where that is less.
 *
 * @param maxSlotLagBytes 0: none
 * @param keepBytes `max_slot_wal_keep_size` in bytes; null: unlimited
 */
export function slotCap(maxSlotLagBytes: number, keepBytes: number | null): number | null {
  const caps = [
    ...(maxSlotLagBytes > 0 ? [maxSlotLagBytes] : []),
    ...(keepBytes === null ? [] : [Math.floor(keepBytes * KEEP_SIZE_SHARE)]),
  ];
  return caps.length === 0 ? null : Math.min(...caps);
}

/** The highest step that the slot has reached. */
export function slotStep(reading: Pick<SlotReading, 'retainedBytes' | 'capBytes'>): SlotStep {
  const { retainedBytes, capBytes } = reading;
  if (retainedBytes === null || capBytes === null) return 0;
  const percent = capBytes === 0 ? 100 : (retainedBytes / capBytes) * 100;
  return [...SLOT_STEPS].reverse().find((step) => percent >= step) ?? 0;
}

export interface SlotVerdict {
  /** Set: traffic must stand still; a sentence that ends with what to do. */
  readonly pause: string | null;
  /** Set: traffic may flow again, if a slot held it. */
  readonly resume: string | null;
}

/**
 * Whether traffic may flow. Between 80 and 100 % of the cap nothing changes, so that it does not flutter. A lost
 * slot keeps no WAL and holds nothing up.
 *
 * @param mayPause MAX_SLOT_LAG is not 0
 */
export function judgeSlots(readings: readonly SlotReading[], mayPause: boolean): SlotVerdict {
  if (!mayPause) return { pause: null, resume: 'MAX_SLOT_LAG is 0' };
  const worst = worstSlot(readings);
  if (worst === undefined) return { pause: null, resume: 'no slot retains WAL' };
  const { reading, share } = worst;
  if (share >= 1) return { pause: pauseReason(reading), resume: null };
  if (share >= RESUME_BELOW) return { pause: null, resume: null };
  return {
    pause: null,
    resume: `slot ${reading.name} retains ${formatBytes(reading.retainedBytes ?? 0)}, below 80 % of ${formatBytes(reading.capBytes ?? 0)}`,
  };
}

function worstSlot(readings: readonly SlotReading[]): { reading: SlotReading; share: number } | undefined {
  return readings
    .flatMap((reading) =>
      reading.retainedBytes === null || reading.capBytes === null
        ? []
        : [{ reading, share: reading.capBytes === 0 ? 1 : reading.retainedBytes / reading.capBytes }],
    )
    .sort((a, b) => b.share - a.share)[0];
}

function pauseReason(reading: SlotReading): string {
  const what = `slot ${reading.name} retains ${formatBytes(reading.retainedBytes ?? 0)} of WAL (limit ${formatBytes(reading.capBytes ?? 0)})`;
  return reading.active
    ? `${what}: its reader is connected but does not keep up; let it catch up, or raise MAX_SLOT_LAG`
    : `${what} and nobody reads it: start its reader again, or, if the slot is abandoned, SELECT pg_drop_replication_slot(${literal(reading.name)})`;
}

/** One line about a slot that has reached a step; ends with what to do. */
export function slotMessage(reading: SlotReading): string {
  if (reading.walStatus === 'lost') {
    return `slot ${reading.name} is lost: the server removed WAL that it needed; SELECT pg_drop_replication_slot(${literal(reading.name)}), create it again and reload the target`;
  }
  const retained = formatBytes(reading.retainedBytes ?? 0);
  const { capBytes, hoursLeft } = reading;
  const share =
    capBytes === null || capBytes === 0
      ? ''
      : `, ${Math.round(((reading.retainedBytes ?? 0) / capBytes) * 100)} % of ${formatBytes(capBytes)}`;
  const left = hoursLeft === null ? '' : `, ${formatHours(hoursLeft)} left at the present rate`;
  const advice = reading.active
    ? 'its reader does not keep up: let it catch up, or lower ORDERS_PER_MINUTE'
    : 'nobody reads it: start its reader again, or drop the slot if it is abandoned';
  return `slot ${reading.name} retains ${retained} of WAL${share}${left}; ${advice}`;
}
