#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { config as loadDotenv } from 'dotenv';
import { pino } from 'pino';
import { reportError, runCli } from './cli.ts';
import type { CommandContext } from './command-context.ts';
import { loadConfig } from './config/config.ts';
import { ExitCode } from './lib/errors.ts';
import { createLogger } from './lib/logger.ts';

// the only file that reads argv and the environment and that ends the process

/** After the first signal the command may take this long to finish what is in flight. */
const STOP_DEADLINE_MS = 10_000;

/**
 * The same signal comes twice where a terminal and npm both send it, or a process group gets it beside its leader: only
 * one after this pause is meant as a second.
 */
const ONE_SIGNAL_MS = 1_000;

const stop = new AbortController();
let exitCode: ExitCode | undefined;
let firstSignalAtMs = 0;
/** The parent that reads our log is gone. */
let isOrphan = false;

function onSignal(signal: NodeJS.Signals): void {
  if (stop.signal.aborted) {
    if (performance.now() - firstSignalAtMs < ONE_SIGNAL_MS) return;
    process.stderr.write(`second ${signal}: stopping at once\n`);
    process.exit(ExitCode.failed);
  }
  firstSignalAtMs = performance.now();
  stop.abort(signal);
  setTimeout(() => {
    process.stderr.write(`not stopped after ${STOP_DEADLINE_MS / 1000} s: giving up what is in flight\n`);
    end(ExitCode.failed);
  }, STOP_DEADLINE_MS).unref();
}

function createContext(env: Readonly<Record<string, string | undefined>>): CommandContext {
  let loaded: ReturnType<typeof loadConfig> | undefined;
  const config = () => {
    loaded ??= loadConfig(env);
    return loaded.config;
  };
  return {
    config,
    logger: () => {
      const { log } = config();
      // a command's answer is on stdout; what it says besides is for who asks
      const level = (env['LOG_LEVEL'] ?? '') === '' ? 'warn' : log.level;
      const logger = createLogger({
        level,
        format: log.format,
        destination: pino.destination({ fd: 2, sync: true }),
      });
      for (const warning of loaded?.warnings ?? []) logger.warn(warning);
      return logger;
    },
    daemonLogger: () => {
      const { log } = config();
      const logger = createLogger({ level: log.level, format: log.format });
      for (const warning of loaded?.warnings ?? []) logger.warn(warning);
      return logger;
    },
    print: (text) => void process.stdout.write(text),
    printError: (text) => void process.stderr.write(text),
    isTerminal: process.stdout.isTTY === true,
    ask: async (question) => {
      if (process.stdin.isTTY !== true) return null;
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      const answer = await terminal.question(question, { signal: stop.signal }).catch(() => null);
      terminal.close();
      return answer;
    },
    signal: stop.signal,
    env,
    exit: (code) => {
      exitCode = code;
    },
  };
}

async function main(): Promise<ExitCode> {
  loadDotenv({ quiet: true });
  const context = createContext({ ...process.env });
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // a parent that holds a channel to us wants us to end with it, also when it is killed and can say nothing
  if (process.connected) {
    process.once('disconnect', () => {
      isOrphan = true;
      onSignal('SIGTERM');
    });
  }
  // a reader that went away (head, a closed terminal) is no reason to die with a stack
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.done);
  });
  const code = await runCli(process.argv.slice(2), context);
  return code === ExitCode.done ? (exitCode ?? code) : code;
}

/** Ends the process. pino writes the rest of its log then, and to a pipe that nobody reads it would try for ever. */
function end(code: ExitCode): never {
  if (isOrphan) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}

main().then(end, (error: unknown) =>
  end(reportError(error, { printError: (text) => void process.stderr.write(text) })),
);
