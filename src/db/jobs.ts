import { sql } from 'kysely';
import type { Db } from './pool.ts';
import { retrying } from './transaction.ts';

/**
 * Claims the next run of a periodic job for one of several workers: true for exactly one caller in each `everyMs`.
 * One statement without session state, judged by the database's clock. A date in the future (the clock was set back)
 * holds nobody up.
 */
export async function claimJob(db: Db, name: string, everyMs: number): Promise<boolean> {
  const result = await retrying(() =>
    sql`
    INSERT INTO simulator.jobs (name, last_run_at) VALUES (${name}, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET last_run_at = clock_timestamp()
    WHERE jobs.last_run_at <= clock_timestamp() - ${everyMs} * interval '1 ms'
      OR jobs.last_run_at > clock_timestamp() + interval '1 minute'
    RETURNING name`.execute(db),
  );
  return result.rows.length > 0;
}
