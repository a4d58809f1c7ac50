import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import pretty from 'pino-pretty';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: string;
  /** `auto`: pretty on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'pretty' | 'json';
  readonly destination?: DestinationStream;
}

/** Paths that never reach the log, at any level. */
const REDACTED = [
  'password',
  'token',
  'secret',
  'connectionString',
  'authorization',
  '*.password',
  '*.token',
  '*.secret',
  '*.connectionString',
  '*.authorization',
  'headers.cookie',
  // where PostgreSQL quotes the row that it refused: a customer's name, CPF and e-mail address
  'err.detail',
  'err.where',
];

/** The process's logger: events carry the key `event`, identity comes from child loggers. */
export function createLogger(options: LoggerOptions): Logger {
  const usePretty =
    options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY === true);
  const settings = {
    level: options.level,
    base: null,
    redact: { paths: REDACTED, censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (options.destination) return pino(settings, options.destination);
  if (!usePretty) return pino(settings);
  const stream = pretty({
    colorize: process.stdout.isTTY === true,
    translateTime: 'SYS:HH:MM:ss.l',
    // the sentence says it all; the fields are for machines, and for who looks for a fault
    hideObject: !['debug', 'trace'].includes(options.level),
    ignore: 'event',
    messageFormat: '{msg}',
    singleLine: ['debug', 'trace'].includes(options.level),
    sync: true,
  });
  return pino(settings, stream);
}

/** A logger that says nothing: for tests and one-shot commands. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
