import { messageOf } from '../lib/errors.ts';

/**
 * What a database error means for the caller:
 * `retry`: the transaction lost a race (deadlock, serialization, a pooler's statements), the same work may be tried again at once;
 * `lost`: the connection or the server is gone, for now;
 * `refused`: the server answers but takes no writes (read-only, disk full, password): operator's business;
 * `bug`: anything else, also what one table alone refuses (a privilege, a constraint).
 */
export type ErrorClass = 'retry' | 'lost' | 'refused' | 'bug';

/** The last two: a pooler lost, or had already, a statement that was prepared; see `clientClass` in pool.ts. */
const RETRY = new Set(['40001', '40P01', '55P03', '26000', '42P05']);
/**
 * Class 08 (connection), 57P0x (shutdown, crash, cannot connect now), 25P03 (this process paused inside a transaction
 * for too long), 53300 (too many connections), 58 (I/O).
 */
const LOST = /^(08...|57P0[1-5]|25P03|53300|58...|XX000)$/;
const REFUSED = /^(25006|53100|53200|28000|28P01|3D000)$/;
const LOST_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ENOENT',
]);
const LOST_MESSAGES =
  /connection (terminated|error|closed|timeout)|terminated unexpectedly|timeout (expired|exceeded) when trying to connect|timeout expired|client has encountered a connection error|client was closed|server closed the connection|read timeout|not queryable|socket (closed|disconnected)|pool.*ended|not currently accepting connections/i;

/** The SQLSTATE or system code of an error, '' when it has none. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  if (error instanceof AggregateError) return error.errors.map(codeOf).find((code) => code !== '') ?? '';
  return '';
}

export function classify(error: unknown): ErrorClass {
  const code = codeOf(error);
  if (RETRY.has(code)) return 'retry';
  if (REFUSED.test(code)) return 'refused';
  if (LOST.test(code) || LOST_CODES.has(code)) return 'lost';
  if (LOST_MESSAGES.test(messageOf(error))) return 'lost';
  return 'bug';
}
