import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientConfig } from '../../src/db/pool.ts';
import { writeSetting } from '../../src/db/settings.ts';
import { DatabaseWatch } from '../../src/db/watch.ts';
import { Announcer } from '../../src/lib/announcer.ts';
import { DatabaseClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createRandom } from '../../src/lib/random.ts';
import { type LeasedSettings, WorkerLease } from '../../src/traffic/workers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the lease of a worker', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ template: 'migrated' });
  });
  afterAll(() => database.drop());

  function createLease(
    onSettings: (settings: LeasedSettings) => void = () => undefined,
    uptimeMs?: () => number,
  ) {
    const { db } = database.connections;
    const clock = new DatabaseClock();
    const announcer = new Announcer(silentLogger(), clock, 'never');
    const watch = new DatabaseWatch({ db, announcer, clock, random: createRandom('lease') });
    return new WorkerLease({
      db,
      clock,
      watch,
      announcer,
      logger: silentLogger(),
      stats: () => ({}),
      onSettings,
      ...(uptimeMs === undefined ? {} : { uptimeMs }),
    });
  }

  it('shares with the living, buries the dead, and leaves', async () => {
    const { db } = database.connections;
    await sql`INSERT INTO simulator.workers (id, name, seen_at)
      VALUES (gen_random_uuid(), 'dead', clock_timestamp() - interval '1 minute')`.execute(db);
    const first = createLease();
    await first.start();
    expect(first.share).toBe(1);
    const second = createLease();
    await second.start();
    expect(second.share).toBe(0.5);
    await Promise.all([first.stop(), second.stop()]);
    const left = await db.selectFrom('simulator.workers').select('id').execute();
    expect(left).toEqual([]);
  });

  it('takes at once what one who was killed on this machine had, but nothing of the living', async () => {
    const { db } = database.connections;
    const killed = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const host = hostname();
    const names = [killed.pid, process.pid, process.ppid].map((pid) => `${host}:${pid}`);
    await sql`INSERT INTO simulator.workers (id, name, seen_at)
      SELECT gen_random_uuid(), name, clock_timestamp() - ago FROM unnest(${sql.val([...names, `elsewhere:${killed.pid}`])}::text[]) AS n (name),
        (VALUES (interval '0 s'), (interval '2 s')) AS seen (ago)`.execute(db);
    const exited = once(killed, 'exit');
    killed.kill('SIGKILL');
    await exited;
    const lease = createLease(undefined, () => 1_000);
    try {
      await lease.start();
      // two are gone: those whose process is, and who were not seen since this one began
      expect(lease.living).toBe(1 + 6);
    } finally {
      await lease.stop();
      await sql`DELETE FROM simulator.workers`.execute(db);
    }
  });

  it('waits for nobody who is renewing his own lease at that moment', async () => {
    const { db } = database.connections;
    await sql`INSERT INTO simulator.workers (id, name, seen_at)
      VALUES (gen_random_uuid(), 'late', clock_timestamp() - interval '1 minute')`.execute(db);
    const late = new pg.Client(clientConfig(database.settings));
    await late.connect();
    const lease = createLease();
    try {
      await late.query('BEGIN');
      await late.query('UPDATE simulator.workers SET seen_at = clock_timestamp()');
      // with the row held for as long as it likes, only a lease that does not wait for it gets here
      await lease.start();
      expect(lease.share).toBe(0.5);
    } finally {
      await late.query('ROLLBACK');
      await late.end();
      await lease.stop();
      await sql`DELETE FROM simulator.workers`.execute(db);
    }
  });

  it('takes no rate from the database that makes no sense', async () => {
    const { db } = database.connections;
    const seen: (number | null)[] = [];
    for (const rate of [30, -5, 1e12, 'fast']) {
      await writeSetting(db, 'rate', rate);
      const lease = createLease((settings) => void seen.push(settings.rate));
      await lease.start();
      await lease.stop();
    }
    expect(seen).toEqual([30, null, 1_000_000, null]);
  });
});
