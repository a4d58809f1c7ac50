import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { DatabaseSettings } from '../../../src/config/database.ts';
import { type Placement, place } from '../../../src/db/embedded/placement.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { type Connections, connect } from '../../../src/db/pool.ts';
import { publishedTables } from '../../../src/db/schema.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { checkInvariants } from '../../support/invariants.ts';
import { startTestServer, type TestServer } from '../../support/pg-server.ts';
import { subscribe, type TestSubscription, until } from '../../support/subscription.ts';
import { FaultProxy } from './proxy.ts';

/** Orders a minute of all workers together; evenly spread, so that a few seconds tell the rate. */
export const RATE = 600;
/** The main worker holds traffic back at so much unread WAL. */
export const SLOT_CAP_MB = 64;
const QUIET = silentLogger();

/** A small disk of its own that can be filled; null where that is not possible. */
export interface SmallDisk {
  readonly folder: string;
  release(): void;
}

/** The shop, its workers and a subscriber, on which faults are tried. */
export interface Stage {
  readonly server: TestServer;
  readonly placement: Placement;
  /** Straight to the server, past the proxy. */
  readonly direct: Connections;
  readonly settings: DatabaseSettings;
  readonly proxy: FaultProxy;
  readonly disk: SmallDisk | null;
  /** All daemons ever started: their logs are the record of what was promised. */
  readonly daemons: Daemon[];
  /** The one that runs all the time, through the proxy. */
  main: Daemon;
  startMain(): Daemon;
  /** Starts the main worker again when a fault has ended it: the run goes on to see more. */
  recoverMain(): Promise<void>;
  /** A second worker, not through the proxy. */
  startOther(env?: Readonly<Record<string, string>>): Daemon;
  /** Compares every row with the subscriber's once it has caught up: the tables that differ. */
  subscriberDiffers(): Promise<string[]>;
  close(): Promise<void>;
}

const urlFor = (settings: DatabaseSettings, port = settings.port) =>
  `postgresql://${settings.user}:${settings.password ?? ''}@${settings.host}:${port}/${settings.database}`;

async function createDatabase(server: TestServer, name: string, tail = ''): Promise<DatabaseSettings> {
  const admin = connect({ ...server.settings, database: 'postgres' }, { poolSize: 1, logger: QUIET });
  try {
    await admin.pool.query(`CREATE DATABASE ${name} TEMPLATE template0 ${tail}`);
  } finally {
    await admin.close();
  }
  return { ...server.settings, database: name };
}

/** A tmpfs of some MB, where this process may mount one. */
function smallDisk(placement: Placement): SmallDisk | null {
  if (process.platform !== 'linux' || placement.user === null) return null;
  const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-disk-'));
  chmodSync(folder, 0o755);
  const { uid, gid } = placement.user;
  const options = `size=400m,uid=${uid},gid=${gid},mode=0700`;
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  return {
    folder,
    release: () => {
      spawnSync('umount', ['-l', folder], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts both servers, the proxy, a subscriber and the main worker; resolves when orders come in. */
export async function openStage(seed: string): Promise<Stage> {
  const releases: (() => unknown)[] = [];
  const close = async () => {
    for (const release of releases.splice(0).reverse()) await release();
  };
  try {
    return await build(seed, releases, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(seed: string, releases: (() => unknown)[], close: () => Promise<void>): Promise<Stage> {
  // what was acknowledged must survive a crash of the server: no asynchronous commit here
  const server = await startTestServer({ synchronous_commit: 'on' });
  releases.push(() => server.stop());
  const target = await startTestServer();
  releases.push(() => target.stop());
  const placement = place(server.dataDir, QUIET);
  const disk = smallDisk(placement);
  if (disk !== null) releases.push(disk.release);
  const settings = await createShopDatabase(server, disk);
  const direct = connect(settings, { poolSize: 4, logger: QUIET, applicationName: 'faults' });
  releases.push(() => direct.close());
  const proxy = await FaultProxy.start(settings.port);
  releases.push(() => proxy.stop());
  const daemons: Daemon[] = [];
  releases.push(() => Promise.all(daemons.map((daemon) => daemon.end('SIGKILL'))));
  const start = (port: number, env: Readonly<Record<string, string>>) => {
    const daemon = startDaemon({
      DATABASE_URL: urlFor(settings, port),
      ORDERS_PER_MINUTE: String(RATE),
      ARRIVALS: 'uniform',
      CRON_SCHEDULE: '*/2 * * * * *',
      LIFECYCLE_SPEED: '100000',
      LOG_ORDERS: 'always',
      MAX_SLOT_LAG: `${SLOT_CAP_MB}MB`,
      RANDOM_SEED: `faults-${seed}`,
      HISTORY_ORDERS: '300',
      ...env,
    });
    daemons.push(daemon);
    return daemon;
  };
  const startMain = () => start(proxy.port, {});
  const main = startMain();
  await main.waitForEvent('order.placed', { timeoutMs: 120_000 });
  const copy = await createDatabase(target, 'copy');
  const there = connect(copy, { poolSize: 2, logger: QUIET });
  releases.push(() => there.close());
  await migrate(there.db, QUIET);
  const subscription = await subscribe({ pool: direct.pool, settings }, there.pool, 'faults');
  const stage: Stage = {
    server,
    placement,
    direct,
    settings,
    proxy,
    disk,
    daemons,
    main,
    startMain,
    recoverMain: async () => {
      const { exitCode, signalCode } = stage.main.process;
      if (exitCode !== null || signalCode !== null) stage.main = startMain();
    },
    startOther: (env = {}) => start(settings.port, env),
    subscriberDiffers: () => differences(direct.pool, there.pool, subscription),
    close,
  };
  return stage;
}

/** In a tablespace on the small disk, when there is one. */
async function createShopDatabase(server: TestServer, disk: SmallDisk | null): Promise<DatabaseSettings> {
  if (disk === null) return createDatabase(server, 'shop');
  const admin = connect({ ...server.settings, database: 'postgres' }, { poolSize: 1, logger: QUIET });
  await admin.pool.query(`CREATE TABLESPACE small LOCATION '${disk.folder}'`);
  await admin.close();
  return createDatabase(server, 'shop', 'TABLESPACE small');
}

/** Every row of every published table, here and there. */
async function differences(here: pg.Pool, there: pg.Pool, subscription: TestSubscription): Promise<string[]> {
  await subscription.caughtUp();
  const differing: string[] = [];
  for (const table of publishedTables) {
    const [source, target] = await Promise.all([fingerprint(here, table), fingerprint(there, table)]);
    if (source !== target) differing.push(`${table}: ${source} here, ${target} at the subscriber`);
  }
  return differing;
}

async function fingerprint(pool: pg.Pool, table: string): Promise<string> {
  const result = await pool.query<{ rows: string }>(
    `SELECT count(*) || ' rows ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY id)), '') AS rows FROM public.${table} t`,
  );
  return result.rows[0]?.rows ?? 'nothing';
}

/** pg_ctl, under the user that owns the files; the stage goes on meanwhile. */
export async function pgCtl(stage: Stage, args: readonly string[]): Promise<void> {
  const { binDir, dataDir, user } = stage.placement;
  const child = spawn(join(binDir, 'pg_ctl'), [...args, '-D', dataDir, '-w', '-t', '60', '-l', '/dev/null'], {
    ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    cwd: dataDir,
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`pg_ctl ${args.join(' ')} ended with ${code}`);
  await until('the server answers', async () => {
    try {
      await Promise.all(Array.from({ length: 4 }, () => stage.direct.pool.query('SELECT 1')));
      return true;
    } catch {
      return false;
    }
  });
}

/** What is wrong with the shop just now: rows against the invariants, and what the logs promised against the rows. */
export async function judge(stage: Stage): Promise<string[]> {
  const broken = await checkInvariants(stage.direct.db);
  const promised = new Set<number>();
  const moves = new Set<string>();
  for (const daemon of stage.daemons) {
    for (const line of daemon.lines) {
      const id = line['orderId'];
      if (typeof id !== 'number' || line.event === undefined) continue;
      if (line.event === 'order.placed') {
        if (promised.has(id)) broken.push(`order ${id} was placed twice`);
        promised.add(id);
      } else if (line.event.startsWith('order.')) {
        const move = `order ${id} was ${String(line['step'])}`;
        if (moves.has(move)) broken.push(`${move} twice`);
        moves.add(move);
      }
    }
  }
  const lost = await stage.direct.pool.query<{ id: string }>(
    `SELECT id FROM unnest($1::bigint[]) AS promised (id)
     WHERE id NOT IN (SELECT id FROM public.pedidos)
       AND id NOT IN (SELECT key FROM simulator.tombstones WHERE table_name = 'pedidos') LIMIT 5`,
    [[...promised]],
  );
  for (const { id } of lost.rows) broken.push(`order ${id} was logged as placed and is not there`);
  return broken;
}
