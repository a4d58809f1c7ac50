import { delay } from '../lib/backoff.ts';
import { OperatorError } from '../lib/errors.ts';
import { KEY, type TableShape } from './dialect.ts';
import { type EventComparison, verifyEvents } from './events.ts';
import { tornReasons } from './judge.ts';
import { type Latency, measureLatency } from './probe.ts';
import {
  columnValues,
  conclude,
  type Difference,
  MOST_EXAMPLES,
  noCounts,
  type TableReport,
  type TornOrder,
  type VerifyReport,
} from './report.ts';
import { type ScanResult, scanRange, scanTable } from './scan.ts';
import { batches, type Loss, type SettleResult, settle } from './settle.ts';
import { commonShapes, hasColumns } from './shapes.ts';
import type { Source, Watermark } from './source-side.ts';
import type { KeyRange, Target } from './target.ts';

export interface VerifyOptions {
  readonly tables: readonly string[];
  /** How late a change may be without being a loss, in milliseconds. */
  readonly lagMs: number;
  /** How long to wait until the target has caught up with the watermark; 0: judge now. */
  readonly waitMs: number;
  /** Keys in a bucket. */
  readonly bucketRows: number;
  /** Probes to send through the heartbeat; 0: none. */
  readonly probes: number;
  /** Compare the numbers of change events, too: since the shop was made, or since a time. */
  readonly events: { readonly since: string | null } | null;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Told how far it is; all calls are cheap. */
export interface Progress {
  table(name: string, share: number): void;
  settling(pending: number): void;
}

/** Suspects of one table looked at together. */
const MOST_SUSPECTS = 5_000;
const MOST_ORDERS = 1_000;
/** Suspects are looked at again for so long at most when nobody asked to wait. */
const LONGEST_SETTLING_MS = 10_000;
const HEARTBEAT = 'cdc_heartbeat';

/** Compares source and target while traffic runs; see docs/verify.md. */
export async function verify(source: Source, target: Target, options: VerifyOptions): Promise<VerifyReport> {
  return new Verification(source, target, options).run();
}

interface TableState {
  readonly shape: TableShape;
  readonly scan: ScanResult;
  readonly counts: ReturnType<typeof noCounts>;
  inFlight: number;
  arrived: number;
}

class Verification {
  readonly #source: Source;
  readonly #target: Target;
  readonly #options: VerifyOptions;
  readonly #startedMs = performance.now();
  readonly #examples: Difference[] = [];
  readonly #orders = new Set<number>();
  readonly #notes: string[] = [];

  constructor(source: Source, target: Target, options: VerifyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<VerifyReport> {
    const { lagMs, waitMs, tables } = this.#options;
    const watermark = await this.#source.watermark();
    const { shapes, problems } = await this.#shapes();
    const events = await this.#events();
    const counted = new Set(events?.map(({ table }) => table));
    const compared = shapes.filter(({ name }) => !counted.has(name));
    if (counted.size > 0)
      this.#notes.push('tables that append every event are compared by their counts alone');
    const latency = this.#latency(shapes);
    // a failing comparison must not leave the probes' rejection unheard
    latency.catch(() => undefined);
    const states = await this.#compare(compared, watermark);
    const findings = {
      source: this.#source.label,
      target: this.#target.label,
      watermark: { at: watermark.at, lsn: watermark.lsn, snapshot: watermark.snapshot },
      lagMs,
      waitMs,
      tables: states.map(tableReport),
      counts: total(states),
      inFlight: states.reduce((sum, state) => sum + state.inFlight, 0),
      differences: this.#examples.sort(
        (a, b) => tables.indexOf(a.table) - tables.indexOf(b.table) || a.key - b.key,
      ),
      tornOrders: await this.#tornOrders(compared),
      shapeProblems: problems,
      latency: await latency,
      events,
      notes: this.#notes,
      tookMs: Math.round(this.#elapsedMs()),
    };
    return { ...conclude(findings), ...findings };
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** What both sides have; waits for tables and columns that may still be created. */
  async #shapes(): Promise<{ shapes: TableShape[]; problems: string[] }> {
    const { tables, waitMs, signal } = this.#options;
    const declared = await this.#source.shapes(tables);
    const absent = tables.filter((name) => !declared.some((shape) => shape.name === name));
    if (absent.length > 0) {
      throw new OperatorError(`the source has no table ${absent.join(', ')}`, {
        fix: 'npm run sim -- migrate makes the tables; DATABASE_URL must name the database that the simulator fills',
      });
    }
    const complete = (at: typeof there) =>
      at.size === tables.length && commonShapes(declared, at).problems.length === 0;
    let there = await this.#target.columns(tables);
    while (!complete(there) && this.#elapsedMs() < waitMs && (await delay(this.#target.pollMs, signal))) {
      there = await this.#target.columns(tables);
    }
    if (there.size === 0) {
      throw new OperatorError(`none of the tables is at ${this.#target.label}`, {
        fix: 'name the schema into which the pipeline loads: --schema NAME; or wait for its first load: --wait 10m',
      });
    }
    if (this.#target.unusedSoftDeletes) {
      this.#notes.push(
        'the target has __hevo__marked_deleted: with --hevo, rows marked there count as deleted',
      );
    }
    return commonShapes(declared, there);
  }

  async #events(): Promise<readonly EventComparison[] | null> {
    const { events, tables, lagMs, waitMs, signal } = this.#options;
    if (events === null) return null;
    return verifyEvents(this.#source, this.#target, tables, {
      since: events.since,
      timeoutMs: Math.max(lagMs, waitMs),
      signal,
    });
  }

  async #latency(shapes: readonly TableShape[]): Promise<Latency | null> {
    const { probes, lagMs, waitMs, signal } = this.#options;
    const heartbeat = shapes.find(({ name }) => name === HEARTBEAT);
    if (probes === 0 || heartbeat === undefined) return null;
    return measureLatency(this.#source, this.#target, heartbeat, {
      count: probes,
      timeoutMs: Math.max(lagMs, waitMs),
      signal,
    });
  }

  async #compare(shapes: readonly TableShape[], watermark: Watermark): Promise<TableState[]> {
    const states: TableState[] = [];
    // two at a time: one table's answer travels while another is computed
    const queue = [...shapes];
    const scanNext = async (): Promise<void> => {
      for (let shape = queue.shift(); shape; shape = queue.shift()) states.push(await this.#scan(shape));
    };
    await Promise.all([scanNext(), scanNext()]);
    states.sort((a, b) => shapes.indexOf(a.shape) - shapes.indexOf(b.shape));
    const { lagMs, waitMs } = this.#options;
    const deadlineMs = Math.max(waitMs, this.#elapsedMs() + Math.min(lagMs, LONGEST_SETTLING_MS));
    const pending = new Map<string, number>();
    await Promise.all(
      states.map(async (state) => {
        add(state, await this.#settle(state, state.scan.suspects, watermark, deadlineMs, pending));
      }),
    );
    for (const state of states) await this.#examine(state, watermark, deadlineMs, pending);
    return states;
  }

  async #scan(shape: TableShape): Promise<TableState> {
    const scan = await scanTable(this.#source, this.#target, shape, {
      ...this.#scanOptions(),
      onProgress: (share) => this.#options.progress.table(shape.name, share),
    });
    return { shape, scan, counts: noCounts(), inFlight: 0, arrived: 0 };
  }

  #scanOptions() {
    const { bucketRows, signal } = this.#options;
    return { bucketRows, signal, maxSuspects: MOST_SUSPECTS };
  }

  /** Buckets that were left over because there were too many suspects: piece by piece, so that memory stays bounded. */
  async #examine(
    state: TableState,
    watermark: Watermark,
    deadlineMs: number,
    pending: Map<string, number>,
  ): Promise<void> {
    const queue: KeyRange[] = [...state.scan.unexamined].reverse();
    let suspects: number[] = [];
    for (let range = queue.pop(); range; range = queue.pop()) {
      const scan = await scanRange(this.#source, this.#target, state.shape, range, this.#scanOptions());
      queue.push(...scan.unexamined.toReversed());
      suspects.push(...scan.suspects);
      if (suspects.length < MOST_SUSPECTS && queue.length > 0) continue;
      add(state, await this.#settle(state, suspects, watermark, deadlineMs, pending));
      suspects = [];
    }
  }

  async #settle(
    state: TableState,
    suspects: readonly number[],
    watermark: Watermark,
    deadlineMs: number,
    pending: Map<string, number>,
  ): Promise<SettleResult> {
    const { lagMs, waitMs, signal, progress } = this.#options;
    if (suspects.length === 0) return { arrived: 0, inFlight: 0 };
    return settle(this.#source, this.#target, state.shape, suspects, {
      watermark,
      lagMs,
      elapsedMs: () => this.#elapsedMs(),
      deadlineMs,
      waiting: waitMs > 0,
      signal,
      onLoss: (loss) => this.#note(state, loss),
      onPending: (count) => {
        pending.set(state.shape.name, count);
        progress.settling([...pending.values()].reduce((sum, n) => sum + n, 0));
      },
    });
  }

  #note(state: TableState, loss: Loss): void {
    state.counts[loss.kind] += 1;
    if (this.#orders.size < MOST_ORDERS) {
      const order = loss.table === 'pedidos' ? loss.key : (loss.source ?? loss.target)?.['id_pedido'];
      if (order !== null && order !== undefined) this.#orders.add(Number(order));
    }
    if (state.counts[loss.kind] > MOST_EXAMPLES) return;
    this.#examples.push({
      table: loss.table,
      key: loss.key,
      kind: loss.kind,
      columns: columnValues(loss.columns, loss.source, loss.target),
      note: loss.note,
      sourceSql: this.#source.rowSql(loss.table, loss.key),
      targetSql: this.#target.rowSql(loss.table, loss.key),
    });
  }

  /** Rows that equal the source's cannot tear an order: only the orders of rows that differ need a look. */
  async #tornOrders(shapes: readonly TableShape[]): Promise<TornOrder[]> {
    const orders = shapes.find(({ name }) => name === 'pedidos');
    const items = shapes.find(({ name }) => name === 'itenspedido');
    if (!hasColumns(orders, 'subtotal', 'frete', 'valor_desconto', 'total')) return [];
    if (!hasColumns(items, 'id_pedido', 'subtotal')) return [];
    const torn: TornOrder[] = [];
    for (const batch of batches([...this.#orders])) {
      const [orderRows, itemRows] = await Promise.all([
        this.#target.rows(orders, KEY, batch),
        this.#target.rows(items, 'id_pedido', batch),
      ]);
      for (const order of batch) {
        const row = orderRows.find((candidate) => Number(candidate[KEY]) === order) ?? null;
        const own = itemRows.filter((item) => Number(item['id_pedido']) === order);
        const reasons = tornReasons(row, own);
        if (reasons.length > 0) {
          torn.push({ order, reasons, targetSql: this.#target.rowSql('pedidos', order) });
        }
      }
    }
    return torn.sort((a, b) => a.order - b.order);
  }
}

function add(state: TableState, result: SettleResult): void {
  state.inFlight += result.inFlight;
  state.arrived += result.arrived;
}

function tableReport(state: TableState): TableReport {
  return {
    table: state.shape.name,
    sourceRows: state.scan.sourceRows,
    targetRows: state.scan.targetRows,
    counts: state.counts,
    inFlight: state.inFlight,
    arrivedMeanwhile: state.arrived,
  };
}

function total(states: readonly TableState[]): ReturnType<typeof noCounts> {
  const counts = noCounts();
  for (const state of states) {
    for (const kind of Object.keys(counts) as (keyof typeof counts)[]) counts[kind] += state.counts[kind];
  }
  return counts;
}
