import type pg from 'pg';
import { codeOf } from '../db/sqlstate.ts';
import { messageOf, OperatorError } from '../lib/errors.ts';
import type { SetupStep } from './setup.ts';

export interface AppliedStep extends SetupStep {
  readonly outcome: 'done' | 'denied';
  /** The server's words, when denied. */
  readonly why?: string;
}

/** Insufficient privilege; on managed servers also "not supported" and "reserved". */
const DENIED = new Set(['42501', '0A000', '42939']);
/** What a denied step would have made is not there for the next. */
const UNDEFINED_OBJECT = '42704';

/**
 * Runs the steps in one transaction, each in a savepoint: what this role may not do is left out and told, the rest
 * stays. Any other error undoes everything.
 */
export async function applySetup(
  pool: pg.Pool,
  steps: readonly SetupStep[],
): Promise<readonly AppliedStep[]> {
  const client = await pool.connect();
  const applied: AppliedStep[] = [];
  try {
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = '10s'`);
    for (const step of steps) {
      const afterDenial = applied.some((earlier) => earlier.outcome === 'denied');
      applied.push(await applyStep(client, step, afterDenial));
    }
    await client.query('COMMIT');
    client.release();
    return applied;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    client.release(error instanceof Error ? error : true);
    throw error;
  }
}

async function applyStep(client: pg.ClientBase, step: SetupStep, afterDenial: boolean): Promise<AppliedStep> {
  await client.query('SAVEPOINT step');
  try {
    await client.query(step.sql);
    await client.query('RELEASE SAVEPOINT step');
    return { ...step, outcome: 'done' };
  } catch (error) {
    if (DENIED.has(codeOf(error)) || (afterDenial && codeOf(error) === UNDEFINED_OBJECT)) {
      await client.query('ROLLBACK TO SAVEPOINT step');
      return { ...step, outcome: 'denied', why: messageOf(error) };
    }
    throw new OperatorError(`could not run: ${withoutPassword(step.sql)}: ${messageOf(error)}`, {
      fix: 'nothing was changed; run doctor, or hand the script of --print to the DBA',
      cause: error,
    });
  }
}

/** A statement for a screen or a log: the verifier of a password is nobody's business. */
export function withoutPassword(sql: string): string {
  return sql.replace(/PASSWORD '[^']*'/, "PASSWORD '…'");
}
