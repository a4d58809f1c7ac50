import { identifier, literal } from '../lib/sql-text.ts';

/**
 * What a session must be like for our statements to mean what they say. A role, a database or the server may have it
 * otherwise (`ALTER ROLE … SET`); so it is asked for with every connection.
 */
const WANTED: Readonly<Record<string, string>> = {
  search_path: 'public',
  // times and numbers are read back from their text
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  // and ours are written as text
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  bytea_output: 'hex',
  // types are compared by the names that the server prints
  quote_all_identifiers: 'off',
  // two statements of one transaction see what others committed in between
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // rows that a policy hides look deleted: an error is better
  row_security: 'off',
};

/** The startup option `options`: backslash before what separates. */
export const SESSION_OPTIONS: string = Object.entries(WANTED)
  .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  .join(' ');

/**
 * Startup options for sessions that never pause inside a transaction. A network that is gone leaves their backends
 * waiting for the next statement, with every lock they took: the server ends them by itself, also where it is this
 * process that was stopped. A backend outside of a transaction goes once its TCP peer does not answer.
 */
export const LEAVES_NOTHING_BEHIND =
  '-c idle_in_transaction_session_timeout=5s -c tcp_keepalives_idle=20 -c tcp_keepalives_interval=5';

/** Whether an error of connecting means that somebody in between (a pooler) takes no startup options. */
export function refusesStartupOptions(message: string): boolean {
  return /startup (parameter|option|packet)/i.test(message);
}

/** `ALTER … SET name = value`, in force for this role in this database. */
export interface SessionDefault {
  readonly name: string;
  readonly value: string;
  readonly scope: 'role in database' | 'role' | 'database' | 'all roles';
}

export interface SessionFacts {
  readonly role: string;
  /** What this session has, by name. */
  readonly values: Readonly<Record<string, string>>;
  /** The narrowest first: it is the one that holds. */
  readonly defaults: readonly SessionDefault[];
}

/** What of a session is looked at, and which values are fit. */
const FIT: Readonly<Record<string, { readonly fits: (value: string) => boolean; readonly harm: string }>> = {
  DateStyle: { fits: (value) => value.startsWith('ISO'), harm: 'times would be misread' },
  extra_float_digits: { fits: (value) => Number(value) >= 0, harm: 'times would be rounded' },
  standard_conforming_strings: { fits: (value) => value === 'on', harm: 'texts would be misread' },
  array_nulls: { fits: (value) => value === 'on', harm: 'missing values would be misread' },
  default_transaction_isolation: {
    fits: (value) => value === 'read committed',
    harm: 'transitions of orders would meet stale rows',
  },
  session_replication_role: {
    fits: (value) => value !== 'replica',
    harm: 'no trigger fires, and nothing would be noted in the ledger',
  },
};

export const sessionSettings: readonly string[] = [...Object.keys(FIT), 'default_transaction_read_only'];

/** What of the session is unfit in spite of what was asked for, with the statement that mends it; undefined: nothing. */
export function judgeSession(
  facts: SessionFacts,
  database: string,
): { readonly problem: string; readonly fix: string } | undefined {
  for (const [name, { fits, harm }] of Object.entries(FIT)) {
    const value = facts.values[name];
    if (value === undefined || fits(value)) continue;
    return {
      problem: `sessions of ${facts.role} have ${name} = ${value}: ${harm}`,
      fix: `${mend(facts, name, database)}; then start again`,
    };
  }
  return undefined;
}

function mend(facts: SessionFacts, name: string, database: string): string {
  const set = facts.defaults.find((found) => found.name.toLowerCase() === name.toLowerCase());
  if (set !== undefined) return resetStatement(set, { role: facts.role, database });
  const value = name === 'session_replication_role' ? 'origin' : (WANTED[name] ?? 'DEFAULT');
  return `ALTER ROLE ${identifier(facts.role)} IN DATABASE ${identifier(database)} SET ${name} = ${literal(value)}`;
}

/** The statement that takes a session default back. */
export function resetStatement(
  { name, scope }: SessionDefault,
  names: { readonly role: string; readonly database: string },
): string {
  const database = `DATABASE ${identifier(names.database)}`;
  switch (scope) {
    case 'database':
      return `ALTER ${database} RESET ${name}`;
    case 'all roles':
      return `ALTER ROLE ALL RESET ${name}`;
    case 'role':
      return `ALTER ROLE ${identifier(names.role)} RESET ${name}`;
    case 'role in database':
      return `ALTER ROLE ${identifier(names.role)} IN ${database} RESET ${name}`;
  }
}
