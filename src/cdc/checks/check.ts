import type { Fact } from '../facts.ts';

export type CheckStatus = 'pass' | 'warn' | 'fail' | 'note';

/** One judgement of `doctor`. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly status: CheckStatus;
  readonly detail: string;
  /** What to do, in a sentence. */
  readonly fix?: string;
  /** What to run in the source database, statement by statement. */
  readonly sql?: readonly string[];
}

export interface CheckOptions {
  readonly publication: string;
  readonly readerRole: string;
  /** MAX_SLOT_LAG; 0: none. */
  readonly maxSlotLagBytes: number;
  /** MAX_DATABASE_SIZE; 0: none. */
  readonly maxDatabaseBytes: number;
  /** A transaction older than this is told. */
  readonly longTransactionSeconds: number;
}

export type Verdict = Omit<Check, 'id' | 'title'>;

export function pass(detail: string): Verdict {
  return { status: 'pass', detail };
}

export function problem(
  status: 'warn' | 'fail' | 'note',
  detail: string,
  fix: string,
  sql: readonly string[] = [],
): Verdict {
  return { status, detail, fix, ...(sql.length === 0 ? {} : { sql }) };
}

export function note(detail: string): Verdict {
  return { status: 'note', detail };
}

/** Judges what is known; what could not be read is a note that says why. */
export function check<T>(id: string, title: string, fact: Fact<T>, judge: (value: T) => Verdict): Check {
  return { id, title, ...(fact.known ? judge(fact.value) : note(`not known: ${fact.reason}`)) };
}

/** `a, b and 3 more`. */
export function list(names: readonly string[], max = 8): string {
  if (names.length <= max) return names.join(', ');
  return `${names.slice(0, max).join(', ')} and ${names.length - max} more`;
}

/** `1 slot`, `2 slots`. */
export function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
