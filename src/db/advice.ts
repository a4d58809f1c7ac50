import { messageOf } from '../lib/errors.ts';
import { identifier } from '../lib/sql-text.ts';
import { codeOf } from './sqlstate.ts';

/** What PostgreSQL says of an error beside its message; all but the code may be missing. */
interface ServerError {
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  /** Where in which function; it may quote rows, so only the function's name is taken from it. */
  readonly where?: string | undefined;
}

const ASK_MIGRATE = 'npm run sim -- migrate says what is different, and the statements that mend it';

type Advise = (error: ServerError, message: string) => string;

const tableOf = ({ schema, table }: ServerError) =>
  `${identifier(schema ?? 'public')}.${identifier(table ?? '…')}`.replace(/^"public"/, 'public');

function dropConstraint(error: ServerError): string {
  return `ALTER TABLE ${tableOf(error)} DROP CONSTRAINT ${identifier(error.constraint ?? '…')}`;
}

/** By SQLSTATE: what somebody has done to the tables, and what to do. */
const BY_CODE: Readonly<Record<string, Advise>> = {
  '23502': (error) =>
    `${tableOf(error)} wants a value that the simulator does not know: ALTER TABLE ${tableOf(error)} ALTER COLUMN ${identifier(error.column ?? '…')} DROP NOT NULL (or SET DEFAULT)`,
  '23503': (error) =>
    `a row that this one belongs to is gone: restore it (${ASK_MIGRATE}), or ${dropConstraint(error)}`,
  '23505': (error) =>
    /_pkey$/.test(error.constraint ?? '')
      ? `its sequence was set back, or rows were inserted with ids of their own: ${ASK_MIGRATE}`
      : `a unique key of somebody's is in the way: ${dropConstraint(error)}`,
  '23514': (error) => `a CHECK is in the way; when it is not the simulator's: ${dropConstraint(error)}`,
  '23P01': (error) => `an exclusion constraint is in the way: ${dropConstraint(error)}`,
  '42501': (_error, message) =>
    /row-level security/.test(message)
      ? 'row security refuses it: ALTER TABLE … NO FORCE ROW LEVEL SECURITY, or connect as the owner of the tables'
      : 'connect as the owner of the tables, or ask for the GRANT: npm run sim -- migrate prints it',
  '55000': () => `a table has no replica identity, or is not ready: ${ASK_MIGRATE}`,
  '57014': (_error, message) =>
    /statement timeout/.test(message)
      ? 'the statement_timeout of this role is too short: ALTER ROLE … SET statement_timeout = 0'
      : 'somebody cancelled the statement (pg_cancel_backend)',
  '53400': () => 'raise the limit that the message names (ALTER ROLE … SET)',
  '54001': () =>
    'a trigger calls itself, or max_stack_depth is too small: look at triggers that are not the simulator’s',
};

/** The tables are not what the statements were written for. */
const ALTERED =
  /^(42P01|42703|42704|42804|42846|42883|42P10|3F000|428C9|0A000|22P02|22001|22003|22007|22008)$/;
/** Raised by a function: PL/pgSQL's own, and whatever a person wrote. */
const RAISED = /^(P0|38|39|09|27|2F)/;

/** What to do about an error of the server's that its tables cause; undefined for what has nothing to do with them. */
export function adviceFor(error: unknown): string | undefined {
  const code = codeOf(error);
  // a statement that cannot be parsed is a bug of ours
  if (!/^[0-9A-Z]{5}$/.test(code) || code === '42601' || typeof error !== 'object' || error === null)
    return undefined;
  const details = error as ServerError;
  const raiser = raisingFunction(details.where);
  if (raiser !== undefined && (RAISED.test(code) || BY_CODE[code] === undefined)) {
    return `a trigger that is not the simulator's refuses it (function ${raiser}): ALTER TABLE … DISABLE TRIGGER, or mend the function`;
  }
  const advise = BY_CODE[code];
  if (advise !== undefined) return advise(details, messageOf(error));
  if (ALTERED.test(code)) return `the tables were altered: ${ASK_MIGRATE}`;
  if (/^(08|53|57|58|XX)/.test(code)) return 'see that the server runs and has room, then try again';
  return 'npm run sim -- doctor looks for the cause';
}

function raisingFunction(where: string | undefined): string | undefined {
  const name = /PL\/\w+ function ("(?:[^"]|"")+"|[\w.$]+)/.exec(where ?? '')?.[1];
  return name === undefined || name.startsWith('simulator.') ? undefined : name;
}

/** Whether an error is about the row at hand: the next one may go through. */
export function isAboutRow(error: unknown): boolean {
  return /^(22|23|P0|38|39|09|27)/.test(codeOf(error));
}
