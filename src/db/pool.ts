import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Kysely, type LogEvent } from 'kysely';
import pg from 'pg';
import type { DatabaseSettings } from '../config/database.ts';
import { messageOf, OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { SessionlessPostgresDialect } from './dialect.ts';
import { PipelinedPool } from './pipeline.ts';
import type { Database } from './schema.ts';
import { SESSION_OPTIONS } from './session.ts';
import { codeOf } from './sqlstate.ts';

export type Db = Kysely<Database>;

/** A query that gets no answer for this long is on a dead connection: a half-closed network never says so. */
const QUERY_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
const CLOSE_GRACE_MS = 4_000;

export interface Connections {
  readonly db: Db;
  /** For single statements that come in numbers: two are in flight on a connection; see {@link PipelinedPool}. */
  readonly pipelined: Db;
  /** The pool beneath, for COPY and for who needs a connection of its own. */
  readonly pool: pg.Pool;
  /** Breaks every connection there is; who waits on one gets an error. For a stop that cannot wait any longer. */
  breakAll(why: string): void;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly poolSize: number;
  readonly logger: Logger;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Default 30 s; 0 for work that may rightly take long. */
  readonly queryTimeoutMs?: number;
}

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8) return Number;
    if (oid === pg.types.builtins.DATE) return (text: string) => text;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

/** What `pg` needs to open one connection. */
export function clientConfig(settings: DatabaseSettings, applicationName = 'cdc-sim'): pg.ClientConfig {
  return {
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ssl: tlsOptions(settings),
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(settings.plainStartup === true || looksLikePooler(settings) ? {} : { options: SESSION_OPTIONS }),
    types,
  };
}

function tlsOptions(settings: DatabaseSettings): pg.ClientConfig['ssl'] {
  if (settings.sslMode === 'disable') return false;
  if (settings.sslMode === 'require') return { rejectUnauthorized: false };
  if (settings.sslRootCert === undefined) return { rejectUnauthorized: true };
  try {
    return { rejectUnauthorized: true, ca: readFileSync(settings.sslRootCert, 'utf8') };
  } catch (error) {
    throw new OperatorError(`cannot read the CA certificate ${settings.sslRootCert}: ${messageOf(error)}`, {
      fix: 'set DB_SSLROOTCERT to the file (Supabase: Project Settings → Database → SSL → download prod-ca-2021.crt)',
      exitCode: 2,
    });
  }
}

/** A pooler in transaction mode hands every transaction to another backend: named statements would not be there. */
export function looksLikePooler(settings: Pick<DatabaseSettings, 'host' | 'user' | 'port'>): boolean {
  return (
    /(^|[.-])pooler\./i.test(settings.host) ||
    /^postgres\.[a-z0-9]{16,}$/i.test(settings.user) ||
    settings.port === 6543 ||
    settings.port === 6432
  );
}

/** Whether statements are prepared; off for good once a pooler has shown itself. */
interface Preparing {
  on: boolean;
  readonly turnedOff: () => void;
}

/** "Does not exist" and "exists already": the transaction before ran on another backend. */
const NO_PREPARING = new Set(['26000', '42P05']);

/**
 * A connection that prepares the statements it sees again and again (only where the connection is direct), and that
 * is torn down when an answer does not come.
 */
function clientClass(
  preparing: Preparing,
  timeoutMs: number,
  living: Set<{ tearDown(why: string): void }>,
): typeof pg.Client {
  const names = new Map<string, string>();
  const nameOf = (text: string): string => {
    let name = names.get(text);
    if (name === undefined) {
      name = `s${createHash('sha1').update(text).digest('hex').slice(0, 20)}`;
      if (names.size < 200) names.set(text, name);
    }
    return name;
  };
  return class SimClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      living.add(this);
      this.once('end', () => living.delete(this));
      // a connection may break while it is out of the pool and asks nothing (between two statements of a transaction):
      // unheard, that error would end the process; the next statement on it is refused and tells
      this.on('error', () => undefined);
    }

    // biome-ignore lint/suspicious/noExplicitAny: pg's own overloads
    override query(...args: any[]): any {
      const [config, values] = args;
      const prepare =
        preparing.on &&
        typeof config === 'string' &&
        Array.isArray(values) &&
        config.startsWith(PREPARE_MARK);
      if (prepare) args[0] = { name: nameOf(config), text: config };
      const result = super.query(...(args as Parameters<pg.Client['query']>)) as unknown;
      if (prepare && result instanceof Promise) {
        result.catch((error: unknown) => {
          if (!preparing.on || !NO_PREPARING.has(codeOf(error))) return;
          preparing.on = false;
          preparing.turnedOff();
        });
      }
      if (timeoutMs > 0 && result instanceof Promise) {
        const timer = setTimeout(
          () => this.tearDown(`read timeout: no answer from the database for ${timeoutMs} ms`),
          timeoutMs,
        );
        const clear = () => clearTimeout(timer);
        result.then(clear, clear);
      }
      return result;
    }

    /** Breaks the connection; whoever waits on it gets an error that says why. */
    tearDown(why: string): void {
      const { connection } = this as unknown as { connection: { stream: { destroy(error?: Error): void } } };
      connection.stream.destroy(new Error(why));
    }
  } as unknown as typeof pg.Client;
}

/** A statement that starts with this comment is worth preparing: it runs again and again with the same text. */
export const PREPARE_MARK = '/* cdc-sim */';

/** Opens a pool; no connection is made before the first query. */
export function connect(settings: DatabaseSettings, options: ConnectOptions): Connections {
  const { logger } = options;
  const living = new Set<{ tearDown(why: string): void }>();
  const preparing: Preparing = {
    on: !looksLikePooler(settings),
    turnedOff: () =>
      logger.info('a pooler is in between that keeps no prepared statements: from now on none are used'),
  };
  const pool = new pg.Pool({
    ...clientConfig(settings, options.applicationName),
    max: options.poolSize,
    idleTimeoutMillis: 60_000,
    pipeline: true,
    Client: clientClass(preparing, options.queryTimeoutMs ?? QUERY_TIMEOUT_MS, living),
  });
  // an idle connection that breaks must not end the process; the next query finds out for itself
  pool.on('error', (error) => logger.debug({ reason: messageOf(error) }, 'an idle connection broke'));
  const log = (event: LogEvent): void => {
    if (event.level !== 'query' || !logger.isLevelEnabled('debug')) return;
    logger.debug(
      {
        event: 'sql',
        // one line: the log is read by line
        sql: event.query.sql.replace(/\s*\n\s*/g, ' ').trim(),
        ms: Math.round(event.queryDurationMillis * 100) / 100,
      },
      'sql',
    );
  };
  const db = new Kysely<Database>({ dialect: new SessionlessPostgresDialect({ pool }), log });
  const pipelined = new Kysely<Database>({
    dialect: new SessionlessPostgresDialect({ pool: new PipelinedPool(pool, () => preparing.on) }),
    log,
  });
  let closing: Promise<void> | undefined;
  return {
    db,
    pipelined,
    pool,
    breakAll: (why) => {
      for (const client of living) client.tearDown(why);
    },
    close: () => {
      closing ??= closeGracefully(() => db.destroy(), living);
      return closing;
    },
  };
}

/** Closes when the work in flight has ended, and breaks what is still at it after a while. */
async function closeGracefully(
  close: () => Promise<void>,
  living: Set<{ tearDown(why: string): void }>,
): Promise<void> {
  const timer = setTimeout(() => {
    for (const client of living) client.tearDown('connection closed: shutting down');
  }, CLOSE_GRACE_MS);
  try {
    await close();
  } finally {
    clearTimeout(timer);
  }
}
