import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, pgEnv, run as runProgram } from './pgbench.ts';
import { type BenchContext, type Figure, interleave, median, ratioOf } from './suite.ts';

/** In the order in which they can be loaded: parents first. */
const TABLES = [
  'public.status',
  'public.formapagamento',
  'public.canalvenda',
  'public.categorias',
  'public.marcas',
  'public.generocliente',
  'public.generoproduto',
  'public.estadocivil',
  'public.emailmarketing',
  'public.entregue',
  'public.produtos',
  'public.clientes',
  'public.pedidos',
  'public.itenspedido',
  'simulator.order_schedule',
  'simulator.returning_customers',
  'simulator.stock_book',
];

/** A shop with its history, generated and loaded, beside psql that loads the same rows from files. */
export async function run({ server, quick, rounds, say }: BenchContext): Promise<Figure[]> {
  const orders = quick ? 10_000 : 50_000;
  const psql = findProgram('psql');
  if (psql === undefined) say('psql is not installed: only our own figure');
  const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-copy-'));
  chmodSync(folder, 0o755);
  try {
    const ours = async () => {
      const empty = await server.createEmptyShop();
      const startedMs = performance.now();
      await empty.seed(orders);
      const elapsedMs = performance.now() - startedMs;
      if (psql !== undefined) {
        const out = TABLES.map((table) => `\\copy ${table} to '${join(folder, table)}'`).join('\n');
        await psqlRun(psql, empty.settings, out, folder);
      }
      await empty.drop();
      return orders / (elapsedMs / 1000);
    };
    const copy = async () => {
      if (psql === undefined) return Number.NaN;
      const empty = await server.createEmptyShop();
      const load = TABLES.map((table) => `\\copy ${table} from '${join(folder, table)}'`).join('\n');
      const startedMs = performance.now();
      await psqlRun(psql, empty.settings, `BEGIN;\n${load}\nCOMMIT;\nANALYZE;\n`, folder);
      const elapsedMs = performance.now() - startedMs;
      await empty.drop();
      return orders / (elapsedMs / 1000);
    };
    const seen = await interleave(Math.max(2, Math.ceil(rounds / 2)), { ours, copy });
    const ratio = psql === undefined ? null : ratioOf(seen.ours, seen.copy);
    const rate = (values: readonly number[]) => `${Math.round(median(values)).toLocaleString('en')} orders/s`;
    return [
      {
        what: `history of ${orders.toLocaleString('en')} orders with items, customers and schedule: generated and loaded`,
        seen: rate(seen.ours),
        against: psql === undefined ? 'no psql here' : `psql \\copy of the same rows: ${rate(seen.copy)}`,
        ratio,
        goal: '≥ 0.8',
        met: ratio === null ? null : ratio >= 0.8,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function psqlRun(
  program: string,
  settings: Parameters<typeof pgEnv>[0],
  script: string,
  folder: string,
): Promise<void> {
  const file = join(folder, 'script.sql');
  writeFileSync(file, script);
  await runProgram(program, ['-q', '-X', '-v', 'ON_ERROR_STOP=1', '-f', file], pgEnv(settings));
}
