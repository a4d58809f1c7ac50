import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';

/** Statements in flight on a connection: while the server writes one, the next is there already. */
const DEPTH = 2;

/**
 * A pool for single statements: hands a connection of `pool` to two users at a time, so that the server need not wait
 * for this process between two statements. Each statement stays a transaction of its own (each is followed by its own
 * Sync); a transaction of several would mix with its neighbour's and is refused. A second user comes to a connection
 * only where no other is free, and it goes back to `pool` as soon as nobody is on it.
 */
export class PipelinedPool implements PostgresPool {
  readonly options: PostgresPool['options'];
  readonly #pool: pg.Pool;
  /** False behind a pooler, where a connection is somebody's for a whole transaction only. */
  readonly #isDirect: () => boolean;
  /** Those that somebody is on. */
  readonly #open = new Set<Line>();
  readonly #lines = new WeakMap<pg.PoolClient, Line>();
  #opening = 0;

  constructor(pool: pg.Pool, isDirect: () => boolean) {
    this.#pool = pool;
    this.#isDirect = isDirect;
    this.options = pool.options;
  }

  async connect(): Promise<PostgresPoolClient> {
    const line = this.#shared() ?? (await this.#opened());
    return line.take();
  }

  /** The pool beneath is closed by whoever opened it. */
  async end(): Promise<void> {}

  #shared(): Line | undefined {
    const { options, waitingCount } = this.#pool;
    // who waits for a connection of the pool gets the next that is free: one stays free of us unless there is only one
    if (!this.#isDirect() || waitingCount > 0 || this.#open.size + this.#opening < options.max - 1)
      return undefined;
    for (const line of this.#open) if (line.hasRoom) return line;
    return undefined;
  }

  async #opened(): Promise<Line> {
    this.#opening += 1;
    try {
      const client = await this.#pool.connect();
      let line = this.#lines.get(client);
      if (line === undefined) {
        line = new Line(client, (free) => this.#open.delete(free));
        this.#lines.set(client, line);
      }
      this.#open.add(line);
      return line;
    } finally {
      this.#opening -= 1;
    }
  }
}

/** A connection and those who are on it. */
class Line {
  readonly #client: pg.PoolClient;
  /** Called when nobody is on it any more. */
  readonly #onFree: (line: Line) => void;
  readonly #free: Lease[];

  constructor(client: pg.PoolClient, onFree: (line: Line) => void) {
    this.#client = client;
    this.#onFree = onFree;
    // the same ones again and again: Kysely prepares what it is handed for the first time
    this.#free = Array.from({ length: DEPTH }, () => new Lease(this));
  }

  get hasRoom(): boolean {
    return this.#free.length > 0;
  }

  take(): Lease {
    const lease = this.#free.pop();
    if (lease === undefined) throw new Error('more on a connection than it takes');
    return lease;
  }

  query(text: string, parameters: readonly unknown[] | undefined): Promise<pg.QueryResult> {
    return this.#client.query(text, parameters as unknown[]);
  }

  giveBack(lease: Lease): void {
    this.#free.push(lease);
    if (this.#free.length < DEPTH) return;
    this.#onFree(this);
    this.#client.release();
  }
}

const OF_SEVERAL_STATEMENTS = /^\s*(begin|start|commit|rollback|savepoint|release)\b/i;

class Lease implements PostgresPoolClient {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  // biome-ignore lint/suspicious/noExplicitAny: Kysely's overloads
  query(text: any, parameters?: readonly unknown[]): any {
    if (OF_SEVERAL_STATEMENTS.test(text))
      return Promise.reject(new Error('a transaction of several statements needs a connection of its own'));
    return this.#line.query(text, parameters);
  }

  release(): void {
    this.#line.giveBack(this);
  }
}
