import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import type { DatabaseSettings } from '../config/database.ts';
import { copyLine, copyRows } from '../db/copy.ts';
import { clientConfig } from '../db/pool.ts';
import type { ShopRecord } from '../db/settings.ts';
import type { Logger } from '../lib/logger.ts';
import { createRandom, type Random } from '../lib/random.ts';
import { firstPurchaseAtMs } from '../orders/model/customers.ts';
import { planHistory } from '../orders/model/history.ts';
import type { PaymentMix } from '../orders/model/model.ts';
import { centsToNumeric } from '../orders/types.ts';
import { customerLine } from './customer-copy.ts';
import { createCustomerFactory, deliveryAddressOf } from './customers.ts';
import { lookupRows } from './dimensions.ts';
import { HistoryLoader } from './history-loader.ts';
import { createProducts, marginHundredths } from './products.ts';
import { type CustomerRow, customerColumns, type KnownCustomer, type ShelfProduct } from './types.ts';

export interface SeedOptions {
  readonly seed: string;
  readonly customers: number;
  readonly products: number;
  readonly historyDays: number;
  readonly historyOrders: number;
  readonly paymentMix: PaymentMix;
  readonly lifecycleSpeed: number;
}

/** `done` of `total` rows of `what` are written. */
export type SeedProgress = (what: 'customers' | 'products' | 'orders', done: number, total: number) => void;

export interface SeedResult {
  readonly shop: ShopRecord;
  /** False: the shop was there already, and nothing was written. */
  readonly created: boolean;
}

/** Those who start at the same time wait for the first of them here. */
const SEED_LOCK = 7_318_002;
/** Rows in one COPY: the ledger's triggers keep the rows of a statement until its end. */
const ROWS_PER_COPY = 10_000;
/** Registered over so many days before the opening, more of them recently. */
const OLDEST_REGISTRATION_DAYS = 1_095;
const DAY_MS = 86_400_000;
/** After so many orders decided, the rows on their way are sent on. */
const ORDERS_A_BREATH = 50;

/**
 * Fills an empty shop once: lookups, products, customers, and the past orders, all in one transaction: an interrupted
 * seed leaves nothing behind. A shop that is there is left alone, to the last byte.
 */
export async function seedShop(
  settings: DatabaseSettings,
  options: SeedOptions,
  logger: Logger,
  progress?: SeedProgress,
): Promise<SeedResult> {
  const client = new pg.Client(clientConfig(settings, 'cdc-sim seed'));
  client.on('error', (error) => logger.debug({ reason: error.message }, 'the seeding connection broke'));
  await client.connect();
  try {
    const found = await readShop(client);
    if (found !== undefined) return { shop: found, created: false };
    await client.query('BEGIN');
    await client.query(`SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`);
    await client.query('SELECT pg_advisory_xact_lock($1)', [SEED_LOCK]);
    const meanwhile = await readShop(client);
    if (meanwhile !== undefined) {
      await client.query('ROLLBACK');
      return { shop: meanwhile, created: false };
    }
    const shop = await fill(client, options, logger, progress);
    await client.query('COMMIT');
    await client.query(
      'ANALYZE public.clientes, public.produtos, public.pedidos, public.itenspedido, simulator.order_schedule',
    );
    return { shop, created: true };
  } finally {
    await client.end();
  }
}

async function readShop(client: pg.Client): Promise<ShopRecord | undefined> {
  const result = await client.query<{ value: ShopRecord }>(
    `SELECT value FROM simulator.settings WHERE key = 'shop'`,
  );
  return result.rows[0]?.value;
}

async function fill(
  client: pg.Client,
  options: SeedOptions,
  logger: Logger,
  progress?: SeedProgress,
): Promise<ShopRecord> {
  const startedMs = performance.now();
  const random = createRandom(options.seed).stream('seed');
  const clock = await client.query<{ now_ms: number }>(
    `SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now_ms`,
  );
  const nowMs = Math.floor(clock.rows[0]?.now_ms ?? Date.now());
  for (const { table, rows } of lookupRows) {
    await client.query(
      `INSERT INTO public.${table} (id, nome) SELECT * FROM unnest($1::smallint[], $2::text[])`,
      [rows.map((row) => row.id), rows.map((row) => row.nome)],
    );
  }
  const products = await fillProducts(client, options, random, nowMs, progress);
  const customers = await fillCustomers(client, options, random, nowMs, progress);
  await fillHistory(client, options, { random, nowMs, products, customers }, progress);
  await client.query(
    `INSERT INTO public.cdc_heartbeat (id, token, emitido_em) VALUES (1, 'seed', clock_timestamp())`,
  );
  const shop: ShopRecord = { id: randomUUID(), seed: options.seed, createdAt: new Date(nowMs).toISOString() };
  await client.query(`INSERT INTO simulator.settings (key, value) VALUES ('shop', $1::jsonb)`, [
    JSON.stringify(shop),
  ]);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  logger.info(
    {
      customers: options.customers,
      products: options.products,
      orders: options.historyOrders,
      seed: options.seed,
    },
    `shop opened: ${options.customers} customers, ${options.products} products, ${options.historyOrders} past orders in ${seconds} s (seed ${options.seed})`,
  );
  return shop;
}

async function fillProducts(
  client: pg.Client,
  options: SeedOptions,
  random: Random,
  nowMs: number,
  progress?: SeedProgress,
): Promise<ShelfProduct[]> {
  const rows = createProducts({ random: random.stream('products'), count: options.products });
  const columns = [
    'id',
    'sku',
    'nome',
    'descricao',
    'preco',
    'preco_custo',
    'margem',
    'tamanho',
    'estoque',
    'id_categoria',
    'id_marca',
    'modelo',
    'id_genero',
    'cor',
  ];
  for (let start = 0; start < rows.length; start += ROWS_PER_COPY) {
    const lines = rows
      .slice(start, start + ROWS_PER_COPY)
      .map((row, index) =>
        copyLine([
          start + index + 1,
          row.sku,
          row.nome,
          row.descricao,
          centsToNumeric(row.precoCents),
          centsToNumeric(row.precoCustoCents),
          centsToNumeric(marginHundredths(row.precoCents, row.precoCustoCents)),
          row.tamanho,
          row.estoque,
          row.id_categoria,
          row.id_marca,
          row.modelo,
          row.id_genero,
          row.cor,
        ]),
      );
    await copyRows(client, 'public.produtos', columns, lines);
    progress?.('products', start + lines.length, rows.length);
  }
  await client.query(`SELECT setval('public.produtos_id_seq', $1)`, [rows.length]);
  return rows.map((row, index) => ({
    id: index + 1,
    sku: row.sku,
    priceCents: row.precoCents,
    stock: row.estoque,
    size: row.tamanho,
    brandId: row.id_marca,
    categoryId: row.id_categoria,
    genderId: row.id_genero,
    model: row.modelo,
    createdAtMs: nowMs,
  }));
}

/** How to make the base customers again, one after the other: a million of them are never in memory at once. */
type BaseCustomers = () => Generator<{ row: CustomerRow; registeredMs: number }>;

async function fillCustomers(
  client: pg.Client,
  options: SeedOptions,
  random: Random,
  nowMs: number,
  progress?: SeedProgress,
): Promise<BaseCustomers> {
  const everybody: BaseCustomers = function* () {
    const dates = random.stream('registration');
    const factory = createCustomerFactory({ random: random.stream('base customers') });
    for (let id = 1; id <= options.customers; id++) {
      const ageDays = 1 + Math.floor(OLDEST_REGISTRATION_DAYS * dates.next() ** 1.6);
      const registeredMs = nowMs - ageDays * DAY_MS;
      yield { row: factory.create(id, new Date(registeredMs).toISOString().slice(0, 10)), registeredMs };
    }
  };
  const chunk: string[] = [];
  let done = 0;
  const flush = async () => {
    await copyRows(client, 'public.clientes', customerColumns, chunk);
    done += chunk.length;
    chunk.length = 0;
    progress?.('customers', done, options.customers);
  };
  for (const { row } of everybody()) {
    chunk.push(customerLine(row));
    if (chunk.length >= ROWS_PER_COPY) await flush();
  }
  await flush();
  return everybody;
}

interface Past {
  readonly random: Random;
  readonly nowMs: number;
  readonly products: readonly ShelfProduct[];
  readonly customers: BaseCustomers;
}

async function fillHistory(
  client: pg.Client,
  options: SeedOptions,
  past: Past,
  progress?: SeedProgress,
): Promise<void> {
  const { random, nowMs, products } = past;
  const loader = new HistoryLoader(client, { nowMs, speed: options.lifecycleSpeed, products });
  let nextCustomerId = options.customers + 1;
  if (options.historyOrders > 0) {
    const plan = planHistory({
      random: random.stream('history'),
      shopSeed: options.seed,
      days: options.historyDays,
      orders: options.historyOrders,
      nowMs,
      products,
      factory: createCustomerFactory({ random: random.stream('history customers') }),
      firstCustomerId: nextCustomerId,
      baseCustomers: knownBase(past.customers),
      paymentMix: options.paymentMix,
    });
    // one round is written while the next one is decided: server and generator each have a core
    let writing: Promise<void> = Promise.resolve();
    let step = plan.next();
    for (; step.done !== true; step = plan.next()) {
      if (loader.add(step.value)) {
        await writing;
        progress?.('orders', loader.orders, options.historyOrders);
        writing = loader.flush();
        // a failure is met where the round is waited for
        writing.catch(() => undefined);
      } else if (loader.orders % ORDERS_A_BREATH === 0) await setImmediate();
    }
    await writing;
    for (const entry of step.value.waiting)
      loader.addReturning(entry.customerId, entry.dueAtMs, entry.purchases);
    nextCustomerId = step.value.nextCustomerId;
  } else {
    const draws = random.stream('first purchases');
    for (const { row, registeredMs } of past.customers()) {
      const dueAtMs = firstPurchaseAtMs(registeredMs, draws);
      if (dueAtMs !== null) loader.addReturning(row.id, Math.max(dueAtMs, nowMs), 0);
    }
  }
  await loader.finish();
  progress?.('orders', options.historyOrders, options.historyOrders);
  await client.query(`SELECT setval('public.clientes_id_seq', $1)`, [nextCustomerId - 1]);
}

function* knownBase(customers: BaseCustomers): Generator<{ customer: KnownCustomer; registeredOn: string }> {
  for (const { row } of customers()) {
    const customer = {
      id: row.id,
      state: row.estado,
      genderId: row.id_genero,
      deliveryAddress: deliveryAddressOf(row),
      purchases: 0,
    };
    yield { customer, registeredOn: row.data_cadastro };
  }
}
