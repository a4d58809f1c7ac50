import type { Transaction } from 'kysely';
import type { Db } from './pool.ts';
import type { Database } from './schema.ts';
import { classify } from './sqlstate.ts';

const DEFAULT_RETRIES = 3;

/**
 * Runs `work` in one transaction, and again when it lost a race (deadlock, serialization failure): `work` must
 * therefore have no effect outside of the database. Any other error is the caller's.
 */
export async function inTransaction<T>(
  db: Db,
  work: (trx: Transaction<Database>) => Promise<T>,
  options: { readonly retries?: number } = {},
): Promise<T> {
  return retrying(() => db.transaction().execute(work), options.retries);
}

/** Runs a single statement's `work` again when it lost a race; the same conditions as {@link inTransaction}. */
export async function retrying<T>(work: () => Promise<T>, retries = DEFAULT_RETRIES): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= retries || classify(error) !== 'retry') throw error;
    }
  }
}
