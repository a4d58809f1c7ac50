import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Kysely, type LogEvent } from 'kysely';
import pg from 'pg';
import type { DatabaseSettings } from '../config/database.ts';
import { messageOf, OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { SessionlessPostgresDialect } from './dialect.ts';
import { lookAtBackends } from './look-at-backends.ts';
import { PipelinedPool } from './pipeline.ts';
import type { Database } from './schema.ts';
import { LEAVES_NOTHING_BEHIND, SESSION_OPTIONS } from './session.ts';
import { type Hearable, type Line, SilenceWatch } from './silence.ts';
import { codeOf } from './sqlstate.ts';

export type Db = Kysely<Database>;

/** See {@link SilenceWatch}: it mostly knows much sooner. */
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
  /** Default 30 s, for statements of which nobody can tell whether the server is at them; 0 does not watch at all. */
  readonly queryTimeoutMs?: number;
  /** For who never pauses inside a transaction: the server ends what a connection that is gone left open. */
  readonly leavesNothingBehind?: boolean;
}

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8) return Number;
    if (oid === pg.types.builtins.DATE) return (text: string) => text;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

/** What `pg` needs to open one connection; `options` are startup options of the session, left out behind a pooler. */
export function clientConfig(
  settings: DatabaseSettings,
  applicationName = 'cdc-sim',
  options: string = SESSION_OPTIONS,
): pg.ClientConfig {
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
    ...(settings.plainStartup === true || looksLikePooler(settings) ? {} : { options }),
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

interface Watching {
  /** Undefined: an answer may take for ever. */
  readonly silence: SilenceWatch | undefined;
  /** Behind a pooler, process ids are made up. */
  readonly pidsMean: boolean;
  readonly living: Set<{ tearDown(why: string): void }>;
  readonly lines: WeakMap<object, Line>;
}

/**
 * A connection that prepares the statements it sees again and again (only where the connection is direct), and that
 * is torn down when an answer does not come.
 */
function clientClass(preparing: Preparing, watching: Watching): typeof pg.Client {
  const { silence, pidsMean, living, lines } = watching;
  const names = new Map<string, string>();
  const nameOf = (text: string): string => {
    let name = names.get(text);
    if (name === undefined) {
      name = `s${createHash('sha1').update(text).digest('hex').slice(0, 20)}`;
      if (names.size < 200) names.set(text, name);
    }
    return name;
  };
  const shouldPrepare = (text: unknown, values: unknown): boolean =>
    preparing.on && typeof text === 'string' && Array.isArray(values) && text.startsWith(PREPARE_MARK);
  return class SimClient extends pg.Client implements Hearable {
    readonly #line: Line | undefined;

    constructor(config: pg.ClientConfig) {
      const value = silence?.connectTimeoutMs(CONNECT_TIMEOUT_MS) ?? CONNECT_TIMEOUT_MS;
      // not a copy: the pool hides the password from being enumerated
      super(Object.create(config, { connectionTimeoutMillis: { value } }) as pg.ClientConfig);
      living.add(this);
      this.once('end', () => living.delete(this));
      const line = silence?.add(this);
      this.#line = line;
      if (line !== undefined) {
        lines.set(this, line);
        this.once('connect', () => silence?.connected(line));
        this.once('end', () => silence?.remove(line));
      }
      // a connection may break while it is out of the pool and asks nothing (between two statements of a transaction):
      // unheard, that error would end the process; the next statement on it is refused and tells
      this.on('error', () => undefined);
    }

    // biome-ignore lint/suspicious/noExplicitAny: pg's own overloads
    override query(...args: any[]): any {
      const [text, values] = args;
      // what comes in numbers: a plain text with its values, awaited
      if (typeof text === 'string' && Array.isArray(values) && args.length === 2)
        return this.#ask(text, values);
      if (shouldPrepare(text, values)) args[0] = { name: nameOf(text), text };
      const result = super.query(...(args as Parameters<pg.Client['query']>)) as unknown;
      const line = this.#line;
      if (line !== undefined && result instanceof Promise) {
        line.asked();
        const answered = () => line.answered();
        result.then(answered, answered);
      }
      return result;
    }

    /** As `query(text, values)`, with one promise instead of four. */
    #ask(text: string, values: unknown[]): Promise<pg.QueryResult> {
      const query = new pg.Query(text, values) as pg.Query & {
        name?: string;
        callback?: (error: unknown, result: pg.QueryResult) => void;
      };
      const prepared = shouldPrepare(text, values);
      if (prepared) query.name = nameOf(text);
      const line = this.#line;
      return new Promise((resolve, reject) => {
        let open = true;
        query.callback = (error, result) => {
          if (open) line?.answered();
          open = false;
          if (!error) {
            resolve(result);
            return;
          }
          if (prepared && preparing.on && NO_PREPARING.has(codeOf(error))) {
            preparing.on = false;
            preparing.turnedOff();
          }
          reject(error);
        };
        super.query(query);
        line?.asked();
      });
    }

    get pid(): number | null {
      return pidsMean ? (this as unknown as { processID: number | null }).processID : null;
    }

    get bytesRead(): number {
      return this.#stream.bytesRead;
    }

    /** Breaks the connection; whoever waits on it gets an error that says why. */
    tearDown(why: string): void {
      this.#stream.destroy(new Error(why));
    }

    /** TLS puts another one in its place. */
    get #stream(): Socket {
      return (this as unknown as { connection: { stream: Socket } }).connection.stream;
    }
  } as unknown as typeof pg.Client;
}

/** A statement that starts with this comment is worth preparing: it runs again and again with the same text. */
export const PREPARE_MARK = '/* cdc-sim */';

/** Opens a pool; no connection is made before the first query. */
export function connect(settings: DatabaseSettings, options: ConnectOptions): Connections {
  const { logger } = options;
  const living = new Set<{ tearDown(why: string): void }>();
  const lines = new WeakMap<object, Line>();
  const silence = watchSilence(settings, options);
  const pooled = looksLikePooler(settings);
  const preparing: Preparing = {
    on: !pooled,
    turnedOff: () =>
      logger.info('a pooler is in between that keeps no prepared statements: from now on none are used'),
  };
  const pool = new pg.Pool({
    ...clientConfig(
      settings,
      options.applicationName,
      options.leavesNothingBehind === true ? `${SESSION_OPTIONS} ${LEAVES_NOTHING_BEHIND}` : SESSION_OPTIONS,
    ),
    max: options.poolSize,
    idleTimeoutMillis: 60_000,
    pipeline: true,
    Client: clientClass(preparing, { silence, pidsMean: !pooled, living, lines }),
  });
  const setUnused = (client: pg.PoolClient, unused: boolean) => {
    const line = lines.get(client);
    if (line !== undefined) line.unused = unused;
  };
  pool.on('acquire', (client) => setUnused(client, false));
  pool.on('release', (_error, client) => setUnused(client, true));
  // an idle connection that breaks must not end the process; the next query finds out for itself
  pool.on('error', (error) => logger.debug({ reason: messageOf(error) }, 'an idle connection broke'));
  const tell = (event: LogEvent): void => {
    if (event.level !== 'query') return;
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
  // Kysely times every statement that it is to log
  const log = logger.isLevelEnabled('debug') ? { log: tell } : {};
  const db = new Kysely<Database>({ dialect: new SessionlessPostgresDialect({ pool }), ...log });
  const pipelined = new Kysely<Database>({
    dialect: new SessionlessPostgresDialect({ pool: new PipelinedPool(pool, () => preparing.on) }),
    ...log,
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
      closing ??= closeGracefully(() => db.destroy(), living).finally(() => silence?.stop());
      return closing;
    },
  };
}

function watchSilence(settings: DatabaseSettings, options: ConnectOptions): SilenceWatch | undefined {
  const { applicationName = 'cdc-sim', queryTimeoutMs = QUERY_TIMEOUT_MS } = options;
  if (queryTimeoutMs <= 0) return undefined;
  const config = clientConfig(settings, `${applicationName} probe`);
  return new SilenceWatch({
    timeoutMs: queryTimeoutMs,
    look: (pids, deadlineMs, signal) => lookAtBackends(config, pids, deadlineMs, signal),
  });
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
