import type { Pgoutput } from 'pg-logical-replication';
import { ChangeBuffer, type LandedTable, type RowValues } from './changes.ts';
import { type Lsn, parseLsn } from './lsn.ts';

export interface BatchLimits {
  /** A batch waits this long for more before it is written. */
  readonly batchMs: number;
  /** Beyond either the batch is written at once, in the middle of a transaction too. */
  readonly maxChanges: number;
  readonly maxBytes: number;
}

export const defaultLimits: BatchLimits = { batchMs: 250, maxChanges: 10_000, maxBytes: 16 * 1024 * 1024 };

/** How often a position is noted while nothing of ours changes at the source. */
const IDLE_MS = 1_000;

export interface Batch {
  readonly changes: ChangeBuffer;
  /** Relations announced since the last batch: columns or tables may be new. */
  readonly relations: readonly Pgoutput.MessageRelation[];
  /** Microseconds since 1970: when the first change was received. */
  readonly ingestedAt: bigint;
  /** The position after the last transaction; null: a transaction is still open and must not become visible. */
  readonly upTo: Lsn | null;
  readonly lastCommitAt: bigint | null;
  readonly transactions: number;
}

export interface BatchSink {
  /** Makes the batch durable (when `upTo` is set). Never called while the last call still runs. */
  write(batch: Batch): Promise<void>;
  /** The layout of a table for new rows; undefined: rows of it are not wanted. */
  layout(relation: Pgoutput.MessageRelation): LandedTable | undefined;
  pause(): void;
  resume(): void;
  /** `write` failed. */
  fail(error: unknown): void;
  warn(message: string): void;
}

/** Folds the stream into batches of whole transactions; only what is larger than a batch is written in pieces. */
export class Batcher {
  readonly #sink: BatchSink;
  readonly #limits: BatchLimits;
  readonly #from: Lsn;
  #reached: Lsn;
  readonly #layouts = new Map<number, LandedTable | undefined>();
  #relations: Pgoutput.MessageRelation[] = [];
  #buffer = new ChangeBuffer();
  #firstAt: bigint | null = null;
  #open: { readonly commitAt: bigint; readonly skipped: boolean } | null = null;
  #upTo: Lsn | null = null;
  #lastCommitAt: bigint | null = null;
  #transactions = 0;
  #isDue = false;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #closed = false;

  /** Transactions that committed before `from` are in raw already. */
  constructor(sink: BatchSink, from: Lsn, limits: BatchLimits) {
    this.#sink = sink;
    this.#from = from;
    this.#reached = from;
    this.#limits = limits;
  }

  receive(message: Pgoutput.Message, bytes: number): void {
    switch (message.tag) {
      case 'begin':
        this.#open = {
          commitAt: BigInt(message.commitTime as bigint),
          skipped: message.commitLsn !== null && parseLsn(message.commitLsn) < this.#from,
        };
        return;
      case 'relation':
        this.#layouts.set(message.relationOid, this.#sink.layout(message));
        this.#relations.push(message);
        return;
      case 'insert':
      case 'update':
      case 'delete':
        this.#change(message, bytes);
        return;
      case 'truncate':
        this.#sink.warn(
          `TRUNCATE of ${message.relations.map((relation) => relation.name).join(', ')} at the source is ignored, as Hevo does: the rows stay in raw (delete rows with DELETE, or npm run sim -- lakehouse reset)`,
        );
        return;
      case 'commit':
        this.#commit(message);
        return;
      default:
        return;
    }
  }

  /** The server has nothing before `lsn` that we have not received. */
  keepalive(lsn: Lsn, replyRequested: boolean): void {
    if (this.#open !== null || this.#buffer.changes > 0 || lsn <= (this.#upTo ?? this.#reached)) {
      return;
    }
    this.#upTo = lsn;
    // a server that shuts down waits for this answer
    this.#wake(replyRequested ? 0 : IDLE_MS);
  }

  /** Writes the whole transactions that are here, then takes nothing more. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#writing?.catch(() => undefined);
    if (!this.#closed && this.#open === null && this.#upTo !== null) {
      this.#flush();
      await this.#writing;
    }
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #change(message: Pgoutput.MessageInsert | Pgoutput.MessageUpdate | Pgoutput.MessageDelete, bytes: number) {
    const open = this.#open;
    if (open === null) throw new Error('a change outside of a transaction');
    if (open.skipped) return;
    const table = this.#layouts.get(message.relation.relationOid);
    if (table === undefined) return;
    this.#firstAt ??= BigInt(Date.now()) * 1000n;
    if (message.tag === 'delete') {
      const key = (message.key ?? message.old ?? {}) as RowValues;
      this.#buffer.delete(table, key, open.commitAt, bytes);
    } else {
      const oldKey = message.tag === 'update' ? ((message.key ?? message.old) as RowValues | null) : null;
      this.#buffer.upsert(table, message.new as RowValues, oldKey, open.commitAt, bytes);
    }
    if (this.#isFull()) this.#flush();
  }

  #commit(message: Pgoutput.MessageCommit): void {
    const open = this.#open;
    this.#open = null;
    if (open === null || open.skipped || message.commitEndLsn === null) return;
    this.#upTo = parseLsn(message.commitEndLsn);
    this.#lastCommitAt = open.commitAt;
    this.#transactions += 1;
    if (this.#isDue) this.#flush();
    else this.#wake(this.#limits.batchMs);
  }

  #isFull(): boolean {
    return this.#buffer.changes >= this.#limits.maxChanges || this.#buffer.bytes >= this.#limits.maxBytes;
  }

  #wake(ms: number): void {
    if (this.#closed || (this.#timer !== null && ms > 0)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#isDue = true;
      if (this.#open === null) this.#flush();
    }, ms);
  }

  #flush(): void {
    if (this.#closed) return;
    if (this.#writing !== null) {
      this.#isDue = true;
      if (this.#isFull()) this.#sink.pause();
      return;
    }
    const batch = this.#take();
    this.#writing = this.#sink.write(batch).then(
      () => {
        this.#writing = null;
        if (this.#closed) return;
        this.#sink.resume();
        if (this.#isFull() || (this.#isDue && this.#open === null && this.#upTo !== null)) this.#flush();
      },
      (error: unknown) => {
        this.#writing = null;
        this.#closed = true;
        this.#sink.fail(error);
      },
    );
  }

  #take(): Batch {
    const whole = this.#open === null;
    const batch: Batch = {
      changes: this.#buffer,
      relations: this.#relations,
      ingestedAt: this.#firstAt ?? BigInt(Date.now()) * 1000n,
      upTo: whole ? this.#upTo : null,
      lastCommitAt: this.#lastCommitAt,
      transactions: whole ? this.#transactions : 0,
    };
    this.#buffer = new ChangeBuffer();
    this.#relations = [];
    this.#firstAt = null;
    this.#isDue = false;
    if (whole) {
      this.#transactions = 0;
      this.#reached = this.#upTo ?? this.#reached;
      this.#upTo = null;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return batch;
  }
}
