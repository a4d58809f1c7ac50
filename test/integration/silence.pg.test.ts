import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Connections, clientConfig, connect } from '../../src/db/pool.ts';
import { classify } from '../../src/db/sqlstate.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { FaultProxy } from '../e2e/faults/proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Well above what it takes on a quiet machine (4 and 7 s), and well below the 30 s after which nothing is asked. */
const SOON_MS = 20_000;

describe('a connection gone silent', () => {
  let database: TestDatabase;
  let proxy: FaultProxy;
  let connections: Connections;
  let direct: pg.Client;

  beforeAll(async () => {
    database = await createTestDatabase({ template: 'migrated' });
    direct = new pg.Client(clientConfig(database.settings, 'direct'));
    await direct.connect();
    await direct.query(`INSERT INTO simulator.jobs (name, last_run_at) VALUES ('locked', now())`);
  });
  afterAll(async () => {
    await direct.end();
    await database.drop();
  });
  beforeEach(async () => {
    proxy = await FaultProxy.start(database.settings.port);
    connections = open();
  });
  afterEach(async () => {
    await connections.close();
    await proxy.stop();
  });

  function open(options: { readonly leavesNothingBehind?: boolean } = {}): Connections {
    const settings = { ...database.settings, host: '127.0.0.1', port: proxy.port };
    return connect(settings, { poolSize: 4, logger: silentLogger(), ...options });
  }

  /** How long `work` takes to fail, and with what. */
  async function failing(
    work: Promise<unknown>,
  ): Promise<{ readonly afterMs: number; readonly error: Error }> {
    const startMs = performance.now();
    const error = await work.then(
      () => new Error('it did not fail'),
      (reason: Error) => reason,
    );
    return { afterMs: performance.now() - startMs, error };
  }

  const touch = () =>
    sql`UPDATE simulator.jobs SET last_run_at = now() WHERE name = 'locked'`.execute(connections.db);
  const waitingForLock = async () => {
    // not over the connection that holds the lock: a transaction keeps to its first look at the activities
    const { rowCount } = await database.connections.pool.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    return rowCount;
  };

  it('is torn down soon, with the idle ones, while one that waits for a lock meanwhile is left alone', async () => {
    await direct.query('BEGIN');
    try {
      await direct.query(`SELECT FROM simulator.jobs WHERE name = 'locked' FOR UPDATE`);
      const locked = touch();
      await expect.poll(waitingForLock, { timeout: SOON_MS }).toBe(1);
      const silent = await connections.pool.connect();
      const idle = await connections.pool.connect();
      await Promise.all([silent.query('SELECT 1'), idle.query('SELECT 1')]);
      idle.release();
      proxy.silence(2);
      const { afterMs, error } = await failing(silent.query('SELECT 2'));
      silent.release();
      expect(error.message).toMatch(/^read timeout: .*lost on the way/);
      expect(classify(error)).toBe('lost');
      expect(afterMs).toBeLessThan(SOON_MS);
      await expect.poll(() => connections.pool.totalCount, { timeout: SOON_MS }).toBe(1);
      // it is looked at again and again
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      expect(await waitingForLock()).toBe(1);
      await direct.query('COMMIT');
      await locked;
    } finally {
      await direct.query('ROLLBACK');
    }
  });

  it('is torn down when no new connection gets an answer either, and the next one works once the network does', async () => {
    await sql`SELECT 1`.execute(connections.db);
    proxy.blackout();
    const { afterMs, error } = await failing(sql`SELECT 2`.execute(connections.db));
    expect(error.message).toMatch(/^read timeout: .*a new connection gets none either/);
    expect(afterMs).toBeLessThan(SOON_MS);
    proxy.heal();
    expect((await sql<{ n: number }>`SELECT 3 AS n`.execute(connections.db)).rows[0]?.n).toBe(3);
  });

  it('leaves no lock behind: the server ends a transaction that nobody goes on with', async () => {
    const daemon = open({ leavesNothingBehind: true });
    const client = await daemon.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`UPDATE simulator.jobs SET last_run_at = now() WHERE name = 'locked'`);
      // as if its network were gone: it says nothing more
      const startMs = performance.now();
      await touch();
      expect(performance.now() - startMs).toBeLessThan(SOON_MS);
      expect(classify((await failing(client.query('COMMIT'))).error)).toBe('lost');
    } finally {
      client.release(true);
      await daemon.close();
    }
  });

  it('is not looked for while answers come, and the one who looks takes no place in the pool', async () => {
    const names = new Set<string>();
    for (let i = 0; i < 30; i++) {
      await sql`SELECT pg_sleep(0.1)`.execute(connections.db);
      const { rows } = await direct.query<{ name: string }>(
        'SELECT DISTINCT application_name AS name FROM pg_stat_activity WHERE datname = current_database()',
      );
      for (const { name } of rows) names.add(name);
    }
    expect(names).not.toContain('cdc-sim probe');
    await sql`SELECT pg_sleep(5)`.execute(connections.db);
    expect(connections.pool.totalCount).toBe(1);
  });
});
