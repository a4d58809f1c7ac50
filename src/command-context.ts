import type { Config } from './config/config.ts';
import type { ExitCode } from './lib/errors.ts';
import type { Logger } from './lib/logger.ts';

/** What a command is given: nothing in `src` but `config/` and `main.ts` reads the environment. */
export interface CommandContext {
  /** The validated configuration; throws a UsageError that lists every mistake. */
  config(): Config;
  /** Logs to stderr for one-shot commands, so that stdout carries the answer alone. */
  logger(): Logger;
  /** The daemon's own log, on stdout. */
  daemonLogger(): Logger;
  /** Writes to stdout, as it is. */
  print(text: string): void;
  /** Writes to stderr, as it is. */
  printError(text: string): void;
  /** True when stdout is a terminal. */
  readonly isTerminal: boolean;
  /** Asks a question on the terminal; the answer, or null when there is no terminal. */
  ask(question: string): Promise<string | null>;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Environment of child processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sets the exit code of the process; the command then returns. */
  exit(code: ExitCode): void;
}
