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
import { refusesStartupOptions, type SessionDefault, sessionSettings } from './session.ts';
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
  const wanted = config.database ?? embedded?.settings;
  if (wanted === undefined) throw new Error('neither a database nor an embedded server');
  const { patienceMs = PATIENCE_MS, signal, ...connectOptions } = options;
  let opened: Opened<ServerFacts>;
  try {
    opened = await openConnections(
      wanted,
      { poolSize: config.poolSize, ...connectOptions, logger },
      (connections) => firstContact(connections, wanted, logger, { patienceMs, signal }),
    );
  } catch (error) {
    await embedded?.detach();
    throw error;
  }
  const { settings, connections } = opened;
  const close = once(async () => {
    await connections.close();
    await embedded?.detach();
  });
  const unfit = judgeServer(opened.answer, settings);
  if (unfit !== undefined) {
    await close();
    throw unfit;
  }
  const { user, host, port, database } = settings;
  const url =
    embedded?.url ??
    `postgresql://${encodeURIComponent(user)}@${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(database)}`;
  const where = embedded === null ? describeDatabase(settings) : `embedded PostgreSQL on port ${port}`;
  return { connections, settings, where, url, embedded, close };
}

export interface Opened<T> {
  readonly connections: Connections;
  /** As they were given, or without what a pooler in between did not take. */
  readonly settings: DatabaseSettings;
  readonly answer: T;
}

/**
 * Opens connections and asks a first question over them; without startup options where they are refused. Throws what
 * the question throws, explained where it can be, and leaves nothing open then.
 */
export async function openConnections<T>(
  settings: DatabaseSettings,
  options: ConnectOptions,
  ask: (connections: Connections) => Promise<T>,
): Promise<Opened<T>> {
  const connections = connect(settings, options);
  try {
    return { connections, settings, answer: await ask(connections) };
  } catch (error) {
    await connections.close();
    if (settings.plainStartup !== true && refusesStartupOptions(messageOf(error))) {
      options.logger.info('a pooler is in between that takes no startup options: none are sent');
      return openConnections({ ...settings, plainStartup: true }, options, ask);
    }
    throw explainConnectionError(error, settings) ?? error;
  }
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
        throw error;
      }
      if (attempt === 0) {
        logger.info(
          { host: settings.host, port: settings.port },
          `waiting for ${describeDatabase(settings)} (up to ${waiting.patienceMs / 1000} s): ${messageOf(error)}`,
        );
      }
      if (!(await delay(Math.min(250 * 1.5 ** attempt, 2_000), waiting.signal))) throw error;
    }
  }
}

async function readFacts(connections: Connections): Promise<ServerFacts> {
  const result = await sql<{
    version: string;
    encoding: string;
    recovery: boolean;
    readonly: string;
    role: string;
    session: Record<string, string>;
    defaults: SessionDefault[];
  }>`
    SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
      pg_is_in_recovery() AS recovery, current_setting('transaction_read_only') AS readonly, current_user::text AS role,
      (SELECT json_object_agg(name, current_setting(name)) FROM unnest(${sql.val([...sessionSettings])}::text[]) AS n (name)) AS session,
      (SELECT coalesce(json_agg(json_build_object('name', split_part(entry, '=', 1),
          'value', substr(entry, strpos(entry, '=') + 1), 'scope', CASE
            WHEN setrole <> 0 AND setdatabase <> 0 THEN 'role in database' WHEN setrole <> 0 THEN 'role'
            WHEN setdatabase <> 0 THEN 'database' ELSE 'all roles' END)
          ORDER BY setrole <> 0 DESC, setdatabase <> 0 DESC), '[]')
        FROM pg_db_role_setting, unnest(setconfig) AS entry
        WHERE setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
          AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS defaults`.execute(
    connections.db,
  );
  const row = result.rows[0];
  if (row === undefined) throw new Error('the server said nothing about itself');
  return {
    versionNumber: Number(row.version),
    encoding: row.encoding,
    inRecovery: row.recovery,
    readOnly: row.readonly === 'on' && !row.recovery,
    session: { role: row.role, values: row.session, defaults: row.defaults },
  };
}
