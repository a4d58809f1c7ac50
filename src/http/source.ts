import type { Announcement } from '../lib/announcer.ts';

/**
 * What the status page, the metrics and the control know of the daemon: this port, and nothing behind it.
 * Every call must be cheap: `status` is asked once a second whether anybody looks or not, so it hands out what
 * the implementer keeps at hand and starts no scan of a big table.
 */
export interface StatusSource {
  status(): StatusSnapshot | Promise<StatusSnapshot>;
  /** An order's whole story, with personal data masked; null when there is no such order. */
  order(id: number): Promise<OrderStory | null>;
  settings(): ControlSettings | Promise<ControlSettings>;
  /** Writes what is given, returns what holds then. Rejects when the database cannot be reached. */
  changeSettings(change: SettingsChange): Promise<ControlSettings>;
  /** Every event of this process, as the log tells it. Returns the call that ends the subscription. */
  subscribe(listener: (announcement: Announcement) => void): () => void;
  /** Asked by `/readyz`; must answer within some seconds even when the database does not. */
  readiness(): Readiness | Promise<Readiness>;
  /** Looks again now and returns what was found. */
  runDoctor(): Promise<DoctorReport>;
}

export interface ControlSettings {
  /** Orders a minute that traffic aims at now. */
  readonly ratePerMinute: number;
  /** The rate set at run time; null: `ORDERS_PER_MINUTE` holds. */
  readonly rateOverride: number | null;
  /** `ORDERS_PER_MINUTE`. */
  readonly configuredRate: number;
  /** Paused by the operator. */
  readonly paused: boolean;
}

export interface SettingsChange {
  /** null goes back to `ORDERS_PER_MINUTE`. */
  readonly rate?: number | null;
  readonly paused?: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

export type DatabaseState = 'starting' | 'connected' | 'lost';

/** Everything at one moment. Times are milliseconds since the epoch, sizes bytes; null: not known (yet). */
export interface StatusSnapshot {
  readonly atMs: number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly shop: { readonly id: string; readonly seed: string; readonly createdAtMs: number } | null;
  readonly lifecycleSpeed: number;
  readonly database: {
    readonly state: DatabaseState;
    readonly sinceMs: number;
    /** Where, without user or password: `embedded PostgreSQL 17.10`, `db.example.com:5432/postgres`. */
    readonly where: string;
    readonly sizeBytes: number | null;
    readonly growthBytesPerHour: number | null;
    /** The size at which traffic pauses; null: never. */
    readonly capBytes: number | null;
  };
  readonly traffic: {
    readonly targetPerMinute: number;
    /** Orders placed by all workers in the last 60 s. */
    readonly achievedPerMinute: number;
    readonly settings: ControlSettings;
    /** Who holds traffic back (`operator`, `slot`, `storage`, `database`) and why; empty when it flows. */
    readonly pausedBy: readonly { readonly source: string; readonly reason: string }[];
    /** Orders whose next step is due but not done. */
    readonly dueBacklog: number | null;
    /** True when the backlog is more than the ticks can catch up with; `detail` says it in a sentence. */
    readonly behind: { readonly detail: string } | null;
  };
  /** Changes a second by table and operation, mean of the last ten seconds. */
  readonly changes: readonly ChangeRate[];
  readonly funnel: Funnel;
  readonly workers: readonly WorkerShare[];
  /** Connections of this process. */
  readonly pool: { readonly size: number; readonly idle: number; readonly waiting: number } | null;
  readonly cdc: CdcStatus;
  readonly doctor: DoctorReport | null;
  readonly verify: VerifyResult | null;
}

export type ChangeOp = 'I' | 'U' | 'D';

export interface ChangeRate {
  readonly table: string;
  readonly op: ChangeOp;
  readonly perSecond: number;
  /** Counted since this process started. */
  readonly total: number;
}

export interface Funnel {
  /** Orders in each state, by the names of table `status`; null before the first count. */
  readonly counts: Readonly<Record<string, number>> | null;
  readonly countedAtMs: number | null;
  /** What happened in the last 60 s: `placed`, `approved`, `shipped`, `delivered`, `returned`, `cancelled`, `purged`. */
  readonly movedLastMinute: Readonly<Record<string, number>>;
}

export interface WorkerShare {
  readonly id: string;
  readonly name: string;
  readonly self: boolean;
  readonly startedAtMs: number;
  readonly seenAtMs: number;
  /** Part of the traffic that is this worker's, 0–1. */
  readonly share: number;
  readonly placedPerMinute: number | null;
}

export interface SlotStatus {
  readonly name: string;
  readonly plugin: string | null;
  readonly active: boolean;
  /** `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string | null;
  readonly retainedBytes: number | null;
  /** Where traffic pauses; null: never. */
  readonly capBytes: number | null;
  /** Until the cap is reached at the present growth; null: not growing, or not known. */
  readonly hoursLeft: number | null;
}

export interface CdcStatus {
  readonly slots: readonly SlotStatus[];
  readonly slotsReadAtMs: number | null;
  readonly lastHeartbeatAtMs: number | null;
}

export interface DoctorFinding {
  readonly level: 'ok' | 'info' | 'warning' | 'problem';
  readonly title: string;
  readonly detail: string;
  /** The SQL or the command that mends it. */
  readonly fix: string | null;
}

export interface DoctorReport {
  readonly atMs: number;
  readonly findings: readonly DoctorFinding[];
}

export interface VerifyResult {
  readonly atMs: number;
  readonly target: string;
  readonly ok: boolean;
  readonly summary: string;
}

export interface OrderStory {
  readonly id: number;
  readonly status: string;
  readonly customer: { readonly id: number; readonly name: string; readonly city: string };
  readonly channel: string;
  readonly payment: string;
  readonly installments: number;
  /** Money as numeric(12,2) text. */
  readonly subtotal: string;
  readonly freight: string;
  readonly discount: string;
  readonly total: string;
  readonly promisedOn: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly items: readonly {
    readonly productId: number;
    readonly name: string;
    readonly quantity: number;
    readonly unitPrice: string;
    readonly subtotal: string;
  }[];
  /** What happened and what is planned, ascending. */
  readonly timeline: readonly {
    readonly event: string;
    /** Business time. */
    readonly atMs: number;
    /** Wall clock at which a planned step is due; null for what is past and for what is not the next step. */
    readonly dueAtMs: number | null;
    readonly planned: boolean;
  }[];
}
