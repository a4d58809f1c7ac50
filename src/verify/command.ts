import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import type { Db } from '../db/pool.ts';
import { readCatalog } from '../db/read-catalog.ts';
import { publishedTables } from '../db/schema.ts';
import { writeSetting } from '../db/settings.ts';
import { judgeShape } from '../db/shape.ts';
import { openSource, type Source } from '../db/source.ts';
import { ExitCode, messageOf, OperatorError, UsageError } from '../lib/errors.ts';
import { parseDuration, parseMoment, parseSchema, parseTables, parseWhole } from './arguments.ts';
import { noProgress, progressBar } from './progress.ts';
import { renderReport, shortSummary } from './render.ts';
import type { VerifyReport } from './report.ts';
import { sourceSide } from './source-side.ts';
import type { TargetOptions } from './target.ts';
import { checkTarget, openTarget } from './targets/open.ts';
import { type VerifyOptions, verify } from './verify.ts';

interface Flags {
  readonly target?: string;
  readonly schema?: string;
  readonly hevo?: boolean;
  readonly lag: string;
  readonly wait: string;
  readonly tables?: string;
  readonly events?: boolean;
  readonly eventsSince?: string;
  readonly probes: string;
  readonly bucketRows: string;
  readonly json?: boolean;
}

/** One connection for each of the two scans, one for the probes. */
const SOURCE_CONNECTIONS = 3;

/** `verify`: exit code 0 when everything arrived, 3 on loss, 1 when a side cannot be reached, 2 on wrong usage. */
export function register(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .description('compare a target with the source while traffic runs, and name what did not arrive')
    .option('--target <url>', 'postgres://…, databricks://host/httpPath?catalog=…&schema=…, or duckdb:path')
    .option('--schema <name>', 'schema of the tables at the target (PostgreSQL: public)')
    .option('--hevo', 'the target is loaded by Hevo: rows marked in __hevo__marked_deleted are deleted')
    .option('--lag <duration>', 'how late a change may be without being a loss', '5s')
    .option('--wait <duration>', 'wait so long until the target has caught up', '0s')
    .option('--tables <names>', 'only these tables, with commas between')
    .option('--events', 'compare the numbers of change events, too: for targets that append every event')
    .option('--events-since <time>', 'count events since then (ISO 8601); implies --events')
    .option('--probes <n>', 'changes to send through the heartbeat to measure latency; 0: none', '5')
    .option('--bucket-rows <n>', 'keys in a bucket of the comparison', '2000')
    .option('--json', 'print the report as JSON')
    .action(async (flags: Flags) => run(context, flags));
}

async function run(context: CommandContext, flags: Flags): Promise<void> {
  const target = flags.target;
  if (target === undefined) {
    throw new UsageError(
      'verify needs to know where the changes should have arrived',
      'verify --target postgres://user:password@host:5432/database (or databricks://…, duckdb:…)',
    );
  }
  const parsed = parse(flags);
  const where = whereabouts(context, { ...flags, target });
  await checkTarget(where);
  const source = await openSource(context.config(), context.logger(), {
    poolSize: SOURCE_CONNECTIONS,
    applicationName: 'cdc-sim verify',
  });
  try {
    const report = await compareWithTarget(context, source, where, parsed, flags.json !== true);
    context.print(flags.json === true ? `${JSON.stringify(report)}\n` : renderReport(report));
    context.exit(report.ok ? ExitCode.done : ExitCode.problemFound);
  } finally {
    await source.close();
  }
}

/** Where the target is, from the options that name it. */
export function whereabouts(
  context: CommandContext,
  flags: { readonly target: string; readonly schema?: string; readonly hevo?: boolean },
): TargetOptions {
  return {
    target: flags.target,
    schema: flags.schema === undefined ? undefined : parseSchema('--schema', flags.schema),
    hevo: flags.hevo === true,
    databricks: context.config().databricks,
  };
}

/** Compares the target with an open source (three connections), and keeps the outcome for the status page. */
export async function compareWithTarget(
  context: CommandContext,
  source: Pick<Source, 'connections' | 'where'>,
  where: TargetOptions,
  options: Omit<VerifyOptions, 'signal' | 'progress'>,
  showProgress: boolean,
): Promise<VerifyReport> {
  const { db, pool } = source.connections;
  const there = await openTarget(where);
  const bar = context.isTerminal && showProgress ? progressBar(options.tables.length) : undefined;
  try {
    await warnOfLedger(context, db);
    const report = await verify(sourceSide(pool, source.where), there, {
      ...options,
      signal: context.signal,
      progress: bar?.progress ?? noProgress,
    });
    await remember(db, report);
    return report;
  } catch (error) {
    throw explain(error, context);
  } finally {
    bar?.stop();
    await there.close().catch(() => undefined);
  }
}

function parse(flags: Flags): Omit<VerifyOptions, 'signal' | 'progress'> {
  const since = flags.eventsSince === undefined ? null : parseMoment('--events-since', flags.eventsSince);
  return {
    tables: flags.tables === undefined ? publishedTables : parseTables(flags.tables),
    lagMs: parseDuration('--lag', flags.lag),
    waitMs: parseDuration('--wait', flags.wait),
    bucketRows: parseWhole('--bucket-rows', flags.bucketRows, 10, 100_000),
    probes: parseWhole('--probes', flags.probes, 0, 1_000),
    events: flags.events === true || since !== null ? { since } : null,
  };
}

/** What broke in the middle: an interrupt, or a side that went away. */
function explain(error: unknown, context: CommandContext): unknown {
  if (context.signal.aborted) {
    return new OperatorError('interrupted before the comparison was complete', {
      fix: 'run verify again; --tables a,b compares less',
    });
  }
  if (error instanceof OperatorError) return error;
  return new OperatorError(`the comparison broke off: ${messageOf(error)}`, {
    fix: 'see that source and target are up and that the target’s user may read the tables (GRANT SELECT), then run verify again',
    cause: error,
  });
}

/** Without its triggers a table's changes are in no ledger: then events and deletes cannot be judged. */
async function warnOfLedger(context: CommandContext, db: Db): Promise<void> {
  const { tables } = await readCatalog(db);
  for (const { topic, what, sql } of tables.length === 0 ? [] : judgeShape(tables)) {
    if (topic === 'trigger') context.printError(`note: ${what}; to mend it: ${sql.join('; ')};\n`);
  }
}

/** For the status page; a source that takes no writes simply has no memory of it. */
async function remember(db: Parameters<typeof writeSetting>[0], report: VerifyReport): Promise<void> {
  await writeSetting(db, 'last_verify', {
    atMs: Date.now(),
    target: report.target,
    ok: report.ok,
    summary: shortSummary(report),
    counts: report.counts,
    inFlight: report.inFlight,
    tornOrders: report.tornOrders.length,
    latency: report.latency,
  }).catch(() => undefined);
}
