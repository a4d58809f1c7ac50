import { sql } from 'kysely';
import type { Config } from '../config/config.ts';
import type { DatabaseSettings } from '../config/database.ts';
import { delay } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { once } from '../lib/service.ts';
import { attachEmbedded, type Embedded } from './embedded/attach.ts';
import { describeDatabase, explainConnectionError, judgeServer, type ServerFacts } from './explain.ts';
import { type Connections, type ConnectOptions, connect } from './pool.ts';
import { codeOf } from './sqlstate.ts';

/** The source database, open. */
export interface Source {
  readonly connections: Connections;
  readonly settings: DatabaseSettings;
  /** For a person; never with a password that is a secret. */
  readonly where: string;
  /** What psql takes on this machine: the embedded server's whole URL, else without the password. */
  readonly url: string;
  readonly embedded: Embedded | null;
  close(): Promise<void>;
}

export interface OpenOptions extends Partial<Omit<ConnectOptions, 'logger'>> {
  /** How long a server that is not up yet is waited for, in milliseconds; default 30 s. */
  readonly patienceMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** A server that is starting (compose, a reboot) is waited for this long. */
const PATIENCE_MS = 30_000;
const WORTH_WAITING = new Set(['ECONNREFUSED', '57P03', 'EAI_AGAIN', 'ECONNRESET']);

/**
 * Opens the configured database, or the embedded one when none is configured. Throws an OperatorError that says what
 * is wrong with the connection or the server, and the fix.
 */
export async function openSource(config: Config, logger: Logger, options: OpenOptions = {}): Promise<Source> {
  const embedded = config.database === null ? await attachEmbedded(config.embedded, logger) : null;
  const settings = config.database ?? embedded?.settings;
  if (settings === undefined) throw new Error('neither a database nor an embedded server');
  const { patienceMs = PATIENCE_MS, signal, ...connectOptions } = options;
  const connections = connect(settings, { poolSize: config.poolSize, ...connectOptions, logger });
  const close = once(async () => {
    await connections.close();
    await embedded?.detach();
  });
  try {
    const facts = await firstContact(connections, settings, logger, { patienceMs, signal });
    const unfit = judgeServer(facts, settings);
    if (unfit !== undefined) throw unfit;
  } catch (error) {
    await close();
    throw error;
  }
  const { user, host, port, database } = settings;
  const url =
    embedded?.url ??
    `postgresql://${encodeURIComponent(user)}@${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
  const where = embedded === null ? describeDatabase(settings) : `embedded PostgreSQL on port ${port}`;
  return { connections, settings, where, url, embedded, close };
}

async function firstContact(
  connections: Connections,
  settings: DatabaseSettings,
  logger: Logger,
  waiting: { readonly patienceMs: number; readonly signal: AbortSignal | undefined },
): Promise<ServerFacts> {
  const deadline = performance.now() + waiting.patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await readFacts(connections);
    } catch (error) {
      if (!WORTH_WAITING.has(codeOf(error)) || performance.now() > deadline) {
        throw explainConnectionError(error, settings) ?? error;
      }
      if (attempt === 0) {
        logger.info(
          { host: settings.host, port: settings.port },
          `waiting for ${describeDatabase(settings)} (up to ${waiting.patienceMs / 1000} s): ${messageOf(error)}`,
        );
      }
      if (!(await delay(Math.min(250 * 1.5 ** attempt, 2_000), waiting.signal))) {
        throw explainConnectionError(error, settings) ?? error;
      }
    }
  }
}

async function readFacts(connections: Connections): Promise<ServerFacts> {
  const result = await sql<{ version: string; encoding: string; recovery: boolean; readonly: string }>`
    SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
      pg_is_in_recovery() AS recovery, current_setting('transaction_read_only') AS readonly`.execute(
    connections.db,
  );
  const row = result.rows[0];
  if (row === undefined) throw new Error('the server said nothing about itself');
  return {
    versionNumber: Number(row.version),
    encoding: row.encoding,
    inRecovery: row.recovery,
    readOnly: row.readonly === 'on' && !row.recovery,
  };
}
