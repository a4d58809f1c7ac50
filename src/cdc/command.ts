import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import type { DatabaseSettings } from '../config/database.ts';
import { readerPassword } from '../config/options.ts';
import { isSqlName } from '../config/parsers.ts';
import type { Connections } from '../db/pool.ts';
import { openConnections, openSource } from '../db/source.ts';
import { ExitCode, OperatorError, UsageError } from '../lib/errors.ts';
import { shown } from '../lib/shown.ts';
import { type AppliedStep, applySetup, withoutPassword } from './apply-setup.ts';
import { renderReport, runDoctor } from './doctor.ts';
import { readerEndpoint } from './endpoint.ts';
import type { Facts } from './facts.ts';
import { PUBLICATION, READER_ROLE } from './names.ts';
import { generatePassword, scramVerifier } from './password.ts';
import { readFacts } from './read-facts.ts';
import { planSetup, renderScript, type SetupPlan } from './setup.ts';

/** `doctor` and `setup-cdc`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('check that the source is fit for a CDC reader; exit code 3 when something fails')
    .option('--json', 'print the report as JSON')
    .option('--reader-role <name>', 'the role with which the reader signs in', roleName, READER_ROLE)
    .action((options: { json?: boolean; readerRole: string }) => doctor(context, options));
  program
    .command('setup-cdc')
    .description(
      'prepare the source for a CDC reader: publication, role, privileges; a second time changes nothing',
    )
    .option('--print', 'print the SQL and change nothing')
    .option('--json', 'print what was done as JSON')
    .option('--reader-role <name>', 'the role to make for the reader', roleName, READER_ROLE)
    .option(
      '--reader-password <password>',
      'its password; better in CDC_READER_PASSWORD, which no process list shows',
    )
    .option(
      '--full-identity <table...>',
      'tables that send whole rows in every update and delete (more WAL)',
      (value: string, before: string[] | undefined) => [...(before ?? []), value],
    )
    .action((options: SetupCommandOptions) => setup(context, options));
}

function roleName(text: string): string {
  if (isSqlName(text) && text.trim() === text && !text.startsWith('pg_')) return text;
  throw new UsageError(
    `--reader-role ${shown(text)} is not the name of a role: 1 to 63 bytes without control characters, not starting with pg_`,
    `--reader-role ${READER_ROLE}, or leave it out`,
  );
}

interface Opened {
  readonly connections: Connections;
  readonly settings: DatabaseSettings;
  close(): Promise<void>;
}

/**
 * Opens the source without judging it: a standby or an old server is for doctor to tell. The embedded one, when no
 * database is configured.
 */
async function open(context: CommandContext): Promise<Opened> {
  const config = context.config();
  if (config.database === null) {
    return openSource(config, context.logger(), { poolSize: 2, applicationName: 'cdc-sim doctor' });
  }
  const { connections, settings } = await openConnections(
    config.database,
    { poolSize: 2, logger: context.logger(), applicationName: 'cdc-sim doctor' },
    ({ pool }) => pool.query('SELECT 1'),
  );
  return { connections, settings, close: () => connections.close() };
}

async function doctor(
  context: CommandContext,
  options: { readonly json?: boolean; readonly readerRole: string },
): Promise<void> {
  const { limits } = context.config();
  const source = await open(context);
  try {
    const report = await runDoctor(source.connections, source.settings, {
      maxSlotLagBytes: limits.maxSlotLagBytes,
      maxDatabaseBytes: limits.maxDatabaseBytes,
      readerRole: options.readerRole,
    });
    context.print(options.json ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report));
    if (report.counts.fail > 0) context.exit(ExitCode.problemFound);
  } finally {
    await source.close();
  }
}

interface SetupCommandOptions {
  readonly print?: boolean;
  readonly json?: boolean;
  readonly readerRole: string;
  readonly readerPassword?: string;
  readonly fullIdentity?: readonly string[];
}

async function setup(context: CommandContext, options: SetupCommandOptions): Promise<void> {
  if (options.readerPassword !== undefined) refuseBadPassword(options.readerPassword);
  const config = context.config();
  const given = options.readerPassword ?? config.readerPassword;
  const password = given ?? generatePassword();
  const source = await open(context);
  try {
    const facts = await readFacts(source.connections, source.settings, {
      publication: PUBLICATION,
      readerRole: options.readerRole,
      walWindowMs: 0,
    });
    refuseUnprepared(facts);
    const plan = planSetup(facts, {
      publication: PUBLICATION,
      readerRole: options.readerRole,
      passwordVerifier: scramVerifier(password),
      changePassword: options.readerPassword !== undefined,
      fullIdentity: options.fullIdentity ?? [],
    });
    const applied = options.print ? [] : await applySetup(source.connections.pool, plan.steps);
    const made = plan.steps.some(({ sql }) => sql.startsWith('CREATE ROLE')) && given === undefined;
    const secret =
      made && !applied.some(({ sql, outcome }) => sql.startsWith('CREATE ROLE') && outcome === 'denied')
        ? password
        : null;
    report(context, { options, plan, applied, secret, settings: source.settings });
    if (applied.some((step) => step.outcome === 'denied')) context.exit(ExitCode.failed);
  } finally {
    await source.close();
  }
}

function refuseBadPassword(text: string): void {
  const result = readerPassword.safeParse(text);
  if (result.success && result.data === text) return;
  throw new UsageError(
    `--reader-password is not ${readerPassword.safeParse('').error?.issues[0]?.message}`,
    'set CDC_READER_PASSWORD instead, or leave both out: one is made then, and printed once',
  );
}

function refuseUnprepared(facts: Facts): void {
  if (facts.tables.known && facts.tables.value.length === 0) {
    throw new OperatorError('the shop has no tables in this database yet', {
      fix: 'run: npm run sim -- migrate (or npm start once), then setup-cdc again',
    });
  }
  if (facts.server.known && facts.server.value.inRecovery) {
    throw new OperatorError('this server is a standby: nothing can be set up here', {
      fix: 'point DB_HOST at the primary',
    });
  }
}

interface SetupOutcome {
  readonly options: SetupCommandOptions;
  readonly plan: SetupPlan;
  readonly applied: readonly AppliedStep[];
  /** The password that was made; null: none was. */
  readonly secret: string | null;
  readonly settings: DatabaseSettings;
}

function report(context: CommandContext, outcome: SetupOutcome): void {
  const { options, plan, applied, secret, settings } = outcome;
  if (options.json) {
    const steps = (options.print ? plan.steps : applied).map((step) => ({ ...step }));
    const endpoint = readerEndpoint(settings);
    const reader = {
      host: endpoint.host,
      port: endpoint.port,
      database: settings.database,
      role: options.readerRole,
      publication: PUBLICATION,
      ...(secret === null ? {} : { password: secret }),
    };
    context.print(
      `${JSON.stringify({ executed: !options.print, steps, notes: plan.notes, reader }, null, 2)}\n`,
    );
    return;
  }
  if (options.print) {
    context.print(renderScript(plan));
    // beside the script, not in it: stdout may go to a file or to psql
    for (const note of plan.notes) context.printError(`note: ${note}\n`);
    if (secret !== null) context.printError(passwordLine(options.readerRole, secret));
    return;
  }
  context.print(applied.length === 0 ? 'nothing to do\n' : renderApplied(applied));
  for (const note of plan.notes) context.print(`· ${note}\n`);
  if (secret !== null) context.print(passwordLine(options.readerRole, secret));
  context.print('Next: npm run sim -- doctor\n');
}

function passwordLine(role: string, password: string): string {
  return `password of ${role}: ${password}   (shown this once; only its verifier is in the database)\n`;
}

function renderApplied(applied: readonly AppliedStep[]): string {
  return applied
    .map(({ sql, reason, outcome, why, ifDenied }) =>
      outcome === 'done'
        ? `✓ ${withoutPassword(sql)}\n    ${reason}\n`
        : `✗ ${withoutPassword(sql)}\n    denied: ${why}\n    fix: ${ifDenied}\n`,
    )
    .join('');
}
