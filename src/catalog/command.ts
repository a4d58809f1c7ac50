import type { Command } from 'commander';
import { LAKEHOUSE_SLOT, PUBLICATION, READER_ROLE } from '../cdc/names.ts';
import type { CommandContext } from '../command-context.ts';
import { migrate } from '../db/migrate.ts';
import { openSource, type Source } from '../db/source.ts';
import { OperatorError, UsageError } from '../lib/errors.ts';
import { checkLookups } from './check-lookups.ts';
import { createSeedProgress } from './progress.ts';
import {
  type ResetResult,
  refuseForeignDatabase,
  refuseLivingWorkers,
  resetDatabase,
  sizeOfShop,
} from './reset.ts';
import { seedShop } from './seed.ts';
import { seedOptionsOf } from './seed-options.ts';

interface ResetFlags {
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** `migrate`, `seed` and `reset`: the database from nothing to a shop, and back. */
export function register(program: Command, context: CommandContext): void {
  program
    .command('migrate')
    .description('bring the database up to this version: tables, triggers, the private schema')
    .option('--json', 'print what was done as JSON')
    .action((options: { json?: boolean }) => runMigrate(context, options.json === true));
  program
    .command('seed')
    .description('migrate, and open the shop once: products, customers, past orders')
    .option('--json', 'print what was done as JSON')
    .action((options: { json?: boolean }) => runSeed(context, options.json === true));
  program
    .command('reset')
    .description('drop the shop and everything else that cdc-sim made in this database; asks first')
    .option('--yes', 'do not ask')
    .option('--force', 'even while workers write into it')
    .option('--json', 'print what was done as JSON')
    .action((flags: ResetFlags) => runReset(context, flags));
}

async function withSource<T>(context: CommandContext, work: (source: Source) => Promise<T>): Promise<T> {
  const source = await openSource(context.config(), context.logger(), {
    poolSize: 2,
    applicationName: 'cdc-sim set-up',
    // dropping and building may rightly take long
    queryTimeoutMs: 0,
    signal: context.signal,
  });
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

function runMigrate(context: CommandContext, json: boolean): Promise<void> {
  return withSource(context, async ({ connections: { db }, where }) => {
    const logger = context.logger();
    const migrations = await migrate(db, logger);
    await checkLookups(db, logger);
    if (json) context.print(`${JSON.stringify({ database: where, migrations })}\n`);
    else if (migrations.length === 0) context.print(`${where} is up to date: nothing to do\n`);
    else context.print(`${where} migrated: ${migrations.join(', ')}\n`);
  });
}

function runSeed(context: CommandContext, json: boolean): Promise<void> {
  return withSource(context, async ({ connections: { db }, settings, where }) => {
    const logger = context.logger();
    const migrations = await migrate(db, logger);
    const options = seedOptionsOf(context.config());
    const bar = context.isTerminal && !json ? createSeedProgress() : undefined;
    const { shop, created } = await seedShop(settings, options, logger, (what, done, total) => {
      if (context.signal.aborted) throw interrupted();
      bar?.(what, done, total);
    });
    if (json) {
      context.print(`${JSON.stringify({ database: where, migrations, created, shop })}\n`);
    } else if (created) {
      const { customers, products, historyOrders } = options;
      context.print(
        `shop opened in ${where}: ${products} products, ${customers} customers, ${historyOrders} past orders (RANDOM_SEED=${shop.seed}); next: npm start\n`,
      );
    } else {
      context.print(
        `${where} has its shop already, opened ${shop.createdAt} with RANDOM_SEED=${shop.seed}: nothing was changed; another one: npm run sim -- reset, then npm run sim -- seed\n`,
      );
    }
  });
}

function interrupted(): OperatorError {
  return new OperatorError('interrupted: all of the shop was rolled back', {
    fix: 'run it again; smaller values of HISTORY_ORDERS and SEED_CUSTOMERS take less time',
  });
}

function runReset(context: CommandContext, flags: ResetFlags): Promise<void> {
  return withSource(context, async ({ connections: { db }, settings, where }) => {
    await refuseForeignDatabase(db, where);
    if (flags.force !== true) await refuseLivingWorkers(db);
    if (flags.yes !== true) await confirm(context, settings.database, where, await sizeOfShop(db));
    const result = await resetDatabase(
      db,
      { publication: PUBLICATION, slot: LAKEHOUSE_SLOT, readerRole: READER_ROLE },
      { force: flags.force === true },
    );
    context.print(
      flags.json === true
        ? `${JSON.stringify({ database: where, dropped: { tables: result.tables, schema: 'simulator', publication: result.publication, slot: result.slot }, stays: result.stays })}\n`
        : describe(result, where),
    );
  });
}

/** Asks for the database's name: a `y` is typed too easily. Throws unless it is given. */
async function confirm(context: CommandContext, name: string, where: string, bytes: number): Promise<void> {
  const answer = await context.ask(
    `This drops the shop in ${where} (${(bytes / 1_048_576).toFixed(1)} MB), for good. Type ${name} to go on: `,
  );
  if (answer === null) {
    throw new UsageError(
      'reset asks before it drops anything, and there is no terminal to ask on',
      `run it in a terminal, or, when ${where} is the right database: npm run sim -- reset --yes`,
    );
  }
  if (answer.trim() !== name) {
    throw new OperatorError('not confirmed; nothing was changed', {
      fix: `to reset it all the same, type ${name} when asked`,
    });
  }
}

function describe(result: ResetResult, where: string): string {
  const also = [
    ...(result.publication ? [`the publication ${PUBLICATION}`] : []),
    ...(result.slot ? [`the slot ${LAKEHOUSE_SLOT}`] : []),
  ];
  const lines = [
    `${where} is reset: ${result.tables} tables and the schema simulator are dropped${also.map((what) => `, and ${what}`).join('')}`,
    ...result.stays.map((what) => `  stays: ${what}`),
    'a new shop: npm start',
  ];
  return `${lines.join('\n')}\n`;
}
