import { writeSetting } from '../src/db/settings.ts';
import { daemonOn, delay, footprintOf } from './daemons.ts';
import type { BenchContext, Figure } from './suite.ts';
import type { BenchShop } from './support.ts';

/** Orders of an hour, and of a week, at the default rate. */
const HOUR = 3_600;
const WEEK = 604_800;

/** What the daemon itself takes: CPU at the default rate, and memory after many orders. */
export async function run(context: BenchContext): Promise<Figure[]> {
  return [...(await cpu(context)), ...(await memory(context))];
}

async function cpu({ server, quick }: BenchContext): Promise<Figure[]> {
  const shop = await server.createShop({ poolSize: 1 });
  const daemon = await daemonOn(shop, { LOG_ORDERS: 'auto' });
  await delay(10_000);
  const seconds = quick ? 20 : 120;
  const before = footprintOf(daemon.pid);
  await delay(seconds * 1000);
  const after = footprintOf(daemon.pid);
  await daemon.end();
  await shop.drop();
  if (before === undefined || after === undefined) return [];
  const share = (after.cpuSeconds - before.cpuSeconds) / seconds;
  return [
    {
      what: 'CPU of the daemon at the default rate, 60 orders/min',
      seen: `${(share * 100).toFixed(1)} % of a core, ${after.rssMb.toFixed(0)} MB resident`,
      against: '',
      ratio: share,
      goal: '< 2 %',
      met: share < 0.02,
    },
  ];
}

const FAST = 100_000;
/** At the default rate again for so long before memory is read: what a burst took is not what a shop keeps. */
const SETTLE_MS = 30_000;

async function memory({ server, quick }: BenchContext): Promise<Figure[]> {
  const shop = await server.createShop({ poolSize: 1 });
  const { db } = shop.connections;
  const daemon = await daemonOn(shop, {
    ORDERS_PER_TRANSACTION: '100',
    LIFECYCLE_SPEED: '1000000',
  });
  const wanted = quick ? HOUR * 24 : WEEK;
  const begin = await placed(shop);
  const after = async (orders: number) => {
    await writeSetting(db, 'rate', FAST);
    while ((await placed(shop)) - begin < orders) await delay(500);
    await writeSetting(db, 'rate', 60);
    await delay(SETTLE_MS);
    return footprintOf(daemon.pid)?.rssMb;
  };
  const hour = await after(HOUR);
  const end = await after(wanted);
  await daemon.end();
  await shop.drop();
  if (hour === undefined || end === undefined) return [];
  return [
    {
      what: `memory after ${wanted.toLocaleString('en')} orders (${quick ? 'a day' : 'a week'} at the default rate), driven fast`,
      seen: `${end.toFixed(0)} MB`,
      against: `after ${HOUR.toLocaleString('en')} (an hour): ${hour.toFixed(0)} MB`,
      ratio: end / hour,
      goal: '< 1.2',
      met: end / hour < 1.2,
    },
  ];
}

async function placed(shop: BenchShop): Promise<number> {
  const result = await shop.connections.pool.query<{ n: number }>(
    'SELECT last_value::int AS n FROM public.pedidos_id_seq',
  );
  return result.rows[0]?.n ?? 0;
}
