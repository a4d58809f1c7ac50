/** Exit codes of every command. */
export const ExitCode = { done: 0, failed: 1, usage: 2, problemFound: 3 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * An error that the operator can act on: `message` names what is wrong and the value, `fix` says what to do (a
 * command, an SQL statement, a setting). Printed without a stack.
 */
export class OperatorError extends Error {
  readonly fix: string;
  readonly exitCode: ExitCode;

  constructor(message: string, options: { fix: string; exitCode?: ExitCode; cause?: unknown }) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'OperatorError';
    this.fix = options.fix;
    this.exitCode = options.exitCode ?? ExitCode.failed;
  }
}

/** Wrong usage or configuration: exit code 2. */
export class UsageError extends OperatorError {
  constructor(message: string, fix: string) {
    super(message, { fix, exitCode: ExitCode.usage });
    this.name = 'UsageError';
  }
}

/** The message of whatever was thrown, in one line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(messageOf).join('; ');
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, ' ').trim() || (error instanceof Error ? error.name : 'unknown error');
}

/** Throws when a condition that the code itself guarantees does not hold. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
