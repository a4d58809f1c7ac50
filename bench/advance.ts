import { advanceDue } from '../src/orders/advance.ts';
import { placeOrders } from '../src/orders/place.ts';
import { findProgram, runPgbench } from './pgbench.ts';
import { planOf } from './place.ts';
import { type BenchContext, type Figure, interleave, median, perSecond, ratioOf } from './suite.ts';
import type { BenchShop } from './support.ts';

const BATCH = 200;
const CONNECTIONS = 4;
/** So fast that an order's next event is due as soon as the one before is done. */
const AT_ONCE = 1e12;

/** Advancing orders beside pgbench that updates as many rows by key; and a tick's cost in a large table. */
export async function run(context: BenchContext): Promise<Figure[]> {
  return [...(await throughput(context)), ...(await tickCost(context))];
}

async function throughput({ server, rounds, seconds }: BenchContext): Promise<Figure[]> {
  const shop = await server.createShop({ poolSize: CONNECTIONS });
  try {
    await shop.connections.pool.query(
      `UPDATE simulator.order_schedule SET due_at = due_at + interval '9 years'`,
    );
    const orders = 20_000;
    const program = findProgram('pgbench');
    const byKey = `\\set id random(1, 10000)\nUPDATE public.pedidos SET atualizado_em = clock_timestamp() WHERE id = :id;\n`;
    const bySet = `\\set id random(1, 9800)\nUPDATE public.pedidos SET atualizado_em = clock_timestamp() WHERE id BETWEEN :id AND :id + 199;\n`;
    const pgbench = (script: string, rows: number) => async () =>
      program === undefined
        ? Number.NaN
        : rows *
          (await runPgbench(program, shop.settings, { clients: CONNECTIONS, seconds, scripts: [script] }));
    const seen = await interleave(rounds, {
      ours: async () => {
        for (let i = 0; i < orders / 10; i += 200) {
          await placeOrders(
            shop.connections.db,
            Array.from({ length: 200 }, () => planOf(shop)),
            AT_ONCE,
          );
        }
        return advancing(shop);
      },
      byKey: pgbench(byKey, 1),
      bySet: pgbench(bySet, BATCH),
    });
    const ratio = program === undefined ? null : ratioOf(seen.ours, seen.byKey);
    const what = `advancing: claim, update, schedule (1 connection, ${BATCH} at a time)`;
    return [
      {
        what,
        seen: perSecond(seen.ours, 'events'),
        against: `pgbench, UPDATE by key, ${CONNECTIONS} clients: ${perSecond(seen.byKey, 'rows')}`,
        ratio,
        goal: '≥ 1.0',
        met: ratio === null ? null : ratio >= 1,
      },
      {
        what,
        seen: perSecond(seen.ours, 'events'),
        against: `pgbench, ${BATCH} rows an UPDATE, ${CONNECTIONS} clients: ${perSecond(seen.bySet, 'rows')}`,
        ratio: program === undefined ? null : ratioOf(seen.ours, seen.bySet),
        goal: '',
        met: null,
      },
    ];
  } finally {
    await shop.drop();
  }
}

/** Events a second until nothing is due. */
async function advancing(shop: BenchShop): Promise<number> {
  const startedMs = performance.now();
  let events = 0;
  for (;;) {
    const done = await advanceDue(shop.connections.db, { limit: BATCH, speed: AT_ONCE });
    events += done.length;
    if (done.length < BATCH) return events / ((performance.now() - startedMs) / 1000);
  }
}

const DUE = 10;

async function tickCost({ server, quick, say }: BenchContext): Promise<Figure[]> {
  const many = quick ? 100_000 : 1_000_000;
  say(`filling a shop with ${many.toLocaleString('en')} orders`);
  const small = await server.createShop({ historyOrders: 10_000, poolSize: 1 });
  const large = await server.createShop({ historyOrders: many, customers: 2_000, poolSize: 1 });
  try {
    for (const { connections } of [small, large]) {
      await connections.pool.query(
        `UPDATE simulator.order_schedule SET due_at = due_at + interval '9 years'`,
      );
      await connections.pool.query('VACUUM ANALYZE simulator.order_schedule');
    }
    const waiting = new Map<BenchShop, number[]>();
    for (const shop of [small, large]) waiting.set(shop, await shuffledSchedule(shop));
    const tick = (shop: BenchShop, afterCheckpoint: boolean) => async () => {
      // by key: whoever scans the schedule here leaves nothing of the processor's caches to the tick that is measured
      const ids = waiting.get(shop)?.splice(0, DUE);
      await shop.connections.pool.query(
        `UPDATE simulator.order_schedule SET due_at = clock_timestamp() - interval '1 s' WHERE order_id = ANY ($1::bigint[])`,
        [ids],
      );
      if (afterCheckpoint) await shop.connections.pool.query('CHECKPOINT');
      const startedMs = performance.now();
      const done = await advanceDue(shop.connections.db, { limit: BATCH, speed: 1 });
      if (done.length !== DUE) throw new Error(`${done.length} events instead of ${DUE}`);
      return performance.now() - startedMs;
    };
    const figure = async (afterCheckpoint: boolean): Promise<Figure> => {
      const sides = { small: tick(small, afterCheckpoint), large: tick(large, afterCheckpoint) };
      // the first ones prepare the statements and warm the caches
      await interleave(10, sides);
      const seen = await interleave(quick ? 40 : 80, sides);
      const ratio = median(seen.large) / median(seen.small);
      const when = afterCheckpoint ? ', each the first after a checkpoint' : '';
      return {
        what: `a tick with ${DUE} orders due, ${many.toLocaleString('en')} orders in the table${when}`,
        seen: `${median(seen.large).toFixed(1)} ms`,
        against: `10,000 in the table: ${median(seen.small).toFixed(1)} ms`,
        ratio,
        goal: '≤ 1.3',
        met: ratio <= 1.3,
      };
    };
    // The first change of a page after a checkpoint writes the whole page to the log. A small table has all its pages
    // there after a few ticks, a large one never: so both are measured, as it comes and on the same terms.
    return [await figure(true), await figure(false)];
  } finally {
    await small.drop();
    await large.drop();
  }
}

/** The orders that wait for something, each once, in random order. */
async function shuffledSchedule({ connections }: BenchShop): Promise<number[]> {
  const { rows } = await connections.pool.query<{ order_id: number }>(
    'SELECT order_id FROM simulator.order_schedule ORDER BY random()',
  );
  return rows.map((row) => row.order_id);
}
