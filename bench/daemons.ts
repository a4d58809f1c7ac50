import { readFileSync } from 'node:fs';
import { delay } from '../src/lib/backoff.ts';
import { type Daemon, startDaemon } from '../test/support/daemon.ts';
import type { BenchShop } from './support.ts';

export { delay };

/** A daemon on the shop, as a user starts it; resolves when it places orders. */
export async function daemonOn(shop: BenchShop, env: Readonly<Record<string, string>>): Promise<Daemon> {
  const { user, password = '', host, port, database } = shop.settings;
  const daemon = startDaemon({
    DATABASE_URL: `postgresql://${user}:${password}@${host}:${port}/${database}`,
    LOG_ORDERS: 'never',
    ...env,
  });
  await daemon.waitForEvent('traffic.summary', { timeoutMs: 120_000 });
  return daemon;
}

/** Orders written in a stretch of wall-clock time, as the rows themselves say, a second. */
export async function placedPerSecond(shop: BenchShop, seconds: number): Promise<number> {
  const { pool } = shop.connections;
  const now = async () =>
    (await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now')).rows[0]?.now ?? new Date();
  const from = await now();
  await delay(seconds * 1000);
  const to = new Date(from.getTime() + seconds * 1000);
  // what is under way gets the time to be seen
  await delay(1_000);
  const result = await pool.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM public.pedidos WHERE criado_em >= $1 AND criado_em < $2',
    [from, to],
  );
  return (result.rows[0]?.n ?? 0) / seconds;
}

/** CPU seconds used so far, and resident memory in MB; undefined where there is no /proc. */
export function footprintOf(pid: number): { cpuSeconds: number; rssMb: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // in ticks of 10 ms: utime and stime
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
    const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuSeconds, rssMb: Number(rss) / 1024 };
  } catch {
    return undefined;
  }
}
