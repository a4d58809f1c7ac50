import type {
  ControlSettings,
  DoctorReport,
  OrderStory,
  SettingsChange,
  StatusSnapshot,
  StatusSource,
} from '../../src/http/source.ts';
import type { Announcement, AnnouncementListener, EventName } from '../../src/lib/announcer.ts';
import { createRandom, type Random } from '../../src/lib/random.ts';

type Moved = 'placed' | 'approved' | 'shipped' | 'delivered' | 'returned' | 'cancelled' | 'purged';

const SHARES: Readonly<Record<Moved, number>> = {
  placed: 1,
  approved: 0.97,
  shipped: 0.95,
  delivered: 0.94,
  returned: 0.04,
  cancelled: 0.04,
  purged: 0.03,
};
const MB = 1024 ** 2;

/** A shop that lives in memory: enough to look at, and every trouble can be switched on. */
export class FakeStatusSource implements StatusSource {
  readonly #random: Random = createRandom('fake shop');
  readonly #listeners = new Set<AnnouncementListener>();
  readonly #startedAtMs: number;
  readonly #nowMs: () => number;
  readonly #counts: Record<string, number> = {
    Pendente: 214,
    Processando: 391,
    Enviado: 1186,
    Entregue: 9204,
    Cancelado: 318,
    Devolvido: 402,
  };
  readonly #totals = new Map<string, number>();
  #achieved = 57;
  #nextOrder = 12_001;
  #rate: number | null = null;
  #paused = false;

  database: StatusSnapshot['database']['state'] = 'connected';
  slotTrouble = false;
  behind = false;
  /** While true every question fails, as it does when the database is away. */
  failing = false;
  /** While true `status` never answers. */
  hanging = false;
  changes: SettingsChange[] = [];

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
    this.#startedAtMs = nowMs() - 3_725_000;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** One second of life. */
  step(): void {
    const target = this.#target;
    const flows = !this.#paused && !this.slotTrouble && this.database === 'connected';
    const wanted = flows ? target * (0.94 + this.#random.next() * 0.12) : 0;
    this.#achieved += (wanted - this.#achieved) * 0.12;
    if (!flows) return;
    for (const moved of Object.keys(SHARES) as Moved[]) this.#happen(moved, (target / 60) * SHARES[moved]);
  }

  /** Lives by itself; returns the call that ends it. */
  live(everyMs = 1000): () => void {
    const timer = setInterval(() => this.step(), everyMs);
    return () => clearInterval(timer);
  }

  announce(event: EventName, fields: Record<string, unknown>, message: string): void {
    const announcement: Announcement = { event, atMs: this.#nowMs(), message, fields };
    for (const listener of this.#listeners) listener(announcement);
  }

  subscribe(listener: AnnouncementListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  settings(): ControlSettings {
    this.#mayFail();
    return {
      ratePerMinute: this.#target,
      rateOverride: this.#rate,
      configuredRate: 60,
      paused: this.#paused,
    };
  }

  async changeSettings(change: SettingsChange): Promise<ControlSettings> {
    this.#mayFail();
    this.changes.push(change);
    if (change.rate !== undefined) this.#rate = change.rate;
    if (change.paused !== undefined && change.paused !== this.#paused) {
      this.#paused = change.paused;
      if (change.paused)
        this.announce('traffic.paused', { source: 'operator' }, 'traffic paused by the operator');
      else this.announce('traffic.resumed', { source: 'operator' }, 'traffic resumed by the operator');
    }
    return this.settings();
  }

  readiness() {
    const ok = this.database === 'connected' && !this.failing;
    return { ready: ok, checks: [{ name: 'database', ok, detail: ok ? 'answers' : 'gives no answer' }] };
  }

  async runDoctor(): Promise<DoctorReport> {
    this.#mayFail();
    return this.#doctor();
  }

  async status(): Promise<StatusSnapshot> {
    if (this.hanging) return new Promise(() => {});
    const nowMs = this.#nowMs();
    const perSecond = this.#achieved / 60;
    return {
      atMs: nowMs,
      version: '0.1.0',
      startedAtMs: this.#startedAtMs,
      shop: { id: '7b0c', seed: 'morning-42', createdAtMs: this.#startedAtMs },
      lifecycleSpeed: 1440,
      database: {
        state: this.database,
        sinceMs: this.#startedAtMs,
        where: 'embedded PostgreSQL 17.10',
        sizeBytes: 61.4 * MB,
        growthBytesPerHour: 4.2 * MB,
        capBytes: null,
      },
      traffic: {
        targetPerMinute: this.#target,
        achievedPerMinute: Math.round(this.#achieved * 10) / 10,
        settings: this.failing
          ? { ratePerMinute: 60, rateOverride: null, configuredRate: 60, paused: this.#paused }
          : this.settings(),
        pausedBy: this.#pausedBy(),
        dueBacklog: this.behind ? 4210 : 3,
        behind: this.behind
          ? { detail: '4210 orders wait for their next step, the oldest since 2 min' }
          : null,
      },
      changes: this.#changeRates(perSecond),
      funnel: {
        counts: Object.fromEntries(Object.entries(this.#counts).map(([k, v]) => [k, Math.round(v)])),
        countedAtMs: nowMs - 2000,
        movedLastMinute: Object.fromEntries(
          Object.entries(SHARES).map(([k, share]) => [k, Math.round(this.#achieved * share)]),
        ),
      },
      workers: [
        this.#worker('a1', 'notebook-4711', true, 0.5),
        this.#worker('b2', 'notebook-4712', false, 0.5),
      ],
      pool: { size: 4, idle: 3, waiting: 0 },
      cdc: {
        slots: [
          {
            name: 'hevo_slot',
            plugin: 'pgoutput',
            active: !this.slotTrouble,
            walStatus: 'reserved',
            retainedBytes: this.slotTrouble ? 1030 * MB : 212 * MB,
            capBytes: 1024 * MB,
            hoursLeft: this.slotTrouble ? null : 6.4,
          },
          {
            name: 'cdc_sim_lakehouse',
            plugin: 'pgoutput',
            active: true,
            walStatus: 'reserved',
            retainedBytes: 0.4 * MB,
            capBytes: 1024 * MB,
            hoursLeft: null,
          },
        ],
        slotsReadAtMs: nowMs - 1500,
        lastHeartbeatAtMs: nowMs - 21_000,
      },
      doctor: this.#doctor(),
      verify: {
        atMs: nowMs - 840_000,
        target: 'lakehouse',
        ok: true,
        summary: '31 204 rows in 14 tables are equal; nothing missing, nothing doubled',
      },
    };
  }

  async order(id: number): Promise<OrderStory | null> {
    this.#mayFail();
    if (id < 1 || id >= this.#nextOrder) return null;
    const placedAtMs = this.#nowMs() - 180_000;
    const dayMs = 86_400_000;
    return {
      id,
      status: 'Enviado',
      customer: { id: 1873, name: 'M••••• S•••••', city: 'Belo Horizonte, MG' },
      channel: 'E-commerce',
      payment: 'PIX',
      installments: 1,
      subtotal: '829.80',
      freight: '24.90',
      discount: '41.49',
      total: '813.21',
      promisedOn: new Date(placedAtMs + 12 * dayMs).toISOString().slice(0, 10),
      createdAtMs: placedAtMs,
      updatedAtMs: placedAtMs + 125_000,
      items: [
        { productId: 88, name: 'Mizuno Wave Prophecy', quantity: 1, unitPrice: '599.90', subtotal: '599.90' },
        { productId: 17, name: 'Vans Old Skool', quantity: 1, unitPrice: '229.90', subtotal: '229.90' },
      ],
      timeline: [
        { event: 'placed', atMs: placedAtMs, dueAtMs: null, planned: false },
        { event: 'approved', atMs: placedAtMs + 0.1 * dayMs, dueAtMs: null, planned: false },
        { event: 'shipped', atMs: placedAtMs + 2.1 * dayMs, dueAtMs: null, planned: false },
        {
          event: 'delivered',
          atMs: placedAtMs + 9.4 * dayMs,
          dueAtMs: this.#nowMs() + 384_000,
          planned: true,
        },
      ],
    };
  }

  get #target(): number {
    return this.#rate ?? 60;
  }

  #mayFail(): void {
    if (this.failing) throw new Error('connect ECONNREFUSED postgres://user:hunter2@db/x');
  }

  #pausedBy() {
    const reasons: { source: string; reason: string }[] = [];
    if (this.#paused)
      reasons.push({ source: 'operator', reason: 'paused by the operator; npm run sim -- resume' });
    if (this.slotTrouble) {
      const reason =
        "slot hevo_slot keeps 1.01 GB of WAL, more than MAX_SLOT_LAG=1GB; start its reader, or drop it: SELECT pg_drop_replication_slot('hevo_slot')";
      reasons.push({ source: 'slot', reason });
    }
    return reasons;
  }

  #happen(moved: Moved, expected: number): void {
    let count = Math.floor(expected);
    if (this.#random.chance(expected - count)) count += 1;
    const flow: Readonly<Record<Moved, readonly [string | null, string | null]>> = {
      placed: [null, 'Pendente'],
      approved: ['Pendente', 'Processando'],
      shipped: ['Processando', 'Enviado'],
      delivered: ['Enviado', 'Entregue'],
      returned: ['Entregue', 'Devolvido'],
      cancelled: ['Pendente', 'Cancelado'],
      purged: ['Cancelado', null],
    };
    for (let i = 0; i < count; i++) {
      const [from, to] = flow[moved];
      if (from !== null) this.#counts[from] = Math.max(0, (this.#counts[from] ?? 0) - 1);
      if (to !== null) this.#counts[to] = (this.#counts[to] ?? 0) + 1;
      const orderId = moved === 'placed' ? this.#nextOrder++ : this.#random.int(11_000, this.#nextOrder - 1);
      const fields = {
        orderId,
        total: (90 + this.#random.next() * 900).toFixed(2),
        items: this.#random.int(1, 4),
        channel: this.#random.int(1, 5),
        email: 'maria.souza@example.com',
      };
      this.announce(`order.${moved}`, fields, `order ${orderId} ${moved} for Maria Souza`);
    }
    if (moved === 'placed' && this.#random.chance(0.15)) {
      this.announce('customer.registered', { customerId: this.#random.int(2001, 2400) }, 'new customer');
    }
  }

  #changeRates(perSecond: number) {
    const rates: readonly [string, 'I' | 'U' | 'D', number][] = [
      ['pedidos', 'I', 1],
      ['pedidos', 'U', 2.9],
      ['pedidos', 'D', 0.03],
      ['itenspedido', 'I', 1.8],
      ['itenspedido', 'D', 0.05],
      ['produtos', 'U', 1.9],
      ['clientes', 'I', 0.2],
      ['clientes', 'U', 0.08],
      ['cdc_heartbeat', 'U', 0.02],
    ];
    return rates.map(([table, op, factor]) => {
      const key = table + op;
      const total = (this.#totals.get(key) ?? 100) + perSecond * factor;
      this.#totals.set(key, total);
      return { table, op, perSecond: Math.round(perSecond * factor * 100) / 100, total: Math.floor(total) };
    });
  }

  #worker(id: string, name: string, self: boolean, share: number) {
    const nowMs = this.#nowMs();
    return {
      id,
      name,
      self,
      startedAtMs: this.#startedAtMs,
      seenAtMs: nowMs - 1200,
      share,
      placedPerMinute: Math.round(this.#achieved * share),
    };
  }

  #doctor(): DoctorReport {
    return {
      atMs: this.#nowMs() - 95_000,
      findings: [
        { level: 'ok', title: 'wal_level is logical', detail: 'logical decoding works', fix: null },
        { level: 'ok', title: 'publication cdc_sim', detail: 'has all 15 tables', fix: null },
        { level: 'info', title: 'end to end', detail: 'not tried', fix: null },
        {
          level: 'warning',
          title: 'max_slot_wal_keep_size is -1',
          detail: 'a slot that nobody reads keeps WAL until the disk is full',
          fix: "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf()",
        },
      ],
    };
  }
}
