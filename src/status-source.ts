import type { Config } from './config/config.ts';
import type { Db } from './db/pool.ts';
import { readSettings, writeSetting } from './db/settings.ts';
import type { WorkerRow } from './db/status-queries.ts';
import type {
  ControlSettings,
  DoctorReport,
  Readiness,
  SettingsChange,
  SlotStatus,
  StatusSnapshot,
  StatusSource,
  VerifyResult,
  WorkerShare,
} from './http/source.ts';
import type { Announcer } from './lib/announcer.ts';
import type { Clock } from './lib/clock.ts';
import { readStory } from './orders/story.ts';
import type { TrafficGate } from './traffic/gate.ts';
import { type MovedMeter, moves } from './traffic/moved-meter.ts';
import type { StatusFacts } from './traffic/status-facts.ts';
import type { TickSummary } from './traffic/traffic.ts';

/** The parts of the daemon that the status page looks at. */
export interface StatusParts {
  readonly version: string;
  /** Wall clock, ms. */
  readonly startedAtMs: number;
  /** Where the database is, without user or password. */
  readonly where: string;
  readonly config: Config;
  readonly db: Db;
  readonly pool: { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number };
  readonly clock: Clock;
  readonly announcer: Announcer;
  readonly gate: TrafficGate;
  readonly watch: { readonly state: { readonly up: boolean; readonly sinceMs: number } };
  readonly lease: { readonly id: string; readonly living: number };
  readonly facts: StatusFacts;
  readonly moved: MovedMeter;
  /** What holds now: the lease brings it with every renewal. */
  readonly settings: () => { readonly rate: number | null; readonly paused: boolean };
  /** Takes what was written at once, so that this worker need not wait for its next renewal. */
  readonly applySettings: (settings: { rate: number | null; paused: boolean }) => void;
  readonly targetPerMinute: () => number;
  readonly tick: () => TickSummary | undefined;
  /** Reads the replication slots. */
  readonly slotGuard?: { readings(): readonly SlotStatus[]; readonly readAtMs: number | null };
  /** Measures the database. */
  readonly storageGuard?: {
    reading(): { readonly bytes: number; readonly growthPerHour: number | null } | null;
  };
  readonly doctor?: StatusDoctor;
}

/** The doctor, and what it said last. */
export interface StatusDoctor {
  last(): DoctorReport | null;
  run(): Promise<DoctorReport>;
}

/** What a worker leaves with its lease for those who look at all workers. */
export interface WorkerStats {
  readonly placedPerMinute: number;
  readonly moved: Readonly<Record<string, number>>;
  /** Its `ORDERS_PER_MINUTE`. */
  readonly configuredRate: number;
  /** Why traffic is held back, beside the operator's pause. */
  readonly heldBy: readonly string[];
}

/** This worker's part of {@link WorkerStats}. */
export function workerStats(
  moved: MovedMeter,
  gate: TrafficGate,
  configuredRate: number,
): WorkerStats & Record<string, unknown> {
  const lastMinute = moved.lastMinute();
  const heldBy = [...gate.reasons].filter(([source]) => source !== 'operator').map(([, reason]) => reason);
  return { placedPerMinute: moved.placedPerMinute(), moved: lastMinute, heldBy, configuredRate };
}

/** The port of the status page, filled with the daemon's parts. Nothing here asks the database for a snapshot. */
export function createStatusSource(parts: StatusParts): StatusSource {
  const { db, facts, announcer } = parts;
  return {
    status: () => snapshot(parts),
    order: (id) => readStory(db, id),
    settings: () => control(parts, parts.settings()),
    changeSettings: (change) => changeSettings(parts, change),
    subscribe: (listener) => announcer.subscribe(listener),
    readiness: () => readiness(parts.watch.state.up, facts.quick?.shop != null),
    runDoctor: async () => {
      if (parts.doctor === undefined) throw new Error('no doctor here');
      return parts.doctor.run();
    },
  };
}

async function changeSettings(parts: StatusParts, change: SettingsChange): Promise<ControlSettings> {
  if (change.rate !== undefined) await writeSetting(parts.db, 'rate', change.rate);
  if (change.paused !== undefined) await writeSetting(parts.db, 'paused', change.paused);
  const settings = await readSettings(parts.db);
  parts.applySettings(settings);
  return control(parts, settings);
}

function control(
  parts: StatusParts,
  settings: { readonly rate: number | null; readonly paused: boolean },
): ControlSettings {
  const configuredRate = parts.config.traffic.ordersPerMinute;
  return {
    ratePerMinute: settings.rate ?? configuredRate,
    rateOverride: settings.rate,
    configuredRate,
    paused: settings.paused,
  };
}

function readiness(up: boolean, seeded: boolean): Readiness {
  return {
    ready: up && seeded,
    checks: [
      { name: 'database', ok: up, detail: up ? 'takes writes' : 'gives no answer, or takes no writes' },
      { name: 'shop', ok: seeded, detail: seeded ? 'migrated and seeded' : 'not seeded yet' },
    ],
  };
}

function snapshot(parts: StatusParts): StatusSnapshot {
  const { config, clock, facts, watch, gate, pool, lease } = parts;
  const rows = facts.quick?.workers ?? [];
  const moved = movedOfAll(parts, rows);
  const storage = parts.storageGuard?.reading();
  return {
    atMs: Math.round(clock.nowMs()),
    version: parts.version,
    startedAtMs: parts.startedAtMs,
    shop: shopOf(facts.quick?.shop),
    lifecycleSpeed: config.traffic.lifecycleSpeed,
    database: {
      state: !watch.state.up ? 'lost' : facts.quick === null ? 'starting' : 'connected',
      sinceMs: Math.round(watch.state.sinceMs),
      where: parts.where,
      sizeBytes: storage?.bytes ?? facts.sizeBytes,
      growthBytesPerHour: storage?.growthPerHour ?? facts.growthBytesPerHour,
      capBytes: config.limits.maxDatabaseBytes || null,
    },
    traffic: {
      targetPerMinute: parts.targetPerMinute(),
      achievedPerMinute: achieved(parts, rows),
      settings: control(parts, parts.settings()),
      pausedBy: [...gate.reasons].map(([source, reason]) => ({ source, reason })),
      dueBacklog: parts.tick()?.backlog ?? null,
      behind: behind(parts.tick(), gate.open),
    },
    changes: facts.changes,
    funnel: { ...facts.states, movedLastMinute: moved },
    workers: rows.map((row) => share(row, lease.id, rows.length)),
    pool: {
      size: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    },
    cdc: {
      slots: (parts.slotGuard?.readings() ?? []).map(slotOf),
      slotsReadAtMs: parts.slotGuard?.readAtMs ?? null,
      lastHeartbeatAtMs: facts.quick?.lastHeartbeatAtMs ?? null,
    },
    doctor: parts.doctor?.last() ?? null,
    verify: verifyOf(facts.quick?.lastVerify),
  };
}

/** A guard's reading may say more than the page shows. */
function slotOf(slot: SlotStatus): SlotStatus {
  const { name, plugin, active, walStatus, retainedBytes, capBytes, hoursLeft } = slot;
  return { name, plugin, active, walStatus, retainedBytes, capBytes, hoursLeft };
}

/** The other workers' figures come with their leases, our own are at hand. */
function movedOfAll(parts: StatusParts, rows: readonly WorkerRow[]): Readonly<Record<string, number>> {
  const sum: Record<string, number> = { ...parts.moved.lastMinute() };
  for (const row of rows) {
    if (row.id === parts.lease.id) continue;
    const theirs = row.stats['moved'];
    if (typeof theirs !== 'object' || theirs === null) continue;
    for (const move of moves) {
      const count = (theirs as Record<string, unknown>)[move];
      if (typeof count === 'number') sum[move] = (sum[move] ?? 0) + count;
    }
  }
  return sum;
}

function achieved(parts: StatusParts, rows: readonly WorkerRow[]): number {
  const others = rows
    .filter((row) => row.id !== parts.lease.id)
    .map((row) => (typeof row.stats['placedPerMinute'] === 'number' ? row.stats['placedPerMinute'] : 0));
  const sum = others.reduce((all, one) => all + one, parts.moved.placedPerMinute());
  return Math.round(sum * 10) / 10;
}

function share(row: WorkerRow, ownId: string, living: number): WorkerShare {
  const placed = row.stats['placedPerMinute'];
  return {
    id: row.id,
    name: row.name,
    self: row.id === ownId,
    startedAtMs: row.startedAtMs,
    seenAtMs: row.seenAtMs,
    share: 1 / Math.max(1, living),
    placedPerMinute: typeof placed === 'number' ? placed : null,
  };
}

/** Below this part of what was asked for, with arrivals skipped, the database does not keep up. */
const BEHIND_SHARE = 0.95;
/** So many due steps are more than some ticks can do. */
const BEHIND_BACKLOG = 2_000;

function behind(tick: TickSummary | undefined, open: boolean): { detail: string } | null {
  if (tick === undefined || !open) return null;
  if (tick.backlog >= BEHIND_BACKLOG) {
    return { detail: `${tick.backlog} orders or more wait for their next step` };
  }
  if (tick.late === 0 || tick.achievedPerMinute >= tick.targetPerMinute * BEHIND_SHARE) return null;
  return {
    detail: `the database takes ${tick.achievedPerMinute} orders a minute of the ${tick.targetPerMinute} asked for: lower the rate, or raise ORDERS_PER_TRANSACTION or DB_POOL_SIZE`,
  };
}

function shopOf(value: unknown): StatusSnapshot['shop'] {
  if (typeof value !== 'object' || value === null) return null;
  const { id, seed, createdAt } = value as Record<string, unknown>;
  return { id: String(id), seed: String(seed), createdAtMs: Date.parse(String(createdAt)) || 0 };
}

/** `last_verify` as the command leaves it: `{ atMs, target, ok, summary }`; anything else is not shown. */
function verifyOf(value: unknown): VerifyResult | null {
  if (typeof value !== 'object' || value === null) return null;
  const { atMs, target, ok, summary } = value as Record<string, unknown>;
  if (typeof atMs !== 'number' || typeof ok !== 'boolean') return null;
  return { atMs, target: String(target ?? ''), ok, summary: String(summary ?? '') };
}
