import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Announcement } from '../lib/announcer.ts';
import type { StatusSnapshot } from './source.ts';

/** How late a transition is, in seconds: a tick is five, so the buckets look closely around it. */
const LAG_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 7.5, 10, 15, 30, 60, 300, 1800];

/**
 * What `/metrics` tells, in a registry of its own. Counters are fed as things happen; gauges are taken from the
 * latest snapshot when somebody scrapes.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #placed: Counter;
  readonly #transitions: Counter<'event'>;
  readonly #lag: Histogram;
  readonly #changes: Counter<'table' | 'op'>;
  readonly #counted = new Map<string, number>();
  readonly #gauges: Gauges;

  constructor() {
    const registers = [this.registry];
    this.#placed = new Counter({
      name: 'cdc_sim_orders_placed_total',
      help: 'Orders placed by this worker.',
      registers,
    });
    this.#transitions = new Counter({
      name: 'cdc_sim_order_transitions_total',
      help: 'Transitions of orders made by this worker, by event.',
      labelNames: ['event'],
      registers,
    });
    this.#lag = new Histogram({
      name: 'cdc_sim_transition_lag_seconds',
      help: 'Seconds between the time at which a transition was due and the time at which it was made.',
      buckets: LAG_BUCKETS,
      registers,
    });
    this.#changes = new Counter({
      name: 'cdc_sim_changes_total',
      help: 'Row changes in the published tables by all workers, as PostgreSQL counts them, since this process started.',
      labelNames: ['table', 'op'],
      registers,
    });
    this.#gauges = createGauges(registers);
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 50 });
  }

  /** Counts what the log tells about orders; `lagMs` among an event's fields says how late a transition was. */
  observe(announcement: Announcement): void {
    const [subject, event] = announcement.event.split('.');
    if (subject !== 'order' || event === undefined) return;
    if (event === 'placed') this.#placed.inc();
    else this.#transitions.inc({ event });
    const { lagMs } = announcement.fields;
    if (typeof lagMs === 'number') this.recordTransitionLag(lagMs / 1000);
  }

  /** How late a transition was made, in seconds after it was due; early counts as zero. */
  recordTransitionLag(seconds: number): void {
    this.#lag.observe(Math.max(0, seconds));
  }

  /** The exposition text; `snapshot` null: only what this process counts itself. */
  async text(snapshot: StatusSnapshot | null): Promise<string> {
    if (snapshot) {
      this.#countChanges(snapshot);
      setGauges(this.#gauges, snapshot);
    }
    return this.registry.metrics();
  }

  #countChanges(snapshot: StatusSnapshot): void {
    for (const { table, op, total } of snapshot.changes) {
      const key = `${table} ${op}`;
      const before = this.#counted.get(key) ?? 0;
      if (total > before || before === 0) {
        this.#changes.inc({ table, op: OPERATIONS[op] }, total - before);
        this.#counted.set(key, total);
      }
    }
  }
}

const OPERATIONS = { I: 'insert', U: 'update', D: 'delete' } as const;

type Gauges = ReturnType<typeof createGauges>;

function createGauges(registers: Registry[]) {
  const gauge = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge<L>({ name: `cdc_sim_${name}`, help, labelNames, registers });
  return {
    info: gauge('info', 'Version of the program; always 1.', ['version']),
    target: gauge('target_rate', 'Orders a minute aimed at.'),
    achieved: gauge('achieved_rate', 'Orders placed in the last minute by all workers.'),
    paused: gauge('paused', '1 while traffic is held by the source named.', ['source']),
    connected: gauge('database_connected', '1 while the database answers.'),
    databaseSize: gauge('database_size_bytes', 'Size of the database.'),
    backlog: gauge('due_backlog', 'Orders whose next step is due but not made.'),
    orders: gauge('orders', 'Orders in each state.', ['status']),
    workers: gauge('workers', 'Living workers.'),
    retained: gauge('slot_retained_bytes', 'WAL kept for a replication slot.', ['slot']),
    active: gauge('slot_active', '1 while a consumer is connected to the slot.', ['slot']),
    heartbeat: gauge('heartbeat_age_seconds', 'Seconds since the last heartbeat.'),
    pool: gauge('pool_connections', 'Connections to the database of this process.', ['state']),
    poolWaiting: gauge('pool_waiting', 'Callers that wait for a connection.'),
  };
}

function setGauges(gauges: Gauges, snapshot: StatusSnapshot): void {
  const { traffic, database, cdc, pool } = snapshot;
  gauges.info.set({ version: snapshot.version }, 1);
  gauges.target.set(traffic.targetPerMinute);
  gauges.achieved.set(traffic.achievedPerMinute);
  for (const source of ['operator', 'slot', 'storage', 'database']) {
    gauges.paused.set({ source }, traffic.pausedBy.some((held) => held.source === source) ? 1 : 0);
  }
  gauges.connected.set(database.state === 'connected' ? 1 : 0);
  setOrRemove(gauges.databaseSize, database.sizeBytes);
  setOrRemove(gauges.backlog, traffic.dueBacklog);
  for (const [status, count] of Object.entries(snapshot.funnel.counts ?? {})) {
    gauges.orders.set({ status }, count);
  }
  gauges.workers.set(snapshot.workers.length);
  // a slot that was dropped must not keep its last figure
  gauges.retained.reset();
  gauges.active.reset();
  for (const slot of cdc.slots) {
    if (slot.retainedBytes !== null) gauges.retained.set({ slot: slot.name }, slot.retainedBytes);
    gauges.active.set({ slot: slot.name }, slot.active ? 1 : 0);
  }
  const { lastHeartbeatAtMs } = cdc;
  setOrRemove(gauges.heartbeat, lastHeartbeatAtMs && (snapshot.atMs - lastHeartbeatAtMs) / 1000);
  gauges.pool.set({ state: 'used' }, pool ? pool.size - pool.idle : 0);
  gauges.pool.set({ state: 'idle' }, pool?.idle ?? 0);
  gauges.poolWaiting.set(pool?.waiting ?? 0);
}

function setOrRemove(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove();
  else gauge.set(value);
}
