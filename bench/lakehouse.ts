import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../src/config/config.ts';
import { openSource } from '../src/db/source.ts';
import { openReader } from '../src/lakehouse/reader.ts';
import { runLakehouse } from '../src/lakehouse/run.ts';
import { delay } from '../src/lib/backoff.ts';

// The whole pipeline on this machine: embedded PostgreSQL, the simulator as a child, tap, refreshes.
// node bench/lakehouse.ts [minutes] [orders a minute]

export interface LakehouseFigures {
  readonly minutes: number;
  readonly ordersPerMinute: number;
  /** From the commit at the source to its being readable in raw. */
  readonly visible: { readonly samples: number; readonly p50Ms: number; readonly p95Ms: number };
  readonly refreshMs: { readonly count: number; readonly median: number; readonly max: number };
  /** Resident memory of the lakehouse's process (DuckDB included), after the first minute and at most. */
  readonly rssMb: { readonly early: number; readonly peak: number };
  readonly orders: number;
}

const percentile = (sorted: readonly number[], q: number) =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN);

export async function run(
  minutes = 5,
  ordersPerMinute = 600,
  historyOrders = 10_000,
): Promise<LakehouseFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-bench-'));
  const env = {
    PATH: process.env['PATH'],
    EMBEDDED_DATA_DIR: join(folder, 'postgres'),
    HTTP_PORT: '0',
    ORDERS_PER_MINUTE: String(ordersPerMinute),
    HISTORY_ORDERS: String(historyOrders),
    LOG_FORMAT: 'json',
    LOG_LEVEL: 'warn',
  };
  const refreshes: number[] = [];
  const logger = pino(
    { level: 'info' },
    {
      write: (line: string) => {
        const { event, ms, msg, level } = JSON.parse(line) as Record<string, unknown>;
        if (event === 'lakehouse.refreshed') refreshes.push(Number(ms));
        if (Number(level) >= 40) console.error(msg);
      },
    },
  );
  const { config } = loadConfig(env);
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const file = join(folder, 'lakehouse.duckdb');
  const running = runLakehouse({
    config,
    logger,
    signal: stop.signal,
    file,
    refreshMs: 10_000,
    parquetDir: null,
    keepSlot: false,
    simulator: { env, isTerminal: false, print: (text) => process.stderr.write(text) },
    onReady: ready.resolve,
  });
  try {
    await Promise.race([ready.promise, running]);
    const measured = await probe(config, logger, file, minutes * 60_000);
    const sorted = measured.samples.sort((a, b) => a - b);
    const sortedRefreshes = refreshes.toSorted((a, b) => a - b);
    return {
      minutes,
      ordersPerMinute,
      visible: { samples: sorted.length, p50Ms: percentile(sorted, 0.5), p95Ms: percentile(sorted, 0.95) },
      refreshMs: {
        count: refreshes.length,
        median: percentile(sortedRefreshes, 0.5),
        max: percentile(sortedRefreshes, 1),
      },
      rssMb: measured.rssMb,
      orders: measured.orders,
    };
  } finally {
    stop.abort('bench over');
    await running.catch((error: unknown) => console.error(error));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes tokens into the heartbeat and times when raw shows each. */
async function probe(
  config: Parameters<typeof openSource>[0],
  logger: Parameters<typeof openSource>[1],
  file: string,
  forMs: number,
): Promise<{ samples: number[]; rssMb: { early: number; peak: number }; orders: number }> {
  const source = await openSource(config, logger, { poolSize: 1 });
  const reader = await openReader(file);
  const samples: number[] = [];
  const rss = () => Math.round(process.memoryUsage().rss / 1e6);
  let early = 0;
  let peak = 0;
  const started = performance.now();
  try {
    for (let n = 0; performance.now() - started < forMs; n++) {
      await source.connections.pool.query(
        `INSERT INTO cdc_heartbeat (id, token, emitido_em) VALUES (1, $1, clock_timestamp())
         ON CONFLICT (id) DO UPDATE SET token = excluded.token, emitido_em = excluded.emitido_em, atualizado_em = clock_timestamp()`,
        [`bench-${n}`],
      );
      const sent = performance.now();
      const isThere = async () =>
        (await reader.query(`SELECT token FROM raw.cdc_heartbeat`)).rows[0]?.[0] === `bench-${n}`;
      // the daemon's own heartbeat may overwrite a token on its way
      while (!(await isThere()) && performance.now() - sent < 10_000) await delay(10);
      samples.push(performance.now() - sent);
      peak = Math.max(peak, rss());
      if (performance.now() - started < 60_000) early = peak;
      await delay(500);
    }
    const orders = Number((await reader.query('SELECT count(*) FROM raw.pedidos')).rows[0]?.[0]);
    return { samples, rssMb: { early, peak }, orders };
  } finally {
    await reader.close();
    await source.close();
  }
}

if (import.meta.main) {
  const [minutes, rate] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await run(minutes ?? 5, rate ?? 600), null, 2));
  process.exit(0);
}
