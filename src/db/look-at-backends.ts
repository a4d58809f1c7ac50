import pg from 'pg';
import { messageOf } from '../lib/errors.ts';
import type { BackendSighting } from './backend-state.ts';

/** What a connection of its own found out about the backends of others. */
export type Look =
  | {
      readonly kind: 'seen';
      readonly backends: ReadonlyMap<number, BackendSighting>;
      /** Backends of our role beside those asked for that have been at a statement for a while. */
      readonly othersAtWork: number;
    }
  /** The server answers and tells nothing: it has no connection left, it is starting. */
  | { readonly kind: 'refused' }
  /** Nothing comes back on a new connection either. */
  | { readonly kind: 'nothing'; readonly reason: string };

/** A CDC reader of the same role is a walsender, and at its one statement for good. */
const LOOK = `SELECT pid, state, wait_event_type AS "waitEventType", pid = ANY ($1::int[]) AS asked FROM pg_stat_activity
  WHERE usename = session_user AND datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type IN ('client backend', 'parallel worker')
    AND (pid = ANY ($1::int[]) OR (state = 'active' AND query_start < clock_timestamp() - interval '1 s'))`;

const GOODBYE_MS = 1_000;

/**
 * Opens a connection, asks what the backends with these process ids are at, and closes it; takes `deadlineMs` at most,
 * and never throws.
 */
export async function lookAtBackends(
  config: pg.ClientConfig,
  pids: readonly number[],
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Look> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: deadlineMs });
  client.on('error', () => undefined);
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  let giveUp: (reason: Error) => void = () => undefined;
  const over = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const abort = () => giveUp(new Error('the pool is closed'));
  const timer = setTimeout(() => giveUp(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  timer.unref();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { rows } = await Promise.race([ask(client, pids), over]);
    const backends = new Map(rows.filter(({ asked }) => asked).map((row) => [row.pid, row]));
    return { kind: 'seen', backends, othersAtWork: rows.length - backends.size };
  } catch (error) {
    if (error instanceof pg.DatabaseError) return { kind: 'refused' };
    return { kind: 'nothing', reason: messageOf(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    client.end().catch(() => undefined);
    // a goodbye that nobody hears
    setTimeout(() => stream.destroy(), GOODBYE_MS).unref();
  }
}

async function ask(
  client: pg.Client,
  pids: readonly number[],
): Promise<{ rows: (BackendSighting & { readonly asked: boolean })[] }> {
  await client.connect();
  return client.query(LOOK, [pids]);
}
