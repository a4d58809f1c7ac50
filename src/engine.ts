import type { Run } from './app.ts';
import { createCustomerFactory } from './catalog/customers.ts';
import { Complaints } from './db/complaints.ts';
import { CustomerBook } from './orders/model/customers.ts';
import { hourOfWeekFactor } from './orders/model/intensity.ts';
import { createOrderModel } from './orders/model/model.ts';
import { Shelf } from './orders/model/shelf.ts';
import { CronService } from './schedule/cron.ts';
import { workerStats } from './status-source.ts';
import { Advancer } from './traffic/advancer.ts';
import { Business } from './traffic/business.ts';
import { arrivals, createArrivalState } from './traffic/demand.ts';
import { IdStock } from './traffic/feed.ts';
import { Placer } from './traffic/placer.ts';
import { Stocker } from './traffic/stocker.ts';
import { type ArrivalPlan, Traffic } from './traffic/traffic.ts';
import { type LeasedSettings, WorkerLease } from './traffic/workers.ts';

/** The services that make traffic. */
export interface Engine {
  readonly lease: WorkerLease;
  readonly stocker: Stocker;
  readonly placer: Placer;
  readonly advancer: Advancer;
  readonly traffic: Traffic;
  /** The traffic tick. */
  readonly cron: CronService;
  /** Everything that a shop does besides orders. */
  readonly business: CronService;
}

const BUSINESS_SCHEDULE = '*/5 * * * * *';

/** Builds the engine of a run: model, lease, feeding, placing, advancing, tick. Starts nothing. */
export function createEngine(run: Run, onSettings: (settings: LeasedSettings) => void): Engine {
  const { config, logger, source, clock, announcer, watch, gate, random, moved } = run;
  const { db, pipelined } = source.connections;
  const shared = { db, clock, watch, announcer, logger };
  const { lifecycleSpeed, ordersPerTransaction, ordersPerMinute } = config.traffic;
  const targetPerMinute = () => run.settings.rate ?? ordersPerMinute;

  const lease = new WorkerLease({
    ...shared,
    stats: () => workerStats(moved, gate, ordersPerMinute),
    onSettings,
  });
  const ids = new IdStock();
  const { model, shelf, returning } = createModel(run, ids);
  const stocker = new Stocker({
    ...shared,
    ids,
    shelf,
    returning,
    ratePerMinute: () => targetPerMinute() * lease.share,
  });
  const isOpen = () => gate.open && lease.valid;
  const placer = new Placer({
    ...shared,
    db: pipelined,
    model,
    lanes: 2 * Math.max(1, config.poolSize - 1),
    ordersPerTransaction,
    lifecycleSpeed,
    isOpen,
    onRefused: (plans) => stocker.takeBack(plans),
  });
  const advancer = new Advancer({ ...shared, lifecycleSpeed, isOpen });
  const traffic = new Traffic({
    ...shared,
    gate,
    placer,
    advancer,
    targetPerMinute,
    share: () => lease.share,
    demandFactor: config.traffic.shape === 'daily' ? hourOfWeekFactor : () => 1,
    arrivals: createArrivalPlan(run),
  });
  const business = new Business({
    db,
    clock,
    announcer,
    random: random.stream('business'),
    factory: createCustomerFactory({ random: random.stream('business people') }),
    ids,
    lifecycleSpeed,
    ordersPlaced: () => placer.placed.total,
    openingProducts: config.shop.products,
    onAssortmentChanged: () => stocker.refreshShelf(),
  });
  const cron = new CronService({
    name: 'traffic',
    expression: config.traffic.cronSchedule,
    atStart: true,
    logger,
    tick: (msToNext) => traffic.tick(msToNext),
  });
  return {
    lease,
    stocker,
    placer,
    advancer,
    traffic,
    cron,
    business: scheduleBusiness(run, business, isOpen),
  };
}

function createModel(run: Run, ids: IdStock) {
  const { config, random, shop } = run;
  const shelf = new Shelf({ seed: shop.seed, speed: config.traffic.lifecycleSpeed });
  const returning = new CustomerBook({
    factory: createCustomerFactory({ random: random.stream('people') }),
    random: random.stream('book'),
    takeId: ids.take,
  });
  const model = createOrderModel({
    random: random.stream('model'),
    shelf,
    customers: returning,
    paymentMix: config.traffic.paymentMix,
  });
  return { model, shelf, returning };
}

function createArrivalPlan(run: Run): ArrivalPlan {
  const { arrivals: process, shape } = run.config.traffic;
  const random = run.random.stream('arrivals');
  const state = createArrivalState();
  return (fromMs, toMs, ratePerMinute) =>
    arrivals({ fromMs, toMs, ratePerMinute, process, shape, random, state });
}

function scheduleBusiness(run: Run, business: Business, isOpen: () => boolean): CronService {
  const { logger, watch, clock } = run;
  const complaints = new Complaints(logger, () => clock.monotonicMs());
  return new CronService({
    name: 'business',
    expression: BUSINESS_SCHEDULE,
    logger,
    tick: async () => {
      if (!watch.up || !isOpen()) return;
      try {
        await business.run();
      } catch (error) {
        if (!watch.report(error)) throw error;
      }
    },
    onError: (error) => complaints.tell('the shop’s other business failed', error),
  });
}
