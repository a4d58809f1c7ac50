import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { adviceFor } from './advice.ts';
import { codeOf } from './sqlstate.ts';

const EVERY_MS = 60_000;
const KINDS_KEPT = 100;

/**
 * Tells errors of work that is done again and again: what hinders one order hinders the next thousand too, so each kind
 * is told once, and then now and then, with how often it came. An error of the server's is told with what to do; only
 * others have a stack.
 */
export class Complaints {
  readonly #logger: Logger;
  readonly #monotonicMs: () => number;
  readonly #told = new Map<string, { atMs: number; since: number }>();

  constructor(logger: Logger, monotonicMs: () => number) {
    this.#logger = logger;
    this.#monotonicMs = monotonicMs;
  }

  tell(what: string, error: unknown): void {
    const nowMs = this.#monotonicMs();
    const key = `${what}/${kindOf(error)}`;
    const before = this.#told.get(key);
    if (before !== undefined && nowMs - before.atMs < EVERY_MS) {
      before.since += 1;
      return;
    }
    if (this.#told.size >= KINDS_KEPT) this.#told.clear();
    this.#told.set(key, { atMs: nowMs, since: 0 });
    const reason = messageOf(error);
    const fix = adviceFor(error);
    const failures = (before?.since ?? 0) + 1;
    const often = failures > 1 ? ` (${failures} times since the last such line)` : '';
    this.#logger.error(
      fix === undefined ? { reason, failures, err: error } : { reason, code: codeOf(error), fix, failures },
      `${what}: ${reason}${often}${fix === undefined ? '' : `; ${fix}`}`,
    );
  }
}

/** Numbers and quoted values differ from row to row. */
function kindOf(error: unknown): string {
  const { constraint, column, table } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as Readonly<Record<string, unknown>>;
  const where = [table, column, constraint].filter((name) => typeof name === 'string').join('.');
  const message = messageOf(error).replaceAll(/\d+/g, '#').slice(0, 200);
  return `${codeOf(error)}/${where === '' ? message : where}`;
}
