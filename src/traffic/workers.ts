import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { sql } from 'kysely';
import { Complaints } from '../db/complaints.ts';
import { pidExists } from '../db/embedded/processes.ts';
import type { Db } from '../db/pool.ts';
import type { DatabaseWatch } from '../db/watch.ts';
import type { Announcer } from '../lib/announcer.ts';
import { delay } from '../lib/backoff.ts';
import type { DatabaseClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';

/** A worker that was not seen for this long is dead: its share passes on. */
export const LEASE_MS = 6_000;
const RENEW_EVERY_MS = 1_500;
/** While the database is lost: so soon after it is back, the lease is renewed. */
const LOOK_EVERY_MS = 250;
/** As for ORDERS_PER_MINUTE; the setting may have been written by hand, and arrivals are planned in memory. */
const HIGHEST_RATE = 1_000_000;

export interface WorkerLeaseOptions {
  readonly db: Db;
  readonly clock: DatabaseClock;
  readonly watch: DatabaseWatch;
  readonly announcer: Announcer;
  readonly logger: Logger;
  /** Kept with the lease, for whoever looks at all workers. */
  readonly stats: () => Readonly<Record<string, unknown>>;
  /** Called after each renewal with what the database says. */
  readonly onSettings: (settings: LeasedSettings) => void;
  /** How long this process has been running. */
  readonly uptimeMs?: () => number;
}

export interface LeasedSettings {
  readonly rate: number | null;
  readonly paused: boolean;
}

interface RenewRow {
  now_ms: number;
  living: number;
  rate: unknown;
  paused: unknown;
}

/**
 * This worker's lease in `simulator.workers`. Each renewal is one statement without session state: it renews, buries
 * the dead, counts the living, reads the settings and sets the clock. A row that somebody holds is not dead: after an
 * outage every worker looks dead to every other, and waiting for each other's rows they would deadlock.
 */
export class WorkerLease implements Service {
  readonly name = 'worker lease';
  readonly id = randomUUID();
  readonly label = `${hostname()}:${process.pid}`;
  readonly #options: WorkerLeaseOptions;
  readonly #abort = new AbortController();
  readonly #complaints: Complaints;
  #living = 1;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: WorkerLeaseOptions) {
    this.#options = options;
    this.#complaints = new Complaints(options.logger, () => options.clock.monotonicMs());
    this.stop = once(() => this.#stop());
  }

  /** Part of the traffic that is this worker's; 0 while it cannot know (its lease ran out: it slept, or is cut off). */
  get share(): number {
    return this.valid ? 1 / this.#living : 0;
  }

  get living(): number {
    return this.#living;
  }

  get valid(): boolean {
    return this.#options.clock.monotonicMs() - this.#renewedAtMs < LEASE_MS;
  }

  async start(): Promise<void> {
    await this.#buryPredecessors();
    await this.#renew();
    const { announcer } = this.#options;
    const others = this.#living - 1;
    announcer.info(
      'worker.joined',
      { worker: this.id, label: this.label, living: this.#living },
      others === 0
        ? `worker ${this.label} joined, alone`
        : `worker ${this.label} joined ${others} other${others === 1 ? '' : 's'}: each takes 1/${this.#living} of the rate`,
    );
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    const { watch } = this.#options;
    while (await delay(watch.up ? RENEW_EVERY_MS : LOOK_EVERY_MS, this.#abort.signal)) {
      if (!watch.up) continue;
      try {
        await this.#renew();
      } catch (error) {
        if (!watch.report(error)) this.#complaints.tell("could not renew the worker's lease", error);
      }
    }
  }

  /**
   * Once, at the start: the lease of one who was killed here need not run out before his share is taken. A living one
   * that is taken for dead (it has our host's name and other process ids) is back with its next renewal.
   */
  async #buryPredecessors(): Promise<void> {
    const { db, uptimeMs = () => process.uptime() * 1_000 } = this.#options;
    const host = hostname();
    // who was seen since this process began is alive
    const { rows } = await sql<{ id: string; name: string; since: string }>`
      SELECT id, name, since::text FROM simulator.workers,
        LATERAL (SELECT clock_timestamp() - ${uptimeMs()} * interval '1 ms') AS ours (since)
      WHERE starts_with(name, ${`${host}:`}) AND seen_at < since`.execute(db);
    const dead = rows.filter(({ name }) => isDeadOn(name, host, process.pid, pidExists));
    if (dead.length === 0) return;
    await sql`DELETE FROM simulator.workers WHERE id IN (
        SELECT id FROM simulator.workers
        WHERE id = ANY(${sql.val(dead.map(({ id }) => id))}::uuid[]) AND seen_at < ${dead[0]?.since}::timestamptz
        FOR UPDATE SKIP LOCKED)`.execute(db);
  }

  async #renew(): Promise<void> {
    const { db, clock, announcer } = this.#options;
    const sentMs = clock.monotonicMs();
    const result = await sql<RenewRow>`
      WITH buried AS (
        DELETE FROM simulator.workers WHERE id IN (
          SELECT id FROM simulator.workers
          WHERE seen_at < clock_timestamp() - ${LEASE_MS} * interval '1 ms' AND id <> ${this.id}::uuid
          FOR UPDATE SKIP LOCKED)
        RETURNING id
      ), renewed AS (
        INSERT INTO simulator.workers (id, name, stats) VALUES (${this.id}::uuid, ${this.label}, ${JSON.stringify(this.#options.stats())}::jsonb)
        ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), stats = excluded.stats
        RETURNING id
      )
      SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now_ms,
        1 + (SELECT count(*) FROM simulator.workers w
          WHERE w.id <> ${this.id}::uuid AND w.id NOT IN (SELECT id FROM buried))::int AS living,
        (SELECT value FROM simulator.settings WHERE key = 'rate') AS rate,
        (SELECT value FROM simulator.settings WHERE key = 'paused') AS paused
      FROM renewed`.execute(db);
    const row = result.rows[0];
    if (row === undefined) return;
    const receivedMs = clock.monotonicMs();
    clock.calibrate(row.now_ms, sentMs, receivedMs);
    this.#renewedAtMs = sentMs;
    if (row.living !== this.#living) {
      const event = row.living > this.#living ? 'worker.joined' : 'worker.left';
      if (this.#loop !== undefined) {
        announcer.info(
          event,
          { living: row.living },
          row.living === 1
            ? 'one worker now: this one takes all of the rate'
            : `${row.living} workers now: this one takes 1/${row.living} of the rate`,
        );
      }
      this.#living = row.living;
    }
    this.#options.onSettings({
      rate: typeof row.rate === 'number' && row.rate >= 0 ? Math.min(row.rate, HIGHEST_RATE) : null,
      paused: row.paused === true,
    });
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    const { db, watch, announcer } = this.#options;
    if (watch.up) {
      await sql`DELETE FROM simulator.workers WHERE id = ${this.id}::uuid`
        .execute(db)
        .catch((error: unknown) => {
          if (!watch.report(error)) throw error;
        });
    }
    announcer.info('worker.left', { worker: this.id, label: this.label }, `worker ${this.label} left`);
  }
}

/** Whether the worker of this label ran on this host and is gone: nobody has its process id, or we have it now. */
export function isDeadOn(
  label: string,
  host: string,
  ownPid: number,
  pidExists: (pid: number) => boolean,
): boolean {
  const pid = label.startsWith(`${host}:`) ? Number(label.slice(host.length + 1)) : Number.NaN;
  if (!Number.isInteger(pid) || pid <= 0) return false;
  return pid === ownPid || !pidExists(pid);
}
