import type { Command } from 'commander';
import { runApp } from './app.ts';
import { createSeedProgress } from './catalog/progress.ts';
import type { CommandContext } from './command-context.ts';

/** `cdc-sim run`, the default: migrate, seed once, run until a signal. */
export function register(program: Command, context: CommandContext): void {
  program
    .command('run', { isDefault: true })
    .description('bring the database up to date, open the shop once, and run traffic until Ctrl-C')
    .action(async () => {
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
