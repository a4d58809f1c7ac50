import manifest from '../package.json' with { type: 'json' };
import { checkLookups } from './catalog/check-lookups.ts';
import { type SeedProgress, seedShop } from './catalog/seed.ts';
import { seedOptionsOf } from './catalog/seed-options.ts';
import type { Config } from './config/config.ts';
import { migrate } from './db/migrate.ts';
import { nextRunNumber, type ShopRecord, sharedSetting } from './db/settings.ts';
import { openSource, type Source } from './db/source.ts';
import { DatabaseWatch } from './db/watch.ts';
import { createEngine, type Engine } from './engine.ts';
import { createHousekeeping, type Housekeeping } from './housekeeping.ts';
import { makeToken } from './http/access.ts';
import { isLoopback } from './http/guards.ts';
import { createHttpServer } from './http/server.ts';
import { publishedIn } from './lakehouse/published.ts';
import { Announcer } from './lib/announcer.ts';
import { DatabaseClock } from './lib/clock.ts';
import { messageOf } from './lib/errors.ts';
import type { Logger } from './lib/logger.ts';
import { createRandom, type Random } from './lib/random.ts';
import { Releasers } from './lib/service.ts';
import { createStatusSource } from './status-source.ts';
import { TrafficGate } from './traffic/gate.ts';
import { MovedMeter } from './traffic/moved-meter.ts';
import { StatusFacts } from './traffic/status-facts.ts';
import { LEASE_MS, type LeasedSettings } from './traffic/workers.ts';

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Ends the run: what is in flight is finished, then everything is closed. */
  readonly signal: AbortSignal;
  /** After `signal`, what is in flight may take this long, ms; then its connections are broken. Default 5 s. */
  readonly stopGraceMs?: number;
  /** Told while a new shop is filled. */
  readonly seedProgress?: SeedProgress;
}

/** Half of what the process has for its stop: the embedded server's own stop comes after it. */
const STOP_GRACE_MS = 5_000;
const BREAK_EVERY_MS = 500;

/** Where `cdc-sim lakehouse` leaves what its view shows. */
const LAKEHOUSE_DIR = '.data/lakehouse';

/** What the services of one run share. */
export interface Run {
  readonly config: Config;
  readonly logger: Logger;
  readonly source: Source;
  readonly shop: ShopRecord;
  readonly clock: DatabaseClock;
  readonly announcer: Announcer;
  readonly watch: DatabaseWatch;
  readonly gate: TrafficGate;
  readonly random: Random;
  readonly releasers: Releasers;
  readonly startedAtMs: number;
  /** What happened to orders in the last minute, for the status page and the other workers. */
  readonly moved: MovedMeter;
  /** What the database says holds at run time; kept up by the worker's lease. */
  settings: LeasedSettings;
}

/**
 * The daemon, from nothing to traffic. Resolves when `signal` aborted and everything is closed. Builds every service and
 * wires them; decides nothing.
 */
export async function runApp(options: AppOptions): Promise<void> {
  const { config, logger, signal } = options;
  const releasers = new Releasers(logger);
  const stopped = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  try {
    const source = await openSource(config, logger, { signal, leavesNothingBehind: true });
    releasers.add('database', () => source.close());
    const hurry = breakWhatIsStuck(source, options, stopped);
    releasers.add('stuck connections', hurry.done);
    logger.info({ event: 'database.ready', url: source.url }, `database: ${source.where} · ${source.url}`);
    await migrate(source.connections.db, logger);
    if (signal.aborted) return;
    const shop = await openShop(options, source);
    if (shop === undefined || signal.aborted) return;
    await checkLookups(source.connections.db, logger);
    await startServices(await prepareRun(options, source, shop, releasers));
    await stopped;
  } catch (error) {
    if (!signal.aborted) throw error;
    logger.debug({ reason: messageOf(error) }, 'given up: the program is told to stop');
  } finally {
    if (signal.aborted)
      logger.info(
        { event: 'shutdown', reason: String(signal.reason) },
        `${String(signal.reason)}: finishing what is in flight`,
      );
    await releasers.releaseAll();
    if (signal.aborted) logger.info({ event: 'shutdown' }, 'stopped');
  }
}

/** A server that does not answer must not hold up the stop: who waits for it is let go after a while. */
function breakWhatIsStuck(
  source: Source,
  options: AppOptions,
  stopped: Promise<void>,
): { readonly done: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const breakAll = () => {
    source.connections.breakAll('connection closed: the program stops');
    timer = setTimeout(breakAll, BREAK_EVERY_MS);
  };
  void stopped.then(() => {
    if (!over) timer = setTimeout(breakAll, options.stopGraceMs ?? STOP_GRACE_MS);
  });
  return {
    done: () => {
      over = true;
      clearTimeout(timer);
    },
  };
}

/** The shop, opened now if there was none; undefined when a signal came first: what was seeded is then rolled back. */
async function openShop(options: AppOptions, source: Source): Promise<ShopRecord | undefined> {
  const { config, logger, signal, seedProgress } = options;
  try {
    const seeded = await seedShop(source.settings, seedOptionsOf(config), logger, (...step) => {
      signal.throwIfAborted();
      seedProgress?.(...step);
    });
    return seeded.shop;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

async function prepareRun(
  options: AppOptions,
  source: Source,
  shop: ShopRecord,
  releasers: Releasers,
): Promise<Run> {
  const { config, logger } = options;
  const { db } = source.connections;
  const clock = new DatabaseClock();
  const announcer = new Announcer(logger, clock, config.log.orders);
  // runs are numbered: a restart with the same seed goes on with other people than the first start had
  const run = await nextRunNumber(db);
  const seed = config.randomSeed ?? shop.seed;
  logger.info({ seed, run }, `random seed ${seed}, run ${run}`);
  const random = createRandom(`${seed}/run ${run}`);
  const watch = new DatabaseWatch({
    db,
    announcer,
    clock,
    random: random.stream('backoff'),
    ...(source.embedded === null ? {} : { revive: source.embedded.revive }),
  });
  const gate = new TrafficGate(announcer);
  const moved = new MovedMeter(() => clock.monotonicMs());
  announcer.subscribe(moved.observe);
  return {
    config,
    logger,
    source,
    shop,
    clock,
    announcer,
    watch,
    gate,
    random,
    releasers,
    startedAtMs: Date.now(),
    moved,
    settings: { rate: null, paused: false },
  };
}

async function startServices(run: Run): Promise<void> {
  const { releasers, watch } = run;
  await releasers.start(watch);
  const engine = createEngine(run, (settings) => applySettings(run, settings));
  const housekeeping = createHousekeeping(run);
  await releasers.start(engine.lease);
  await releasers.start(engine.stocker);
  for (const service of housekeeping.services) await releasers.start(service);
  await startStatusPage(run, engine, housekeeping);
  await releasers.start(engine.advancer);
  await releasers.start(engine.placer);
  await releasers.start(engine.business);
  await releasers.start(engine.cron);
  await releasers.start(engine.traffic);
}

/** The status page; HTTP_PORT=0 turns it off. */
async function startStatusPage(run: Run, engine: Engine, housekeeping: Housekeeping): Promise<void> {
  const { config, logger, source, clock, watch, moved, releasers } = run;
  if (config.http.port === 0) return;
  const { db, pool } = source.connections;
  const facts = new StatusFacts({
    db,
    logger,
    moved,
    monotonicMs: () => clock.monotonicMs(),
    nowMs: () => clock.nowMs(),
    leaseMs: LEASE_MS,
    isUp: () => watch.up,
  });
  await releasers.start(facts);
  const { version } = manifest;
  const page = createStatusSource({
    ...run,
    version,
    where: source.where,
    db,
    pool,
    lease: engine.lease,
    facts,
    settings: () => run.settings,
    applySettings: (settings) => applySettings(run, settings),
    targetPerMinute: () => run.settings.rate ?? config.traffic.ordersPerMinute,
    tick: () => engine.traffic.summary,
    slotGuard: housekeeping.slotGuard,
    storageGuard: housekeeping.storageGuard,
    doctor: housekeeping.doctor,
  });
  await releasers.start(
    createHttpServer({
      config: config.http,
      logger,
      source: page,
      version,
      lakehouse: publishedIn(LAKEHOUSE_DIR),
      ...(isLoopback(config.http.host)
        ? {}
        : // one link opens the page of every worker, also after a restart
          { madeToken: await sharedSetting(db, 'control_token', makeToken) }),
    }),
  );
}

/** Follows what the operator set in the database: rate and pause. */
function applySettings(run: Run, settings: LeasedSettings): void {
  const { config, announcer, gate } = run;
  const before = run.settings;
  run.settings = settings;
  if (settings.rate !== before.rate) {
    const configured = config.traffic.ordersPerMinute;
    const message =
      settings.rate === null
        ? `rate: ${configured} orders a minute, as ORDERS_PER_MINUTE says`
        : `rate: ${settings.rate} orders a minute, set at run time; it overrides ORDERS_PER_MINUTE=${configured} (back: npm run sim -- rate default)`;
    announcer.info('traffic.rate', { targetPerMinute: settings.rate ?? configured, configured }, message);
  }
  if (settings.paused) gate.pause('operator', 'paused by the operator; npm run sim -- resume');
  else gate.resume('operator', 'resumed by the operator');
}
