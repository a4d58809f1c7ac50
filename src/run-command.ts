import type { Command } from 'commander';
import { runApp } from './app.ts';
import { createSeedProgress } from './catalog/progress.ts';
import type { CommandContext } from './command-context.ts';
import { nearest } from './lib/edit-distance.ts';
import { UsageError } from './lib/errors.ts';
import { shown } from './lib/shown.ts';

/** `cdc-sim run`, the default: migrate, seed once, run until a signal. */
export function register(program: Command, context: CommandContext): void {
  program
    .command('run', { isDefault: true })
    .description('bring the database up to date, open the shop once, and run traffic until Ctrl-C')
    // it is the default: the name of no command ends up here as an argument
    .allowExcessArguments()
    .action(async (_options: unknown, command: Command) => {
      refuseArguments(program, command.args);
      const config = context.config();
      const progress = context.isTerminal ? createSeedProgress() : undefined;
      await runApp({
        config,
        logger: context.daemonLogger(),
        signal: context.signal,
        ...(progress === undefined ? {} : { seedProgress: progress }),
      });
    });
}

/** Throws a UsageError for what was meant as a command and is none. */
function refuseArguments(program: Command, [name]: readonly string[]): void {
  if (name === undefined) return;
  const names = program.commands.map((command) => command.name());
  const meant = nearest(name, names, 2);
  const guess = meant === undefined ? '' : `did you mean ${meant}? `;
  throw new UsageError(
    `there is no command ${shown(name, 40)}`,
    `${guess}The commands are ${names.join(', ')}; npm run sim -- --help explains them`,
  );
}
