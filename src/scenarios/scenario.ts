import type { Db } from '../db/pool.ts';
import type { Random } from '../lib/random.ts';
import type { PaymentMix } from '../orders/model/payment.ts';

/** What a scenario is played on. */
export interface Stage {
  readonly db: Db;
  /** How many rows it takes; what a row is, the scenario says. */
  readonly rows: number;
  /** For how long a transaction is held open, in ms. */
  readonly holdMs: number;
  readonly random: Random;
  /** Business time of now, ms since the epoch. */
  readonly nowMs: number;
  readonly lifecycleSpeed: number;
  readonly paymentMix: PaymentMix;
  readonly signal: AbortSignal;
}

/** Rows that were committed, by table: what a reader that appends every event must have received. */
export interface Change {
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** What was done, and what is true from now on. */
export interface Played {
  readonly changes: readonly Change[];
  /** Sentences that hold at the source, and must hold at the target. */
  readonly facts: readonly string[];
  /** Statements without schema, to look at source and target with. */
  readonly look: readonly string[];
}

/** An adversity of real sources that readers are known to stumble over. */
export interface Scenario {
  readonly name: string;
  /** What is done to the source. */
  readonly does: string;
  /** What a correct target shows in the end. */
  readonly shows: string;
  /** What goes wrong elsewhere, and with which readers. */
  readonly trap: string;
  /** What `rows` counts, how many by default, and at most. */
  readonly size: { readonly of: string; readonly rows: number; readonly most: number };
  play(stage: Stage): Promise<Played>;
}

/** Changes of one table; what is left out is 0. */
export function change(table: string, counts: Partial<Omit<Change, 'table'>>): Change {
  return { table, inserted: 0, updated: 0, deleted: 0, ...counts };
}
