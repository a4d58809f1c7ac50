import { sql } from 'kysely';
import { LAKEHOUSE_SLOT, PUBLICATION } from '../cdc/names.ts';
import type { Config } from '../config/config.ts';
import type { Db } from '../db/pool.ts';
import { readSetting } from '../db/settings.ts';
import { openSource } from '../db/source.ts';
import { codeOf } from '../db/sqlstate.ts';
import { delay } from '../lib/backoff.ts';
import { OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { Releasers } from '../lib/service.ts';
import { QueryServer } from './query-server.ts';
import { Refresher } from './refresher.ts';
import { SimulatorChild } from './simulator-child.ts';
import { openStore } from './store.ts';
import { type Applied, Tap } from './tap/tap.ts';

const POOL_SIZE = 2;
const SHOP_POLL_MS = 500;
/** A worker that was seen within this time lives. */
const LEASE_SECONDS = 15;

export interface LakehouseOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly file: string;
  /** Null: only raw is filled. */
  readonly refreshMs: number | null;
  readonly parquetDir: string | null;
  readonly keepSlot: boolean;
  /** Start the simulator too, unless one works on this database already. */
  readonly simulator: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly isTerminal: boolean;
    readonly print: (text: string) => void;
  } | null;
  readonly slot?: string;
  readonly onApplied?: (applied: Applied) => void;
  /** Told once everything runs. */
  readonly onReady?: () => void;
}

/**
 * The local lakehouse, until `signal` aborts: the source (embedded or not), the simulator if wanted, the tap, queries
 * and refreshes. Rejects with what only an operator can solve.
 */
export async function runLakehouse(options: LakehouseOptions): Promise<void> {
  const { config, logger, signal, file } = options;
  const releasers = new Releasers(logger);
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    const store = await openStore(file);
    releasers.add('lakehouse file', () => store.close());
    const source = await openSource(config, logger, {
      poolSize: POOL_SIZE,
      applicationName: 'cdc-sim lakehouse',
    });
    releasers.add('source', () => source.close());
    const { connections, settings } = source;
    const simulator = await startSimulator(options, connections.db, releasers);
    await waitForShop(connections.db, simulator !== undefined, logger, signal);
    if (signal.aborted) return;
    const tap = new Tap({
      settings,
      connections,
      store,
      logger,
      slot: options.slot ?? LAKEHOUSE_SLOT,
      publication: PUBLICATION,
      keepSlot: options.keepSlot,
      ...(source.embedded === null ? {} : { revive: source.embedded.revive }),
      ...(options.onApplied === undefined ? {} : { onApplied: options.onApplied }),
    });
    const refresher =
      options.refreshMs === null
        ? undefined
        : new Refresher({
            store,
            logger,
            everyMs: options.refreshMs,
            parquetDir: options.parquetDir,
            lagMs: () => tap.stats().lagMs,
          });
    const status = async () => ({
      pid: process.pid,
      file: store.file,
      source: source.where,
      tap: tap.stats(),
      refresh: refresher?.last ?? null,
    });
    await releasers.start(new QueryServer(store, status));
    releasers.add(tap.name, () => tap.stop());
    await Promise.race([tap.start(), stopped]);
    if (signal.aborted) return;
    if (refresher !== undefined) await releasers.start(refresher);
    logger.info(
      { event: 'lakehouse.ready', file: store.file, source: source.where },
      `lakehouse: ${store.file} follows ${source.where}; ask it: npm run lakehouse -- --query "SHOW ALL TABLES"`,
    );
    options.onReady?.();
    await Promise.race([stopped, tap.done()]);
  } finally {
    if (signal.aborted) logger.info({ event: 'shutdown' }, `${String(signal.reason)}: closing the lakehouse`);
    await releasers.releaseAll();
    if (signal.aborted) logger.info({ event: 'shutdown' }, 'stopped');
  }
}

async function startSimulator(
  options: LakehouseOptions,
  db: Db,
  releasers: Releasers,
): Promise<SimulatorChild | undefined> {
  const { simulator, logger } = options;
  if (simulator === null) return undefined;
  if (await someWorkerLives(db)) {
    logger.info('a simulator works on this database already: none is started');
    return undefined;
  }
  const child = new SimulatorChild({
    ...simulator,
    onExit: (code) =>
      logger.error(
        { event: 'simulator.ended', code },
        `the simulator ended (exit code ${code}); the lakehouse goes on without traffic. Start it again: npm start`,
      ),
  });
  logger.info('no simulator works on this database: starting one');
  await releasers.start(child);
  return child;
}

async function someWorkerLives(db: Db): Promise<boolean> {
  return orAbsent(async () => {
    const rows = await db
      .selectFrom('simulator.workers')
      .select('id')
      .where(sql<boolean>`seen_at > clock_timestamp() - make_interval(secs => ${LEASE_SECONDS})`)
      .execute();
    return rows.length > 0;
  }, false);
}

/** Waits until the shop is open: a copy in the middle of its being filled would be done twice, by the stream again. */
async function waitForShop(db: Db, isComing: boolean, logger: Logger, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const shop = await orAbsent(async () => readSetting(db, 'shop'), undefined);
    if (shop !== undefined) return;
    if (!isComing && !(await someWorkerLives(db))) {
      throw new OperatorError('there is no shop in this database yet', {
        fix: 'start the simulator first (npm start), or together with the lakehouse: npm run lakehouse',
      });
    }
    if (attempt === 0) logger.info('waiting for the simulator to open the shop');
    await delay(SHOP_POLL_MS, signal);
  }
}

/** The answer, or `fallback` where our tables do not exist yet. */
async function orAbsent<T>(look: () => Promise<T>, fallback: T): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (codeOf(error) === '42P01' || codeOf(error) === '3F000') return fallback;
    throw error;
  }
}
