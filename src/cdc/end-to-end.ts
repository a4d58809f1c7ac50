import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { DatabaseSettings } from '../config/database.ts';
import { clientConfig, type Db } from '../db/pool.ts';
import { delay } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import { identifier } from '../lib/sql-text.ts';
import type { EndToEnd } from './facts.ts';
import { beat } from './heartbeat.ts';
import { DOCTOR_SLOT } from './names.ts';

export interface EndToEndOptions {
  readonly publication: string;
  /** The creation of a slot waits for running transactions, this long at most. */
  readonly slotWaitMs?: number;
  /** The beat is waited for this long at most. */
  readonly waitMs?: number;
}

/** Changes decoded in one look, so that heavy traffic cannot fill the memory. */
const CHANGES_AT_ONCE = 2_000;

/**
 * Writes the heartbeat and looks for it in a temporary slot of its own, decoded by pgoutput through the publication:
 * the way that a reader's changes take. The slot ends with its connection, whatever happens; no other slot is read.
 */
export async function runEndToEnd(
  db: Db,
  settings: DatabaseSettings,
  options: EndToEndOptions,
): Promise<EndToEnd> {
  const client = new pg.Client(clientConfig(settings, 'cdc-sim doctor'));
  client.on('error', () => undefined);
  const slot = `${DOCTOR_SLOT}${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  let step: 'slot' | 'heartbeat' | 'decode' = 'slot';
  try {
    await client.connect();
    await client.query(`SET statement_timeout = ${Math.round(options.slotWaitMs ?? 10_000)}`);
    await client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput', true)`, [slot]);
    step = 'heartbeat';
    const startMs = performance.now();
    const { token } = await beat(db);
    step = 'decode';
    return await waitForToken(client, { slot, token, startMs, ...options });
  } catch (error) {
    return { outcome: 'failed', step, reason: messageOf(error) };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function waitForToken(
  client: pg.Client,
  options: EndToEndOptions & { readonly slot: string; readonly token: string; readonly startMs: number },
): Promise<EndToEnd> {
  const waitMs = options.waitMs ?? 15_000;
  await client.query(`SET statement_timeout = ${Math.round(waitMs)}`);
  for (;;) {
    const { rows } = await client.query<{ changes: number; seen: boolean | null }>(
      `SELECT count(*)::int AS changes, bool_or(position(convert_to($2, 'UTF8') IN data) > 0) AS seen
       FROM pg_logical_slot_get_binary_changes($1, NULL, $3, 'proto_version', '1', 'publication_names', $4)`,
      [options.slot, options.token, CHANGES_AT_ONCE, identifier(options.publication)],
    );
    const waitedMs = performance.now() - options.startMs;
    if (rows[0]?.seen === true) return { outcome: 'seen', ms: waitedMs };
    if (waitedMs >= waitMs) return { outcome: 'not-seen', waitedMs };
    if ((rows[0]?.changes ?? 0) === 0) await delay(50);
  }
}
