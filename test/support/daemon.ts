import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A line of the daemon's JSON log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly event?: string;
  readonly [key: string]: unknown;
}

export interface Daemon {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Everything logged so far. */
  readonly lines: readonly LogLine[];
  /** What was printed beside the log. */
  readonly output: () => string;
  /** Waits for a line; looks also at those that are there already, from `from` on. */
  waitFor(
    what: string,
    matches: (line: LogLine) => boolean,
    options?: { from?: number; timeoutMs?: number },
  ): Promise<LogLine>;
  waitForEvent(event: string, options?: { from?: number; timeoutMs?: number }): Promise<LogLine>;
  /** Sends a signal and waits for the end; resolves with the exit code, null when a signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

/** The flags of Node that `npm start` gives. */
export const nodeFlags: readonly string[] = (
  /node (.*) src\/main\.ts/.exec(
    JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).scripts.start,
  )?.[1] ?? ''
).split(' ');

/** Environment of a small, quick shop; the rest of the machine's variables stay out of it. */
export function daemonEnv(overrides: Readonly<Record<string, string>>): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    LOG_FORMAT: 'json',
    HTTP_PORT: '0',
    RANDOM_SEED: 'daemon',
    SEED_CUSTOMERS: '100',
    SEED_PRODUCTS: '100',
    HISTORY_ORDERS: '500',
    HISTORY_DAYS: '60',
    ...overrides,
  };
}

/** Spawns `cdc-sim <args>` as a user does, from the repository's root or `cwd`. */
export function startDaemon(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = ['run'],
  cwd = root,
): Daemon {
  const child = spawn(process.execPath, [...nodeFlags, `${root}/src/main.ts`, ...args], {
    env: daemonEnv(env),
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  let other = '';
  let rest = '';
  const waiting = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const line = parse(part);
      if (line === undefined) other += `${part}\n`;
      else lines.push(line);
    }
    for (const look of waiting) look();
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    other += chunk;
  });
  const exited = once(child, 'exit').then(([code]) => {
    for (const look of waiting) look();
    return code as number | null;
  });
  const waitFor: Daemon['waitFor'] = (what, matches, { from = 0, timeoutMs = 60_000 } = {}) =>
    new Promise((resolve, reject) => {
      let index = from;
      const finish = (act: () => void) => {
        clearTimeout(timer);
        waiting.delete(look);
        act();
      };
      const tail = () =>
        `${lines
          .slice(-8)
          .map((line) => line.msg)
          .join('\n')}\n${other.slice(-2000)}`;
      const look = () => {
        for (; index < lines.length; index++) {
          const line = lines[index] as LogLine;
          if (matches(line)) return finish(() => resolve(line));
        }
        if (child.exitCode !== null || child.signalCode !== null) {
          finish(() =>
            reject(
              new Error(
                `the daemon ended (${child.exitCode ?? child.signalCode}) before ${what}:\n${tail()}`,
              ),
            ),
          );
        }
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`not seen within ${timeoutMs} ms: ${what}\n${tail()}`))),
        timeoutMs,
      );
      waiting.add(look);
      look();
    });
  return {
    process: child,
    pid: child.pid ?? -1,
    lines,
    output: () => other,
    waitFor,
    waitForEvent: (event, options) => waitFor(event, (line) => line.event === event, options),
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exited;
    },
    exited,
  };
}

function parse(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

/** Runs a command to its end. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd = root,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [...nodeFlags, `${root}/src/main.ts`, ...args], {
    env: daemonEnv(env),
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
