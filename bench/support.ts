import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCustomerFactory } from '../src/catalog/customers.ts';
import { seedShop } from '../src/catalog/seed.ts';
import type { DatabaseSettings } from '../src/config/database.ts';
import { attachEmbedded } from '../src/db/embedded/attach.ts';
import { migrate } from '../src/db/migrate.ts';
import { type Connections, connect } from '../src/db/pool.ts';
import { silentLogger } from '../src/lib/logger.ts';
import { createRandom } from '../src/lib/random.ts';
import { CustomerBook } from '../src/orders/model/customers.ts';
import { createOrderModel } from '../src/orders/model/model.ts';
import { Shelf } from '../src/orders/model/shelf.ts';
import type { OrderModel } from '../src/orders/types.ts';
import { readShelf } from '../src/traffic/feed.ts';

/** The server that is measured: the embedded one, with its own settings (fsync on), in a folder of its own. */
export interface BenchServer {
  readonly settings: DatabaseSettings;
  /** A shop of its own in a new database. */
  createShop(options?: ShopOptions): Promise<BenchShop>;
  /** Our tables without a row, to fill by hand. */
  createEmptyShop(): Promise<EmptyShop>;
  close(): Promise<void>;
}

export interface EmptyShop {
  readonly settings: DatabaseSettings;
  /** Fills it as the first start does. */
  seed(historyOrders: number): Promise<void>;
  drop(): Promise<void>;
}

export interface ShopOptions {
  readonly historyOrders?: number;
  readonly customers?: number;
  readonly poolSize?: number;
}

export interface BenchShop {
  readonly settings: DatabaseSettings;
  readonly connections: Connections;
  readonly products: number;
  /** Decides orders as the daemon does; stock is ample. */
  readonly model: OrderModel;
  drop(): Promise<void>;
}

const SEED = 'bench';
const PRODUCTS = 500;

export async function startBenchServer(): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-bench-'));
  chmodSync(folder, 0o755);
  const embedded = await attachEmbedded(
    { dataDir: join(folder, 'postgres'), port: 56_000, portWasSet: false },
    silentLogger(),
  );
  let shops = 0;
  const createDatabase = async (): Promise<DatabaseSettings> => {
    shops += 1;
    const database = `shop_${shops}`;
    await admin.pool.query(`CREATE DATABASE ${database}`);
    return { ...embedded.settings, database };
  };
  const dropDatabase = ({ database }: DatabaseSettings) =>
    admin.pool.query(`DROP DATABASE ${database} WITH (FORCE)`);
  const admin = connect(
    { ...embedded.settings, database: 'postgres' },
    { poolSize: 1, logger: silentLogger(), queryTimeoutMs: 0 },
  );
  return {
    settings: embedded.settings,
    createShop: async (options = {}) => {
      const settings = await createDatabase();
      const shop = await openShop(settings, options);
      return {
        ...shop,
        drop: async () => {
          await shop.connections.close();
          await dropDatabase(settings);
        },
      };
    },
    createEmptyShop: async () => {
      const settings = await createDatabase();
      const connections = connect(settings, { poolSize: 1, logger: silentLogger(), queryTimeoutMs: 0 });
      await migrate(connections.db, silentLogger());
      await connections.close();
      return {
        settings,
        seed: (historyOrders) => seed(settings, { historyOrders }),
        drop: async () => {
          await dropDatabase(settings);
        },
      };
    },
    close: async () => {
      await admin.close();
      await embedded.detach();
      rmSync(folder, { recursive: true, force: true });
      rmSync(embedded.dataDir, { recursive: true, force: true });
    },
  };
}

async function openShop(settings: DatabaseSettings, options: ShopOptions): Promise<Omit<BenchShop, 'drop'>> {
  const logger = silentLogger();
  const connections = connect(settings, { poolSize: options.poolSize ?? 5, logger, queryTimeoutMs: 0 });
  await migrate(connections.db, logger);
  await seed(settings, options);
  // stock that lasts: what is measured is not to run out of shoes
  await connections.pool.query('UPDATE public.produtos SET estoque = estoque + 100000000');
  await connections.pool.query('UPDATE simulator.stock_book SET restocked = restocked + 100000000');
  await connections.pool.query('VACUUM ANALYZE');
  await connections.pool.query('CHECKPOINT');
  return { settings, connections, products: PRODUCTS, model: await createModel(connections) };
}

async function seed(settings: DatabaseSettings, options: ShopOptions): Promise<void> {
  await seedShop(
    settings,
    {
      seed: SEED,
      customers: options.customers ?? 2_000,
      products: PRODUCTS,
      historyDays: 90,
      historyOrders: options.historyOrders ?? 10_000,
      paymentMix: 'today',
      lifecycleSpeed: 1440,
    },
    silentLogger(),
  );
}

async function createModel({ db, pool }: Connections): Promise<OrderModel> {
  const random = createRandom(SEED);
  const shelf = new Shelf({ seed: SEED });
  shelf.replace((await readShelf(db)).products);
  // reserved far ahead: nothing of this is to be measured
  const reserved = await pool.query<{ first: number }>(
    `SELECT setval('public.clientes_id_seq', nextval('public.clientes_id_seq') + 5000000) - 5000000 AS first`,
  );
  let next = Number(reserved.rows[0]?.first ?? 1);
  const customers = new CustomerBook({
    factory: createCustomerFactory({ random: random.stream('people') }),
    random: random.stream('book'),
    takeId: () => next++,
  });
  return createOrderModel({ random: random.stream('model'), shelf, customers, paymentMix: 'today' });
}
