import { Command, CommanderError } from 'commander';
import { register as registerCatalog } from './catalog/command.ts';
import { register as registerCdc } from './cdc/command.ts';
import type { CommandContext } from './command-context.ts';
import { describeOptions } from './config/describe.ts';
import { adviceFor } from './db/advice.ts';
import { register as registerLakehouse } from './lakehouse/command.ts';
import { ExitCode, messageOf, OperatorError } from './lib/errors.ts';
import { visible } from './lib/shown.ts';
import { register as registerRun } from './run-command.ts';
import { register as registerScenario } from './scenarios/command.ts';
import { register as registerControl } from './traffic/command.ts';
import { register as registerVerify } from './verify/command.ts';

type Register = (program: Command, context: CommandContext) => void;

/** Every command, each from the folder of its feature. */
const commands: readonly Register[] = [
  registerRun,
  registerCatalog,
  registerCdc,
  registerControl,
  registerVerify,
  registerScenario,
  registerLakehouse,
];

/** Builds the program; nothing runs before `runCli`. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command('cdc-sim')
    .description(
      'A living PostgreSQL source for CDC pipelines: a Brazilian sneaker shop that never stops ordering.',
    )
    .showHelpAfterError('(npm run sim -- --help lists the commands)')
    .configureOutput({ writeOut: context.print, writeErr: (text) => context.printError(visible(text)) })
    .exitOverride()
    .addHelpText('after', () => `\n${describeOptions()}`);
  for (const register of commands) register(program, context);
  return program;
}

/** Parses `argv` (without node and script) and runs the command; returns the exit code of what went wrong, else 0. */
export async function runCli(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  try {
    await buildProgram(context).parseAsync([...argv], { from: 'user' });
    return ExitCode.done;
  } catch (error) {
    return reportError(error, context);
  }
}

/** Prints an error as an operator wants to read it: what is wrong, then the fix. A stack only for what is a bug. */
export function reportError(error: unknown, context: Pick<CommandContext, 'printError'>): ExitCode {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  }
  if (error instanceof OperatorError) {
    context.printError(`error: ${error.message}\n  fix: ${error.fix}\n`);
    return error.exitCode;
  }
  const advice = adviceFor(error);
  if (advice !== undefined) {
    context.printError(`error: ${messageOf(error)}\n  fix: ${advice}\n`);
    return ExitCode.failed;
  }
  const stack = error instanceof Error && error.stack ? `${error.stack}\n` : '';
  context.printError(`error: ${messageOf(error)}\n${stack}`);
  return ExitCode.failed;
}
