import { existsSync, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import Table from 'cli-table3';
import type { Command } from 'commander';
import { LAKEHOUSE_SLOT } from '../cdc/names.ts';
import type { CommandContext } from '../command-context.ts';
import { openSource } from '../db/source.ts';
import { messageOf, OperatorError, UsageError } from '../lib/errors.ts';
import { parseDuration } from '../verify/arguments.ts';
import { DEFAULT_FILE, endpointFile } from './endpoint.ts';
import type { Answer } from './query.ts';
import { dropSlot } from './tap/slot.ts';
import type { TapStats } from './tap/tap.ts';

// DuckDB is large: loaded by who uses it, so that the daemon's memory stays small
const loadRun = () => import('./run.ts');
const loadReader = () => import('./reader.ts');
const loadQuery = () => import('./query.ts');

interface Options {
  readonly file: string;
  readonly query?: string;
  readonly json?: boolean;
  readonly refresh: string;
  readonly parquet?: string;
  readonly withSimulator?: boolean;
  readonly keepSlot?: boolean;
  readonly yes?: boolean;
}

/** `cdc-sim lakehouse`: the pipeline behind the source, on this machine. */
export function register(program: Command, context: CommandContext): void {
  const lakehouse = program
    .command('lakehouse')
    .description(
      'follow the source in a local lakehouse (DuckDB): raw as Hevo loads it, then the SQL of databricks/',
    )
    .option('--file <path>', 'the lakehouse file', DEFAULT_FILE)
    .option('--query <sql>', 'ask the lakehouse instead, whether it runs or not')
    .option('--json', 'print answers as JSON')
    .option('--refresh <duration>', 'rebuild bronze, silver and gold this often; off: raw only', '10s')
    .option('--parquet <folder>', 'export every table as Parquet after each refresh')
    .option('--with-simulator', 'start the simulator too, unless one works on the database already')
    .option('--keep-slot', 'leave the slot when stopping: the next start goes on without a copy')
    .action(async (options: Options) => {
      if (options.query !== undefined) await query(context, options.query, options);
      else await run(context, options);
    });
  lakehouse
    .command('query <sql>')
    .description('ask the lakehouse, whether it runs or not')
    .action(async (sql: string, _: unknown, command: Command) =>
      query(context, sql, command.optsWithGlobals()),
    );
  lakehouse
    .command('status')
    .description('what the lakehouse holds, and how far it is behind')
    .action(async (_: unknown, command: Command) => status(context, command.optsWithGlobals()));
  lakehouse
    .command('reset')
    .description('delete the lakehouse file and drop its slot at the source')
    .option('--yes', 'do not ask')
    .action(async (_: unknown, command: Command) => reset(context, command.optsWithGlobals()));
}

async function run(context: CommandContext, options: Options): Promise<void> {
  const refreshMs = options.refresh === 'off' ? null : parseDuration('--refresh', options.refresh, 1_000);
  const { runLakehouse } = await loadRun();
  await runLakehouse({
    config: context.config(),
    logger: context.daemonLogger(),
    signal: context.signal,
    file: options.file,
    refreshMs,
    parquetDir: options.parquet ?? null,
    keepSlot: options.keepSlot === true,
    simulator:
      options.withSimulator === true
        ? { env: context.env, isTerminal: context.isTerminal, print: context.print }
        : null,
  });
}

async function query(context: CommandContext, sql: string, options: Options): Promise<void> {
  const { openReader } = await loadReader();
  const { asObjects } = await loadQuery();
  const reader = await openReader(options.file);
  try {
    const answer = await reader.query(sql);
    context.print(options.json === true ? `${JSON.stringify(asObjects(answer))}\n` : asTable(answer));
  } finally {
    await reader.close();
  }
}

function asTable({ columns, rows }: Answer): string {
  const table = new Table({ head: [...columns], style: { head: [], border: [] } });
  for (const row of rows) {
    table.push(
      row.map((value) =>
        value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
      ),
    );
  }
  return `${table.toString()}\n${rows.length} row${rows.length === 1 ? '' : 's'}\n`;
}

interface LiveStatus {
  readonly pid: number;
  readonly source: string;
  readonly tap: TapStats;
  readonly refresh: { readonly at: string; readonly ms: number; readonly error: string | null } | null;
}

async function status(context: CommandContext, options: Options): Promise<void> {
  const { openReader, readLiveStatus } = await loadReader();
  const { asObjects } = await loadQuery();
  const file = resolve(options.file);
  const live = (await readLiveStatus(file)) as LiveStatus | null;
  const reader = await openReader(file);
  try {
    const [state] = asObjects(
      await reader.query(
        'SELECT phase, slot, database, applied_lsn, last_commit_at, updated_at FROM lakehouse._tap.state',
      ),
    );
    const tables = asObjects(
      await reader.query(
        `SELECT schema_name AS schema, table_name AS "table", estimated_size AS rows FROM duckdb_tables()
         WHERE database_name = 'lakehouse' AND schema_name <> '_tap' ORDER BY 1, 2`,
      ),
    );
    const report = { file, bytes: statSync(file).size, running: live, state: state ?? null, tables };
    context.print(options.json === true ? `${JSON.stringify(report)}\n` : describe(report));
  } finally {
    await reader.close();
  }
}

function describe(report: {
  readonly file: string;
  readonly bytes: number;
  readonly running: LiveStatus | null;
  readonly state: Readonly<Record<string, unknown>> | null;
  readonly tables: readonly Readonly<Record<string, unknown>>[];
}): string {
  const { running, state } = report;
  const lines = [`${report.file} (${(report.bytes / 1e6).toFixed(1)} MB)`];
  if (running === null) lines.push('not running; npm run lakehouse starts it');
  else {
    const { tap, refresh } = running;
    const lag =
      tap.lagMs === null ? '' : `, the last change was ${(tap.lagMs / 1000).toFixed(1)} s on its way`;
    lines.push(`running as process ${running.pid}, follows ${running.source}: ${tap.phase}${lag}`);
    lines.push(`${tap.changes} changes in ${tap.transactions} transactions since it started`);
    if (refresh !== null)
      lines.push(
        refresh.error === null
          ? `refreshed at ${refresh.at} in ${(refresh.ms / 1000).toFixed(1)} s`
          : `the refresh at ${refresh.at} failed: ${refresh.error}`,
      );
  }
  if (state !== null) {
    lines.push(
      `raw: ${String(state['phase'])}, complete up to ${String(state['applied_lsn'])}, last commit ${String(state['last_commit_at'] ?? 'none yet')}`,
    );
  }
  for (const table of report.tables) {
    lines.push(`  ${String(table['schema'])}.${String(table['table'])}: ${String(table['rows'])} rows`);
  }
  return `${lines.join('\n')}\n`;
}

async function reset(context: CommandContext, options: Options): Promise<void> {
  const file = resolve(options.file);
  const { readLiveStatus } = await loadReader();
  const live = (await readLiveStatus(file)) as LiveStatus | null;
  if (live !== null) {
    throw new OperatorError(`the lakehouse runs (process ${live.pid})`, {
      fix: 'stop it first (Ctrl-C there)',
    });
  }
  if (options.yes !== true) {
    const reply = await context.ask(`Delete ${file} and drop the slot ${LAKEHOUSE_SLOT}? [y/N] `);
    if (reply === null) throw new UsageError('reset asks first, and there is no terminal', 'add --yes');
    if (!/^y(es)?$/i.test(reply.trim())) return context.print('nothing was changed\n');
  }
  const existed = existsSync(file);
  for (const path of [file, `${file}.wal`, `${file}.tmp`, endpointFile(file)])
    rmSync(path, { force: true, recursive: true });
  context.print(existed ? `deleted ${file}\n` : `there was no ${file}\n`);
  try {
    const source = await openSource(context.config(), context.logger(), { poolSize: 1 });
    try {
      const dropped = await dropSlot(source.connections.pool, LAKEHOUSE_SLOT);
      context.print(
        dropped ? `dropped the slot ${LAKEHOUSE_SLOT}\n` : `there was no slot ${LAKEHOUSE_SLOT}\n`,
      );
    } finally {
      await source.close();
    }
  } catch (error) {
    throw new OperatorError(`the slot ${LAKEHOUSE_SLOT} may still be there: ${messageOf(error)}`, {
      fix: `when the source is back: SELECT pg_drop_replication_slot('${LAKEHOUSE_SLOT}')`,
      cause: error,
    });
  }
}
