import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beat, beatWhenDue } from '../../../src/cdc/heartbeat.ts';
import { SlotGuard } from '../../../src/cdc/slot-guard.ts';
import { StorageGuard } from '../../../src/cdc/storage-guard.ts';
import { claimJob } from '../../../src/db/jobs.ts';
import { type Announcement, Announcer } from '../../../src/lib/announcer.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { TrafficGate } from '../../../src/traffic/gate.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const MB = 1024 ** 2;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'migrated' });
});

afterAll(async () => {
  await database?.drop();
});

function parts() {
  const logger = silentLogger();
  const announcer = new Announcer(logger, systemClock, 'never');
  const heard: Announcement[] = [];
  announcer.subscribe((announcement) => heard.push(announcement));
  const gate = new TrafficGate(announcer);
  const watch = { up: true, report: () => false };
  return { db: database.connections.db, clock: systemClock, watch, announcer, gate, logger, heard };
}

async function writeWal(megabytes: number): Promise<void> {
  for (let i = 0; i < megabytes / 4; i++) {
    await database.connections.pool.query(
      `SELECT pg_logical_emit_message(false, 'filler', repeat('x', ${4 * MB}))`,
    );
  }
}

describe('the slot guard', () => {
  it('warns while a slot grows, pauses at the cap, and resumes once it is gone', async () => {
    const { heard, gate, ...rest } = parts();
    const slot = `unread_${Math.random().toString(36).slice(2, 10)}`;
    const { pool } = database.connections;
    await pool.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
    try {
      const guard = new SlotGuard({ ...rest, gate, maxSlotLagBytes: 64 * MB });
      await guard.poll();
      expect(gate.open).toBe(true);
      expect(guard.readings()).toMatchObject([
        { name: slot, plugin: 'pgoutput', active: false, walStatus: 'reserved', capBytes: 64 * MB },
      ]);
      await writeWal(20);
      await guard.poll();
      const warning = heard.find(({ event }) => event === 'slot.lag');
      expect(warning?.message).toContain(slot);
      expect(warning?.fields['step']).toBeGreaterThanOrEqual(25);
      await writeWal(60);
      await guard.poll();
      expect(gate.open).toBe(false);
      expect(gate.reasons.get('slot')).toContain(`pg_drop_replication_slot('${slot}')`);
      expect(guard.readings()[0]?.retainedBytes).toBeGreaterThan(64 * MB);
      expect(heard.filter(({ event }) => event === 'traffic.paused')).toHaveLength(1);
      await pool.query('SELECT pg_drop_replication_slot($1)', [slot]);
      await guard.poll();
      expect(gate.open).toBe(true);
      expect(guard.readings()).toEqual([]);
      expect(heard.at(-1)?.event).toBe('traffic.resumed');
    } finally {
      await pool.query(
        'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
        [slot],
      );
    }
  });

  it('polls by itself, and stops when it is told', async () => {
    const { gate, ...rest } = parts();
    const guard = new SlotGuard({ ...rest, gate, maxSlotLagBytes: 64 * MB, pollEveryMs: 10 });
    await guard.start();
    const first = guard.readAtMs ?? 0;
    await expect.poll(() => guard.readAtMs ?? 0, { timeout: 30_000 }).toBeGreaterThan(first);
    await Promise.all([guard.stop(), guard.stop()]);
    const last = guard.readAtMs;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(guard.readAtMs).toBe(last);
  });
});

describe('the storage guard', () => {
  it('pauses at MAX_DATABASE_SIZE and resumes below 95 % of it', async () => {
    const { heard, gate, ...rest } = parts();
    const { pool } = database.connections;
    const { rows } = await pool.query<{ bytes: number }>(
      'SELECT pg_database_size(current_database()) AS bytes',
    );
    const cap = (rows[0]?.bytes ?? 0) + 4 * MB;
    const guard = new StorageGuard({ ...rest, gate, maxDatabaseBytes: cap });
    await guard.poll();
    expect(gate.open).toBe(true);
    await pool.query(
      `CREATE TABLE filler AS SELECT repeat(md5(i::text), 60) AS t FROM generate_series(1, 6000) i`,
    );
    await guard.poll();
    expect(gate.open).toBe(false);
    expect(gate.reasons.get('storage')).toContain('raise MAX_DATABASE_SIZE');
    expect(heard.some(({ event }) => event === 'database.growth')).toBe(true);
    expect(guard.reading()).toMatchObject({ capBytes: cap, hoursLeft: 0 });
    await pool.query('DROP TABLE filler');
    await guard.poll();
    expect(guard.reading()?.bytes).toBeLessThan(cap);
    expect(gate.open).toBe(true);
  });

  it('tells the growth once an hour, and keeps a history that survives a restart', async () => {
    const { heard, gate, ...rest } = parts();
    let nowMs = Date.now();
    const guard = new StorageGuard({ ...rest, gate, clock: { nowMs: () => nowMs }, maxDatabaseBytes: 0 });
    await database.connections.pool.query(`DELETE FROM simulator.jobs WHERE name = 'storage-sample'`);
    for (let minute = 0; minute <= 130; minute += 10) {
      await guard.poll();
      nowMs += 10 * 60_000;
    }
    expect(heard.filter(({ event }) => event === 'database.growth')).toHaveLength(2);
    expect(heard[0]?.message).toMatch(/^database .* an hour, .* a day/);
    const { rows } = await database.connections.pool.query<{ value: unknown[] }>(
      `SELECT value FROM simulator.settings WHERE key = 'storage_samples'`,
    );
    expect(rows[0]?.value.length).toBeGreaterThan(0);
  });
});

describe('periodic jobs', () => {
  it('run for one of many workers', async () => {
    const { db } = database.connections;
    const claims = await Promise.all(Array.from({ length: 16 }, () => claimJob(db, 'only one', 60_000)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    await sql`UPDATE simulator.jobs SET last_run_at = last_run_at - interval '61 s' WHERE name = 'only one'`.execute(
      db,
    );
    const again = await Promise.all(Array.from({ length: 16 }, () => claimJob(db, 'only one', 60_000)));
    expect(again.filter(Boolean)).toHaveLength(1);
  });

  it('go on after the clock was set back', async () => {
    const { db } = database.connections;
    await claimJob(db, 'future', 60_000);
    await sql`UPDATE simulator.jobs SET last_run_at = clock_timestamp() + interval '1 year' WHERE name = 'future'`.execute(
      db,
    );
    expect(await claimJob(db, 'future', 60_000)).toBe(true);
    expect(await claimJob(db, 'future', 60_000)).toBe(false);
  });
});

describe('the heartbeat', () => {
  it('is one row, updated, and counted in the ledger', async () => {
    const { db, pool } = database.connections;
    const first = await beat(db);
    const later = await beat(db, 'token-2');
    expect(later.emittedAtMs).toBeGreaterThan(first.emittedAtMs);
    const { rows } = await pool.query<{ id: number; token: string }>(
      'SELECT id, token FROM public.cdc_heartbeat',
    );
    expect(rows).toEqual([{ id: 1, token: 'token-2' }]);
    const ledger = await pool.query(
      `SELECT op, sum(row_count)::int AS n FROM simulator.ledger WHERE table_name = 'cdc_heartbeat' GROUP BY op ORDER BY op`,
    );
    expect(ledger.rows).toEqual([
      { op: 'I', n: 1 },
      { op: 'U', n: 1 },
    ]);
  });

  it('beats for one worker at a time', async () => {
    const { db } = database.connections;
    const beats = await Promise.all([1, 2, 3, 4].map(() => beatWhenDue(db, 60_000)));
    expect(beats.filter((one) => one !== null)).toHaveLength(1);
  });
});
