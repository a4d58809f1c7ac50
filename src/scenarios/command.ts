import type { Command } from 'commander';
import { sql } from 'kysely';
import type { CommandContext } from '../command-context.ts';
import type { Db } from '../db/pool.ts';
import { publishedTables } from '../db/schema.ts';
import { readSetting } from '../db/settings.ts';
import { openSource, type Source } from '../db/source.ts';
import { codeOf } from '../db/sqlstate.ts';
import { nearest } from '../lib/edit-distance.ts';
import { ExitCode, OperatorError, UsageError } from '../lib/errors.ts';
import { createRandom } from '../lib/random.ts';
import { shown } from '../lib/shown.ts';
import { parseDuration, parseWhole } from '../verify/arguments.ts';
import { compareWithTarget, whereabouts } from '../verify/command.ts';
import { renderReport } from '../verify/render.ts';
import type { VerifyReport } from '../verify/report.ts';
import type { TargetOptions } from '../verify/target.ts';
import { checkTarget } from '../verify/targets/open.ts';
import { cleanUp } from './clean.ts';
import { refuseWhereTrafficPauses } from './guard.ts';
import { scenarios } from './list.ts';
import { type Performance, renderList, renderPerformance } from './render.ts';
import type { Scenario } from './scenario.ts';

interface Flags {
  readonly rows?: string;
  readonly hold: string;
  readonly target?: string;
  readonly schema?: string;
  readonly hevo?: boolean;
  readonly lag: string;
  readonly wait: string;
  readonly json?: boolean;
}

/** One for a transaction that is held open, one beside it, one more for the comparison. */
const CONNECTIONS = 3;
const CLEAN = 'clean';
const LONGEST_HOLD_MS = 3_600_000;

/** `scenario`: adversities by name. Exit code 0 when played (and arrived), 3 when the target shows something else. */
export function register(program: Command, context: CommandContext): void {
  program
    .command('scenario')
    .description('play adversities that readers stumble over, and say what a correct target must show')
    .argument('[names...]', 'some of them, all, or clean (takes back what they left); none: the list')
    .option('--rows <n>', 'how many rows each of them takes, instead of its own number')
    .option('--hold <duration>', 'for how long late-commit keeps its transaction open', '20s')
    .option('--target <url>', 'compare this target afterwards, as verify does')
    .option('--schema <name>', 'schema of the tables at the target (PostgreSQL: public)')
    .option('--hevo', 'the target is loaded by Hevo: rows marked in __hevo__marked_deleted are deleted')
    .option('--lag <duration>', 'how late a change may be without being a loss', '5s')
    .option('--wait <duration>', 'wait so long until the target has caught up', '2m')
    .option('--json', 'print it as JSON')
    .action((names: string[], flags: Flags) => run(context, names, flags));
}

async function run(context: CommandContext, names: readonly string[], flags: Flags): Promise<void> {
  if (names.length === 0) {
    const list = scenarios.map(({ name, does, shows, trap, size }) => ({ name, does, shows, trap, size }));
    context.print(flags.json === true ? `${JSON.stringify(list)}\n` : renderList(scenarios));
    return;
  }
  if (names.includes(CLEAN)) return clean(context, names, flags);
  const wanted = pick(names);
  const sizes = sizesOf(wanted, flags.rows);
  const options = {
    lagMs: parseDuration('--lag', flags.lag),
    waitMs: parseDuration('--wait', flags.wait),
    bucketRows: 2_000,
    probes: 0,
    events: null,
  };
  const holdMs = parseHold(flags.hold);
  const where = await targetOf(context, flags);
  await withShop(context, async (source) => {
    const played: Performance[] = [];
    for (const scenario of wanted) {
      const done = await play(context, source.connections.db, scenario, {
        rows: sizes.get(scenario) ?? 1,
        holdMs,
      });
      played.push(done);
      if (flags.json !== true) context.print(`${renderPerformance(done)}\n`);
    }
    const touched = new Set(played.flatMap(({ changes }) => changes.map(({ table }) => table)));
    const tables = publishedTables.filter((table) => touched.has(table));
    const report =
      where === undefined
        ? null
        : await compareWithTarget(context, source, where, { ...options, tables }, flags.json !== true);
    tell(context, played, report, flags.json === true);
  });
}

function tell(
  context: CommandContext,
  played: readonly Performance[],
  report: VerifyReport | null,
  json: boolean,
): void {
  if (json) context.print(`${JSON.stringify({ scenarios: played, verification: report })}\n`);
  else if (report !== null) context.print(renderReport(report));
  else context.print('now compare: npm run sim -- verify --target … --wait 10m\n');
  if (report?.ok === false) context.exit(ExitCode.problemFound);
}

async function play(
  context: CommandContext,
  db: Db,
  scenario: Scenario,
  { rows, holdMs }: { readonly rows: number; readonly holdMs: number },
): Promise<Performance> {
  const { limits, traffic } = context.config();
  if (context.signal.aborted) {
    throw new OperatorError(`interrupted before ${scenario.name}`, { fix: 'play the rest by name' });
  }
  await refuseWhereTrafficPauses(db, limits);
  const { rows: now } = await sql<{ ms: number }>`
    SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms`.execute(db);
  const nowMs = now[0]?.ms ?? Date.now();
  const startedMs = performance.now();
  const done = await scenario.play({
    db,
    rows,
    holdMs,
    nowMs,
    // never the same twice: what a scenario makes must be new to the shop
    random: createRandom(`${scenario.name}/${nowMs}`),
    lifecycleSpeed: traffic.lifecycleSpeed,
    paymentMix: traffic.paymentMix,
    signal: context.signal,
  });
  return { name: scenario.name, ...done, tookMs: Math.round(performance.now() - startedMs) };
}

async function clean(context: CommandContext, names: readonly string[], flags: Flags): Promise<void> {
  if (names.length > 1) {
    throw new UsageError(
      'clean goes alone: it takes back what all scenarios have left',
      'npm run sim -- scenario clean',
    );
  }
  await withShop(context, async ({ connections: { db } }) => {
    const { customers, products, columns } = await cleanUp(db);
    if (flags.json === true) context.print(`${JSON.stringify({ customers, products, columns })}\n`);
    else {
      const dropped = columns.length === 0 ? '' : `; clientes lost ${columns.join(', ')}`;
      context.print(`${customers} customers and ${products} products of scenarios deleted${dropped}\n`);
    }
  });
}

async function withShop(context: CommandContext, work: (source: Source) => Promise<void>): Promise<void> {
  const source = await openSource(context.config(), context.logger(), {
    poolSize: CONNECTIONS,
    applicationName: 'cdc-sim scenario',
    // a large transaction may rightly take long
    queryTimeoutMs: 0,
    signal: context.signal,
  });
  try {
    if ((await readSetting(source.connections.db, 'shop').catch(ifNoShop)) === undefined) {
      throw new OperatorError(`there is no shop in ${source.where} yet`, {
        fix: 'start it once: npm start (or npm run sim -- seed)',
      });
    }
    await work(source);
  } finally {
    await source.close();
  }
}

/** Undefined table or schema: there is no shop here yet. */
function ifNoShop(error: unknown): undefined {
  if (codeOf(error) !== '42P01' && codeOf(error) !== '3F000') throw error;
}

async function targetOf(context: CommandContext, flags: Flags): Promise<TargetOptions | undefined> {
  if (flags.target === undefined) {
    const alone = [flags.schema === undefined ? '' : '--schema', flags.hevo === true ? '--hevo' : ''].find(
      (name) => name !== '',
    );
    if (alone === undefined) return undefined;
    throw new UsageError(`${alone} is about a target, and there is none`, 'add --target, or leave it out');
  }
  const where = whereabouts(context, { ...flags, target: flags.target });
  await checkTarget(where);
  return where;
}

function pick(names: readonly string[]): readonly Scenario[] {
  const known = scenarios.map((scenario) => scenario.name);
  const unknown = names.find((name) => name !== 'all' && !known.includes(name));
  if (unknown !== undefined) {
    const meant = nearest(unknown.slice(0, 40), known, 3);
    const guess = meant === undefined ? '' : `did you mean ${meant}? `;
    throw new UsageError(
      `there is no scenario ${shown(unknown, 40)}`,
      `${guess}The scenarios are ${known.join(', ')}, and all; npm run sim -- scenario explains them`,
    );
  }
  return names.includes('all') ? scenarios : scenarios.filter(({ name }) => names.includes(name));
}

/** How many rows each takes: its own number, or what was asked for where it can. */
function sizesOf(wanted: readonly Scenario[], text: string | undefined): ReadonlyMap<Scenario, number> {
  return new Map(
    wanted.map((scenario) => [
      scenario,
      text === undefined
        ? scenario.size.rows
        : parseWhole(
            wanted.length === 1 ? '--rows' : `--rows of ${scenario.name}`,
            text,
            1,
            scenario.size.most,
          ),
    ]),
  );
}

function parseHold(text: string): number {
  const ms = parseDuration('--hold', text, 1_000);
  if (ms <= LONGEST_HOLD_MS) return ms;
  throw new UsageError(
    `--hold ${shown(text)} is longer than an hour: so old a transaction keeps the server from cleaning up`,
    '--hold 20s',
  );
}
