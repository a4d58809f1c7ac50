import { sql } from 'kysely';
import { Complaints } from '../db/complaints.ts';
import { claimJob } from '../db/jobs.ts';
import type { Db } from '../db/pool.ts';
import { readSetting, writeSetting } from '../db/settings.ts';
import type { Announcer } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import type { TrafficGate } from '../traffic/gate.ts';
import { formatBytes, formatHours } from './format.ts';
import { growthPerHour, hoursUntil, keepSamples, type Sample } from './growth.ts';
import type { ErrorSink } from './slot-guard.ts';

const POLL_EVERY_MS = 15_000;
const HOUR_MS = 3_600_000;
const KEEP_MS = 24 * HOUR_MS;
const SAMPLE_EVERY_MS = 60_000;
const MIN_SPAN_MS = 60_000;
/** The history that survives a restart, and that `doctor` reads: this often, kept for a day. */
const STORE_EVERY_MS = 10 * 60_000;
const RESUME_BELOW = 0.95;
const NEAR_SHARE = 0.8;

export interface StorageReading {
  readonly atMs: number;
  readonly bytes: number;
  /** Over the last hour, or since there are readings; null: too early to say. */
  readonly growthPerHour: number | null;
  /** Over the last day where there are readings, else 24 times the hour's. */
  readonly growthPerDay: number | null;
  /** MAX_DATABASE_SIZE; null: none. */
  readonly capBytes: number | null;
  /** Until the cap; null: no cap, or no growth. */
  readonly hoursLeft: number | null;
}

export interface StorageGuardOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly watch: ErrorSink;
  readonly announcer: Announcer;
  readonly gate: TrafficGate;
  readonly logger: Logger;
  /** MAX_DATABASE_SIZE; 0: measures, and never pauses. */
  readonly maxDatabaseBytes: number;
  readonly pollEveryMs?: number;
}

/** What the samples say at the last of them. */
export function judgeStorage(samples: readonly Sample[], maxDatabaseBytes: number): StorageReading | null {
  const last = samples.at(-1);
  if (last === undefined) return null;
  const capBytes = maxDatabaseBytes > 0 ? maxDatabaseBytes : null;
  const perHour = growthPerHour(samples, HOUR_MS, MIN_SPAN_MS);
  const wholeDay = growthPerHour(samples, KEEP_MS, KEEP_MS / 4);
  const perDay = (wholeDay ?? perHour) === null ? null : (wholeDay ?? perHour ?? 0) * 24;
  return {
    atMs: last.atMs,
    bytes: last.bytes,
    growthPerHour: perHour,
    growthPerDay: perDay,
    capBytes,
    hoursLeft: hoursUntil(last.bytes, capBytes, perHour),
  };
}

/** `database 412 MB, growing 3.1 MB an hour and 74 MB a day; limit 500 MB, 28 h left`. */
export function storageMessage(reading: StorageReading): string {
  const { growthPerHour: perHour, growthPerDay: perDay, capBytes, hoursLeft } = reading;
  const growth =
    perHour === null || perDay === null
      ? 'growth not known yet'
      : `growing ${formatBytes(perHour)} an hour, ${formatBytes(perDay)} a day`;
  const limit =
    capBytes === null
      ? ''
      : `; limit ${formatBytes(capBytes)}${hoursLeft === null ? '' : `, ${formatHours(hoursLeft)} left`}`;
  return `database ${formatBytes(reading.bytes)}, ${growth}${limit}`;
}

const MAKE_ROOM =
  'raise MAX_DATABASE_SIZE, or set RETENTION_DAYS, and then give the freed pages back with VACUUM FULL public.pedidos, public.itenspedido (it locks them), or start over with: npm run sim -- reset';

/**
 * Measures the database, tells how it grows once an hour and when the limit comes near, and pauses traffic at
 * MAX_DATABASE_SIZE until it is below 95 % of it. A deleted row frees a page for the next row, not the disk.
 */
export class StorageGuard implements Service {
  readonly name = 'storage guard';
  readonly #options: StorageGuardOptions;
  readonly #abort = new AbortController();
  readonly #complaints: Complaints;
  #samples: readonly Sample[] = [];
  #reading: StorageReading | null = null;
  #saidAtMs: number | undefined;
  #saidNear = false;
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: StorageGuardOptions) {
    this.#options = options;
    this.#complaints = new Complaints(options.logger, () => performance.now());
    this.stop = once(async () => {
      this.#abort.abort();
      await this.#loop;
    });
  }

  /** The latest reading; null before the first. */
  reading(): StorageReading | null {
    return this.#reading;
  }

  async start(): Promise<void> {
    await this.#safely(async () => {
      this.#samples = await readStoredSamples(this.#options.db);
    });
    await this.#safely(() => this.poll());
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    while (await delay(this.#options.pollEveryMs ?? POLL_EVERY_MS, this.#abort.signal)) {
      await this.#safely(() => this.poll());
    }
  }

  async #safely(work: () => Promise<void>): Promise<void> {
    const { watch } = this.#options;
    if (!watch.up) return;
    try {
      await work();
    } catch (error) {
      if (watch.report(error)) return;
      this.#complaints.tell('could not measure the database', error);
    }
  }

  /** Measures once, tells what is due to be told, pauses or resumes. */
  async poll(): Promise<void> {
    const { db, clock, maxDatabaseBytes } = this.#options;
    const result = await sql<{
      bytes: number;
    }>`SELECT pg_database_size(current_database())::float8 AS bytes`.execute(db);
    const sample = { atMs: clock.nowMs(), bytes: result.rows[0]?.bytes ?? 0 };
    this.#samples = keepSamples(this.#samples, sample, KEEP_MS, SAMPLE_EVERY_MS);
    const reading = judgeStorage(this.#samples, maxDatabaseBytes);
    if (reading === null) return;
    this.#reading = reading;
    this.#hold(reading);
    this.#tell(reading);
    if (await claimJob(db, 'storage-sample', STORE_EVERY_MS)) await storeSample(db, sample);
  }

  #hold(reading: StorageReading): void {
    const { gate } = this.#options;
    const { bytes, capBytes } = reading;
    if (capBytes === null) return;
    if (bytes >= capBytes) {
      gate.pause(
        'storage',
        `the database has ${formatBytes(bytes)}, MAX_DATABASE_SIZE is ${formatBytes(capBytes)}: ${MAKE_ROOM}`,
      );
    } else if (bytes < capBytes * RESUME_BELOW) {
      gate.resume(
        'storage',
        `the database has ${formatBytes(bytes)}, below 95 % of ${formatBytes(capBytes)}`,
      );
    }
  }

  #tell(reading: StorageReading): void {
    const { announcer } = this.#options;
    const near = reading.capBytes !== null && reading.bytes >= reading.capBytes * NEAR_SHARE;
    if (near && !this.#saidNear) {
      this.#saidNear = true;
      this.#saidAtMs = reading.atMs;
      announcer.warn('database.growth', { ...reading }, `${storageMessage(reading)}: ${MAKE_ROOM}`);
      return;
    }
    if (!near) this.#saidNear = false;
    this.#saidAtMs ??= reading.atMs;
    if (reading.atMs - this.#saidAtMs < HOUR_MS) return;
    this.#saidAtMs = reading.atMs;
    announcer.info('database.growth', { ...reading }, storageMessage(reading));
  }
}

/** Sizes of the last day, written by whichever worker's turn it was; the oldest first. */
export async function readStoredSamples(db: Db): Promise<readonly Sample[]> {
  const stored = await readSetting<unknown>(db, 'storage_samples');
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((entry: unknown) =>
    Array.isArray(entry) && typeof entry[0] === 'number' && typeof entry[1] === 'number'
      ? [{ atMs: entry[0], bytes: entry[1] }]
      : [],
  );
}

async function storeSample(db: Db, sample: Sample): Promise<void> {
  const samples = keepSamples(await readStoredSamples(db), sample, KEEP_MS, STORE_EVERY_MS / 2);
  await writeSetting(
    db,
    'storage_samples',
    samples.map(({ atMs, bytes }) => [Math.round(atMs), bytes]),
  );
}
