import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { readSettings, type SettingKey, writeSetting } from '../db/settings.ts';
import { openSource, type Source } from '../db/source.ts';
import { codeOf } from '../db/sqlstate.ts';
import { readQuickFacts } from '../db/status-queries.ts';
import { delay } from '../lib/backoff.ts';
import { OperatorError, UsageError } from '../lib/errors.ts';
import { shown } from '../lib/shown.ts';
import { readStatusReport, type StatusReport } from './status-report.ts';
import { statusTables } from './status-table.ts';

const MAX_RATE = 1_000_000;
const WATCH_EVERY_MS = 2_000;
const LEASE_MS = 15_000;
/** Cursor home, and everything below it cleared: a watched table stays in its place. */
const CLEAR = '\u001b[H\u001b[J';

/** `rate`, `pause`, `resume` and `status`: they speak with the database, and so need neither page nor daemon. */
export function register(program: Command, context: CommandContext): void {
  program
    .command('rate')
    .description(
      'set the orders a minute of all workers at run time; "default" goes back to ORDERS_PER_MINUTE',
    )
    .argument('<orders-per-minute|default>')
    .option('--json', 'print the settings as JSON')
    .action((text: string, options: { json?: boolean }) =>
      change(context, 'rate', parseRate(text), options.json === true),
    );
  for (const [name, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    program
      .command(name)
      .description(paused ? 'hold all traffic, until resume' : 'let traffic flow again')
      .option('--json', 'print the settings as JSON')
      .action((options: { json?: boolean }) => change(context, 'paused', paused, options.json === true));
  }
  program
    .command('status')
    .description('show rate, orders, workers, slots and size')
    .option('--watch', 'show it again every two seconds, until Ctrl-C')
    .option('--json', 'print it as JSON, one line a reading')
    .action((options: { watch?: boolean; json?: boolean }) => showStatus(context, options));
}

/** `600`, `0.5`, or `default`: null. Throws a UsageError for everything else. */
export function parseRate(text: string): number | null {
  if (text.toLowerCase() === 'default') return null;
  const rate = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (rate >= 0 && rate <= MAX_RATE) return rate;
  throw new UsageError(
    `${shown(text, 40)} is no rate`,
    `give orders a minute, a number from 0 to ${MAX_RATE}, or default: npm run sim -- rate 600`,
  );
}

async function withShop<T>(context: CommandContext, work: (source: Source) => Promise<T>): Promise<T> {
  const source = await openSource(context.config(), context.logger(), {
    poolSize: 2,
    applicationName: 'cdc-sim control',
  });
  try {
    return await work(source);
  } catch (error) {
    // undefined table or schema: there is no shop here yet
    if (codeOf(error) !== '42P01' && codeOf(error) !== '3F000') throw error;
    throw new OperatorError(`there is no shop in ${source.where} yet`, {
      fix: 'start it once: npm start (or npm run sim -- migrate)',
      cause: error,
    });
  } finally {
    await source.close();
  }
}

async function change(
  context: CommandContext,
  key: Extract<SettingKey, 'rate' | 'paused'>,
  value: number | boolean | null,
  json: boolean,
): Promise<void> {
  await withShop(context, async ({ connections: { db } }) => {
    await writeSetting(db, key, value);
    const settings = await readSettings(db);
    const { workers } = await readQuickFacts(db, LEASE_MS);
    if (json) context.print(`${JSON.stringify({ ...settings, workers: workers.length })}\n`);
    else context.print(`${sentence(context, key, settings)}; ${followers(workers.length)}\n`);
  });
}

function sentence(
  context: CommandContext,
  key: 'rate' | 'paused',
  settings: { rate: number | null; paused: boolean },
): string {
  const configured = context.config().traffic.ordersPerMinute;
  if (key === 'paused') return settings.paused ? 'traffic is paused' : 'traffic flows';
  const still = settings.paused ? ' (still paused: npm run sim -- resume)' : '';
  return settings.rate === null
    ? `rate is ${configured} orders a minute, as ORDERS_PER_MINUTE says${still}`
    : `rate is ${settings.rate} orders a minute, instead of ORDERS_PER_MINUTE=${configured}${still}`;
}

function followers(workers: number): string {
  if (workers === 0) return 'no worker lives now: the next one to start follows';
  return workers === 1 ? 'the worker follows within a tick' : `${workers} workers follow within a tick`;
}

async function showStatus(
  context: CommandContext,
  options: { readonly watch?: boolean; readonly json?: boolean },
): Promise<void> {
  await withShop(context, async (source) => {
    const configuredRate = context.config().traffic.ordersPerMinute;
    const read = () => readStatusReport(source.connections.db, { where: source.where, configuredRate });
    do {
      show(context, await read(), options);
    } while (options.watch === true && (await delay(WATCH_EVERY_MS, context.signal)));
  });
}

function show(
  context: CommandContext,
  report: StatusReport,
  options: { readonly watch?: boolean; readonly json?: boolean },
): void {
  if (options.json === true) {
    context.print(`${JSON.stringify(report)}\n`);
    return;
  }
  const color = context.isTerminal && context.env['NO_COLOR'] === undefined;
  const clear = options.watch === true && context.isTerminal ? CLEAR : '';
  context.print(clear + statusTables(report, { color }));
}
