import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { claimJob } from '../db/jobs.ts';
import type { Db } from '../db/pool.ts';
import { retrying } from '../db/transaction.ts';

/** How often the heartbeat row is written, over all workers together. */
export const HEARTBEAT_EVERY_MS = 10_000;

export interface Beat {
  /** Found again by whoever reads the WAL. */
  readonly token: string;
  /** The database's clock, ms since the epoch. */
  readonly emittedAtMs: number;
}

/**
 * Writes the heartbeat row (id 1): a published change, so that a slot whose tables are quiet still moves. It goes
 * through the triggers' ledger like any other change.
 */
export async function beat(db: Db, token: string = randomUUID()): Promise<Beat> {
  const result = await retrying(() =>
    sql<{ at_ms: number }>`
    INSERT INTO public.cdc_heartbeat AS h (id, token, emitido_em) VALUES (1, ${token}, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET token = excluded.token, emitido_em = clock_timestamp(), atualizado_em = clock_timestamp()
    RETURNING extract(epoch FROM h.emitido_em)::float8 * 1000 AS at_ms`.execute(db),
  );
  return { token, emittedAtMs: result.rows[0]?.at_ms ?? 0 };
}

/** The beat of whichever worker's turn it is; null when it was not ours. */
export async function beatWhenDue(db: Db, everyMs = HEARTBEAT_EVERY_MS): Promise<Beat | null> {
  return (await claimJob(db, 'heartbeat', everyMs)) ? beat(db) : null;
}
