import pg from 'pg';
import type { DatabaseSettings } from '../../config/database.ts';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { once } from '../../lib/service.ts';
import { place } from './placement.ts';
import { EmbeddedServer, PortTakenError, portIsFree } from './server.ts';
import { EMBEDDED_DATABASE, EMBEDDED_PASSWORD, EMBEDDED_USER } from './settings.ts';
import { type Users, withUsers } from './users.ts';

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly port: number;
  /** False: the port is a default and may move to the next free one. */
  readonly portWasSet: boolean;
  /** Further server settings, as in postgresql.conf. */
  readonly serverSettings?: Readonly<Record<string, string>>;
}

export interface Embedded {
  readonly settings: DatabaseSettings;
  /** For psql, a tap, or whoever else is on this machine. */
  readonly url: string;
  readonly dataDir: string;
  /** False: it ran already and was adopted. */
  readonly startedHere: boolean;
  /**
   * Starts the server again when it is gone: at once after a crash, after a while when somebody stopped it. Never
   * throws: what hinders it is logged.
   */
  revive(): Promise<void>;
  /** Leaves the server; the last one who leaves stops it. */
  detach(): Promise<void>;
}

const PORTS_TO_TRY = 100;
/** Somebody who stopped the server in good order gets this long to start it again himself. */
const STOPPED_GRACE_MS = 30_000;

/**
 * Attaches to the embedded server of a data directory: adopts the one that runs there, else starts it, making the
 * data directory when there is none. Several processes may share it; whoever leaves last stops it.
 */
export async function attachEmbedded(options: EmbeddedOptions, logger: Logger): Promise<Embedded> {
  const placement = place(options.dataDir, logger);
  const { dataDir } = placement;
  const server = new EmbeddedServer(placement, options.serverSettings);
  const list = `${dataDir}.users.db`;
  const { port, startedHere, entry } = await withUsers(list, (users) =>
    enter(server, users, options, logger),
  );
  if (!startedHere) {
    const notThere = options.portWasSet && port !== options.port ? ` (and not on ${options.port})` : '';
    logger.info(
      { port, dataDir },
      `the embedded PostgreSQL runs already, on port ${port}${notThere}: using it`,
    );
  }
  const detach = once(() =>
    withUsers(list, async (users) => {
      users.remove(entry);
      if (users.living() === 0) await server.stop();
    }),
  );
  const url = `postgresql://${EMBEDDED_USER}:${EMBEDDED_PASSWORD}@127.0.0.1:${port}/${EMBEDDED_DATABASE}`;
  const revive = reviver(server, list, port, logger);
  return { settings: server.settings(port), url, dataDir, startedHere, revive, detach };
}

async function enter(
  server: EmbeddedServer,
  users: Users,
  options: EmbeddedOptions,
  logger: Logger,
): Promise<{ port: number; startedHere: boolean; entry: number }> {
  const { dataDir } = server.placement;
  await server.prepare();
  const running = await server.runningPort();
  const port = running ?? (await startSomewhere(server, options, logger));
  try {
    await createDatabase(server.settings(port, 'postgres'));
    return { port, startedHere: running === undefined, entry: users.add() };
  } catch (error) {
    if (running === undefined && users.living() === 0) await server.stop();
    throw new OperatorError(`the embedded PostgreSQL on port ${port} cannot be used: ${messageOf(error)}`, {
      fix: `look at the newest file in ${dataDir}/log; or set EMBEDDED_DATA_DIR to another folder`,
      cause: error,
    });
  }
}

/** Starts the server on the port that was asked for, or on the next free one when that was merely a default. */
async function startSomewhere(
  server: EmbeddedServer,
  options: EmbeddedOptions,
  logger: Logger,
): Promise<number> {
  const last = Math.min(options.portWasSet ? options.port : options.port + PORTS_TO_TRY, 65_535);
  for (let port = options.port; port <= last; port++) {
    if (!(await portIsFree(port))) continue;
    try {
      await server.start(port);
    } catch (error) {
      if (error instanceof PortTakenError) continue;
      throw error;
    }
    if (port !== options.port) {
      logger.warn({ port }, `port ${options.port} is taken: the embedded PostgreSQL listens on ${port}`);
    }
    return port;
  }
  if (options.portWasSet) {
    throw new OperatorError(`EMBEDDED_PORT=${options.port} is taken by another program`, {
      fix: 'set EMBEDDED_PORT to a free port, or leave it out: then the next free one from 54320 is taken',
    });
  }
  throw new OperatorError(`the ports ${options.port} to ${last} are all taken`, {
    fix: 'set EMBEDDED_PORT to a free port',
  });
}

function reviver(server: EmbeddedServer, list: string, port: number, logger: Logger): () => Promise<void> {
  let goneSinceMs: number | undefined;
  let lastComplaint = '';
  const tryOnce = async (): Promise<void> => {
    const running = await server.runningPort();
    if (running !== undefined) {
      goneSinceMs = undefined;
      return;
    }
    goneSinceMs ??= performance.now();
    if (!server.crashed() && performance.now() - goneSinceMs < STOPPED_GRACE_MS) return;
    const { dataDir } = server.placement;
    logger.warn({ dataDir, port }, 'the embedded PostgreSQL is gone: starting it again');
    await server.start(port);
    goneSinceMs = undefined;
  };
  return async () => {
    try {
      await withUsers(list, tryOnce);
      lastComplaint = '';
    } catch (error) {
      const fix = error instanceof OperatorError ? `; ${error.fix}` : '';
      const complaint = `the embedded PostgreSQL cannot be started again: ${messageOf(error)}${fix}`;
      if (complaint !== lastComplaint) logger.error({ port }, complaint);
      lastComplaint = complaint;
    }
  };
}

async function createDatabase(settings: DatabaseSettings): Promise<void> {
  const client = new pg.Client({ ...settings, ssl: false });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [EMBEDDED_DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${EMBEDDED_DATABASE}`);
  } finally {
    await client.end();
  }
}
