import { runApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { DatabaseSettings } from '../../src/config/database.ts';
import { createLogger } from '../../src/lib/logger.ts';

/** A line of the log, as far as tests look at it. */
export interface LoggedLine {
  readonly level: string;
  readonly msg: string;
  readonly event?: string;
  readonly fix?: string;
  readonly placed?: number;
}

export interface DaemonRun {
  readonly lines: readonly LoggedLine[];
  /** Errors and warnings so far. */
  complaints(): readonly LoggedLine[];
  /** Lines of `event` so far. */
  events(event: string): readonly LoggedLine[];
  /** Ends it; rejects with the error that ended it before. */
  stop(): Promise<void>;
}

/** The daemon in this process, on a database of a test, with a quick small shop. */
export function runDaemon(
  settings: DatabaseSettings,
  env: Readonly<Record<string, string>> = {},
): DaemonRun & { readonly ended: Promise<void> } {
  const { config } = loadConfig({
    HTTP_PORT: '0',
    RANDOM_SEED: 'edges',
    SEED_CUSTOMERS: '30',
    SEED_PRODUCTS: '40',
    HISTORY_ORDERS: '60',
    HISTORY_DAYS: '20',
    ORDERS_PER_MINUTE: '600',
    LIFECYCLE_SPEED: '100000',
    CRON_SCHEDULE: '* * * * * *',
    LOG_ORDERS: 'always',
    ...env,
  });
  const lines: LoggedLine[] = [];
  const logger = createLogger({
    level: 'info',
    format: 'json',
    destination: { write: (text: string) => void lines.push(JSON.parse(text) as LoggedLine) },
  });
  const abort = new AbortController();
  const ended = runApp({ config: { ...config, database: settings }, logger, signal: abort.signal });
  ended.catch(() => undefined);
  return {
    lines,
    complaints: () => lines.filter(({ level }) => level === 'error' || level === 'warn'),
    events: (event) => lines.filter((line) => line.event === event),
    ended,
    stop: async () => {
      abort.abort('test');
      await ended;
    },
  };
}
