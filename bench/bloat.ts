import { daemonOn, delay } from './daemons.ts';
import type { BenchContext, Figure } from './suite.ts';

/** Ten times the rate, life and autovacuum of the hour that is meant: it passes in six minutes. Unless in real time. */
const FASTER = 10;
const RATE = 3_000;
const TABLES = ['simulator.order_schedule', 'public.produtos', 'public.pedidos'];

interface Bloat {
  readonly name: string;
  readonly dead: number;
  readonly live: number;
  readonly mb: number;
}

/** Dead rows after an hour at 3,000 orders a minute. */
export async function run({ server, quick, realTime, say }: BenchContext): Promise<Figure[]> {
  const minutes = quick ? 6 : 60;
  const faster = realTime ? 1 : FASTER;
  say(`bloat: ${minutes} minutes at ${RATE} orders a minute, in ${minutes / faster}`);
  const shop = await server.createShop({ poolSize: 1 });
  const { pool } = shop.connections;
  await pool.query(`ALTER SYSTEM SET autovacuum_naptime = '${60 / faster}s'`);
  await pool.query('SELECT pg_reload_conf()');
  const daemon = await daemonOn(shop, {
    ORDERS_PER_MINUTE: String(RATE * faster),
    ORDERS_PER_TRANSACTION: realTime ? '1' : '10',
    LIFECYCLE_SPEED: String(1440 * faster),
  });
  const look = async () => {
    const result = await pool.query<Bloat>(
      `SELECT schemaname || '.' || relname AS name, n_dead_tup::int AS dead, n_live_tup::int AS live,
         (pg_total_relation_size(relid) / 1048576.0)::float8 AS mb
       FROM pg_stat_user_tables WHERE schemaname || '.' || relname = ANY ($1)`,
      [TABLES],
    );
    return result.rows;
  };
  const untilMs = performance.now() + (minutes / faster) * 60_000;
  const most = new Map<string, number>();
  while (performance.now() < untilMs) {
    await delay(2_000);
    for (const { name, dead } of await look()) most.set(name, Math.max(most.get(name) ?? 0, dead));
  }
  const end = await look();
  const orders = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM public.pedidos');
  await daemon.end();
  await pool.query('ALTER SYSTEM RESET autovacuum_naptime');
  await pool.query('SELECT pg_reload_conf()');
  await shop.drop();
  return end.map(({ name, dead, live, mb }) => {
    const ratio = (most.get(name) ?? 0) / Math.max(live, 1);
    return {
      what: `dead rows in ${name} after ${(orders.rows[0]?.n ?? 0).toLocaleString('en')} orders`,
      seen: `${dead.toLocaleString('en')} now, ${(most.get(name) ?? 0).toLocaleString('en')} at most`,
      against: `${live.toLocaleString('en')} live, ${mb.toFixed(0)} MB with indexes`,
      ratio,
      goal: '',
      met: null,
    };
  });
}
