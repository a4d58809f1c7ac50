import pg from 'pg';
import type { DatabaseSettings } from '../../config/database.ts';
import { OperatorError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { once } from '../../lib/service.ts';
import { UserRegistry, withFileLock } from './lock.ts';
import { place } from './placement.ts';
import { EMBEDDED_DATABASE, EMBEDDED_PASSWORD, EMBEDDED_USER, EmbeddedServer, portIsFree } from './server.ts';

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
  /** Starts the server again when it is gone: at once after a crash, after a while when somebody stopped it. */
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
  const server = new EmbeddedServer(placement, options.serverSettings);
  const lock = `${placement.dataDir}.lock`;
  const users = new UserRegistry(`${placement.dataDir}.users`);

  const { port, startedHere } = await withFileLock(lock, async () => {
    await server.prepare();
    const running = await server.runningPort();
    const chosen = running ?? (await choosePort(options, logger));
    if (running === undefined) await server.start(chosen);
    users.add();
    await createDatabase(server.settings(chosen, 'postgres'));
    return { port: chosen, startedHere: running === undefined };
  });

  let goneSinceMs: number | undefined;
  const revive = async () =>
    withFileLock(lock, async () => {
      if ((await server.runningPort()) !== undefined) {
        goneSinceMs = undefined;
        return;
      }
      goneSinceMs ??= performance.now();
      if (!server.crashed() && performance.now() - goneSinceMs < STOPPED_GRACE_MS) return;
      logger.warn({ dataDir: placement.dataDir }, 'the embedded PostgreSQL is gone: starting it again');
      await server.start(port);
      goneSinceMs = undefined;
    });
  const detach = once(() =>
    withFileLock(lock, async () => {
      if (users.remove() === 0) await server.stop();
    }),
  );
  const url = `postgresql://${EMBEDDED_USER}:${EMBEDDED_PASSWORD}@127.0.0.1:${port}/${EMBEDDED_DATABASE}`;
  return { settings: server.settings(port), url, dataDir: placement.dataDir, startedHere, revive, detach };
}

async function choosePort(options: EmbeddedOptions, logger: Logger): Promise<number> {
  if (await portIsFree(options.port)) return options.port;
  if (options.portWasSet) {
    throw new OperatorError(`EMBEDDED_PORT=${options.port} is taken by another program`, {
      fix: 'set EMBEDDED_PORT to a free port, or leave it out: then the next free one from 54320 is taken',
    });
  }
  for (let port = options.port + 1; port <= options.port + PORTS_TO_TRY; port++) {
    if (!(await portIsFree(port))) continue;
    logger.info({ port }, `port ${options.port} is taken: the embedded PostgreSQL listens on ${port}`);
    return port;
  }
  throw new OperatorError(`the ports ${options.port} to ${options.port + PORTS_TO_TRY} are all taken`, {
    fix: 'set EMBEDDED_PORT to a free port',
  });
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
