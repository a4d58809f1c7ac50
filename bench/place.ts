import { placeOrders } from '../src/orders/place.ts';
import type { PlannedOrder } from '../src/orders/types.ts';
import { findProgram, placeScript, runPgbench } from './pgbench.ts';
import { type BenchContext, type Figure, interleave, perSecond, ratioOf } from './suite.ts';
import type { BenchShop } from './support.ts';

const CONNECTIONS = 4;
/** As the daemon does: two transactions in flight on each. */
const LANES = 2 * CONNECTIONS;
const LEDGERED = ['clientes', 'produtos', 'pedidos', 'itenspedido'];

export function planOf({ model }: BenchShop): PlannedOrder {
  const plan = model.plan(Date.now());
  if (plan === null) throw new Error('nothing to sell');
  return plan;
}

/** So many orders are pgbench's: baskets, payments and next purchases as the model decides them, of new customers all. */
const SAMPLE = 20;

function sampleOf(shop: BenchShop): PlannedOrder[] {
  const plans: PlannedOrder[] = [];
  while (plans.length < SAMPLE) {
    const plan = planOf(shop);
    // what goes by arrays is planned anew each time, by us too, and is rare
    if (plan.customer.kind === 'new' && plan.items.length <= 3) plans.push(plan);
  }
  return plans;
}

/** Orders a second, as many transactions at a time as there are `lanes`. */
export async function placing(
  shop: BenchShop,
  options: { lanes: number; perTransaction: number; seconds: number },
): Promise<number> {
  const { lanes, perTransaction, seconds } = options;
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1000;
  let placed = 0;
  const lane = async () => {
    while (performance.now() < untilMs) {
      const plans = Array.from({ length: perTransaction }, () => planOf(shop));
      const result = await placeOrders(shop.connections.pipelined, plans, 1440);
      // not `placed += (await …)`: that reads the sum before the wait, and loses what other lanes add meanwhile
      placed += result.placed.length;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return placed / ((performance.now() - startedMs) / 1000);
}

/** Placing orders beside pgbench with the same statement, and what the ledger adds to it. */
export async function run(context: BenchContext): Promise<Figure[]> {
  const { server, rounds, seconds } = context;
  const shop = await server.createShop({ poolSize: CONNECTIONS + 1 });
  try {
    return [...(await againstPgbench(context, shop)), ...(await ledger(shop, rounds, seconds))];
  } finally {
    await shop.drop();
  }
}

async function againstPgbench({ rounds, seconds, say }: BenchContext, shop: BenchShop): Promise<Figure[]> {
  const program = findProgram('pgbench');
  if (program === undefined)
    say('pgbench is not installed: only our own figures (Debian: apt-get install postgresql-contrib)');
  let base = 2_000_000_000;
  const pgbench = async () => {
    if (program === undefined) return Number.NaN;
    base += 100_000_000;
    const scripts = sampleOf(shop).map((plan, index) => placeScript(plan, shop.products, `s${index}`));
    const tps = await runPgbench(program, shop.settings, {
      clients: CONNECTIONS,
      seconds,
      scripts: scripts.map((script) => script.text),
      variables: Object.assign({ n: 0, base }, ...scripts.map((script) => script.variables)),
    });
    const placed = await shop.connections.pool.query('SELECT 1 FROM public.pedidos WHERE id_cliente >= $1', [
      base,
    ]);
    if ((placed.rowCount ?? 0) < 0.9 * tps * seconds) throw new Error('pgbench did not place what it ran');
    return tps;
  };
  const ours = (lanes: number, perTransaction: number) => () =>
    placing(shop, { lanes, perTransaction, seconds });
  await placing(shop, { lanes: LANES, perTransaction: 1, seconds: 1 });
  const seen = await interleave(rounds, {
    pgbench,
    one: ours(LANES, 1),
    oneLane: ours(1, 1),
    hundred: ours(LANES, 100),
  });
  const row = (what: string, values: readonly number[], goal: number | null): Figure => {
    const ratio = program === undefined ? null : ratioOf(values, seen.pgbench);
    return {
      what,
      seen: perSecond(values, 'orders'),
      against:
        program === undefined
          ? 'no pgbench here'
          : `pgbench, same statement: ${perSecond(seen.pgbench, 'orders')}`,
      ratio,
      goal: goal === null ? '' : `≥ ${goal}`,
      met: ratio === null || goal === null ? null : ratio >= goal,
    };
  };
  return [
    row(`placing, a transaction an order, ${CONNECTIONS} connections`, seen.one, 0.85),
    row('placing, a transaction an order, one at a time', seen.oneLane, null),
    row(`placing, ORDERS_PER_TRANSACTION=100, ${CONNECTIONS} connections`, seen.hundred, 2),
  ];
}

async function ledger(shop: BenchShop, rounds: number, seconds: number): Promise<Figure[]> {
  const { pool } = shop.connections;
  const side = (state: 'ENABLE' | 'DISABLE', perTransaction: number) => async () => {
    for (const table of LEDGERED) await pool.query(`ALTER TABLE public.${table} ${state} TRIGGER USER`);
    return placing(shop, { lanes: LANES, perTransaction, seconds });
  };
  const seen = await interleave(rounds, {
    without: side('DISABLE', 1),
    with: side('ENABLE', 1),
    without100: side('DISABLE', 100),
    with100: side('ENABLE', 100),
  });
  const row = (what: string, on: readonly number[], off: readonly number[]): Figure => {
    const ratio = ratioOf(on, off);
    return {
      what,
      seen: perSecond(on, 'orders'),
      against: `without its triggers: ${perSecond(off, 'orders')}`,
      ratio,
      goal: '≥ 0.85',
      met: ratio >= 0.85,
    };
  };
  return [
    row('ledger, a transaction an order', seen.with, seen.without),
    row('ledger, 100 orders a transaction', seen.with100, seen.without100),
  ];
}
