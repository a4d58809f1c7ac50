import { sql } from 'kysely';
import { formatBytes } from '../cdc/format.ts';
import { SlotGuard } from '../cdc/slot-guard.ts';
import type { Db } from '../db/pool.ts';
import { Announcer } from '../lib/announcer.ts';
import { systemClock } from '../lib/clock.ts';
import { OperatorError } from '../lib/errors.ts';
import { silentLogger } from '../lib/logger.ts';
import { TrafficGate } from '../traffic/gate.ts';

export interface Limits {
  /** MAX_SLOT_LAG; 0: none. */
  readonly maxSlotLagBytes: number;
  /** MAX_DATABASE_SIZE; 0: none. */
  readonly maxDatabaseBytes: number;
}

/** Throws an OperatorError where live traffic would stand still: a scenario must not harm the source either. */
export async function refuseWhereTrafficPauses(db: Db, limits: Limits): Promise<void> {
  const silent = silentLogger();
  const announcer = new Announcer(silent, systemClock, 'never');
  const gate = new TrafficGate(announcer);
  await new SlotGuard({
    db,
    clock: systemClock,
    watch: { up: true, report: () => false },
    announcer,
    gate,
    logger: silent,
    maxSlotLagBytes: limits.maxSlotLagBytes,
  }).poll();
  const slot = gate.reasons.get('slot');
  if (slot !== undefined) {
    throw new OperatorError(`nothing was played: ${slot}`, {
      fix: 'npm run sim -- doctor shows the slots; MAX_SLOT_LAG=0 plays all the same',
    });
  }
  const { rows } = await sql<{ bytes: number }>`
    SELECT pg_database_size(current_database())::float8 AS bytes`.execute(db);
  const bytes = rows[0]?.bytes ?? 0;
  if (limits.maxDatabaseBytes > 0 && bytes >= limits.maxDatabaseBytes) {
    throw new OperatorError(
      `nothing was played: the database has ${formatBytes(bytes)}, its limit is ${formatBytes(limits.maxDatabaseBytes)}`,
      { fix: 'raise MAX_DATABASE_SIZE, or make room: npm run sim -- scenario clean' },
    );
  }
}
