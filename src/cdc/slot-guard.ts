import { sql } from 'kysely';
import { Complaints } from '../db/complaints.ts';
import type { Db } from '../db/pool.ts';
import type { Announcer } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import type { TrafficGate } from '../traffic/gate.ts';
import { growthPerHour, hoursUntil, keepSamples, type Sample } from './growth.ts';
import { DOCTOR_SLOT } from './names.ts';
import {
  judgeSlots,
  type SlotReading,
  type SlotStep,
  slotCap,
  slotMessage,
  slotStep,
} from './slot-health.ts';

const POLL_EVERY_MS = 5_000;
/** Growth is taken over this long. */
const WINDOW_MS = 5 * 60_000;
const MIN_SPAN_MS = 10_000;

/** Of {@link import('../db/watch.ts').DatabaseWatch}: who says whether the database answers, and takes its errors. */
export interface ErrorSink {
  readonly up: boolean;
  report(error: unknown): boolean;
}

export interface SlotGuardOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly watch: ErrorSink;
  readonly announcer: Announcer;
  readonly gate: TrafficGate;
  readonly logger: Logger;
  /** MAX_SLOT_LAG; 0: warns of the server's own limit, and never pauses. */
  readonly maxSlotLagBytes: number;
  readonly pollEveryMs?: number;
}

interface SlotRow {
  slot_name: string;
  plugin: string | null;
  active: boolean;
  wal_status: string | null;
  retained: number | null;
  restart_lsn: string | null;
  confirmed_flush_lsn: string | null;
  keep_mb: string;
}

/**
 * Watches the logical slots of the source database: warns as retained WAL grows, pauses traffic at the cap, resumes
 * by itself. Retained WAL counts from `restart_lsn`: that, and not the confirmed position, is what the disk holds.
 * Touches no slot.
 */
export class SlotGuard implements Service {
  readonly name = 'slot guard';
  readonly #options: SlotGuardOptions;
  readonly #abort = new AbortController();
  readonly #complaints: Complaints;
  readonly #history = new Map<string, readonly Sample[]>();
  readonly #told = new Map<string, SlotStep | 'lost'>();
  #readings: readonly SlotReading[] = [];
  #readAtMs: number | null = null;
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: SlotGuardOptions) {
    this.#options = options;
    this.#complaints = new Complaints(options.logger, () => performance.now());
    this.stop = once(async () => {
      this.#abort.abort();
      await this.#loop;
    });
  }

  /** The latest readings, by name. */
  readings(): readonly SlotReading[] {
    return this.#readings;
  }

  /** When they were taken, ms since the epoch; null: not yet. */
  get readAtMs(): number | null {
    return this.#readAtMs;
  }

  async start(): Promise<void> {
    await this.#pollSafely();
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    while (await delay(this.#options.pollEveryMs ?? POLL_EVERY_MS, this.#abort.signal)) {
      await this.#pollSafely();
    }
  }

  async #pollSafely(): Promise<void> {
    const { watch } = this.#options;
    if (!watch.up) return;
    try {
      await this.poll();
    } catch (error) {
      if (watch.report(error)) return;
      this.#complaints.tell('could not read the replication slots', error);
    }
  }

  /** Reads the slots once, tells what is new, pauses or resumes. */
  async poll(): Promise<void> {
    const rows = await readSlots(this.#options.db);
    const nowMs = this.#options.clock.nowMs();
    this.#readings = rows.map((row) => this.#reading(row, nowMs));
    this.#readAtMs = nowMs;
    const names = new Set(rows.map((row) => row.slot_name));
    for (const name of this.#history.keys()) if (!names.has(name)) this.#history.delete(name);
    for (const name of this.#told.keys()) if (!names.has(name)) this.#told.delete(name);
    for (const reading of this.#readings) this.#tell(reading);
    const { gate, maxSlotLagBytes } = this.#options;
    const verdict = judgeSlots(this.#readings, maxSlotLagBytes > 0);
    if (verdict.pause !== null) gate.pause('slot', verdict.pause);
    else if (verdict.resume !== null) gate.resume('slot', verdict.resume);
  }

  #reading(row: SlotRow, nowMs: number): SlotReading {
    const keepMb = Number(row.keep_mb);
    const capBytes = slotCap(this.#options.maxSlotLagBytes, keepMb >= 0 ? keepMb * 1024 * 1024 : null);
    let perHour: number | null = null;
    if (row.retained === null) this.#history.delete(row.slot_name);
    else {
      const sample = { atMs: nowMs, bytes: row.retained };
      const samples = keepSamples(this.#history.get(row.slot_name) ?? [], sample, WINDOW_MS, 1_000);
      this.#history.set(row.slot_name, samples);
      perHour = growthPerHour(samples, WINDOW_MS, MIN_SPAN_MS);
    }
    return {
      name: row.slot_name,
      plugin: row.plugin,
      active: row.active,
      walStatus: row.wal_status,
      retainedBytes: row.retained,
      capBytes,
      hoursLeft: row.retained === null ? null : hoursUntil(row.retained, capBytes, perHour),
      restartLsn: row.restart_lsn,
      confirmedFlushLsn: row.confirmed_flush_lsn,
    };
  }

  #tell(reading: SlotReading): void {
    const before = this.#told.get(reading.name) ?? 0;
    const now = reading.walStatus === 'lost' ? 'lost' : slotStep(reading);
    if (now === before) return;
    const { announcer } = this.#options;
    const rank = (step: SlotStep | 'lost') => (step === 'lost' ? Number.POSITIVE_INFINITY : step);
    if (rank(now) > rank(before)) {
      this.#told.set(reading.name, now);
      announcer.warn('slot.lag', { ...reading, step: now }, slotMessage(reading));
    } else if (now === 0) {
      this.#told.delete(reading.name);
      announcer.info('slot.lag', { ...reading, step: now }, `slot ${reading.name} has caught up`);
    }
  }
}

async function readSlots(db: Db): Promise<readonly SlotRow[]> {
  const result = await sql<SlotRow>`
    SELECT slot_name::text, plugin::text, active, wal_status,
      pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
        restart_lsn)::float8 AS retained,
      restart_lsn::text, confirmed_flush_lsn::text,
      (SELECT setting FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep_mb
    FROM pg_replication_slots
    WHERE slot_type = 'logical' AND database = current_database() AND slot_name NOT LIKE ${`${DOCTOR_SLOT}%`}
    ORDER BY slot_name`.execute(db);
  return result.rows;
}
