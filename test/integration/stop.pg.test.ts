import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { clientConfig } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase, urlOf } from '../support/database.ts';
import { freePort } from '../support/pg-server.ts';

describe('stopping', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ template: 'seeded' });
  });
  afterAll(() => database.drop());

  it('ends in good order though the database answers nobody', { timeout: 90_000 }, async () => {
    const { config } = loadConfig({ DATABASE_URL: database.url, HTTP_PORT: '0', ORDERS_PER_MINUTE: '600' });
    const abort = new AbortController();
    const app = runApp({ config, logger: silentLogger(), signal: abort.signal, stopGraceMs: 200 });
    const blocker = new pg.Client(clientConfig(database.settings));
    await blocker.connect();
    try {
      await expect.poll(async () => (await workers(blocker)).length, { timeout: 60_000 }).toBe(1);
      await blocker.query('BEGIN; LOCK TABLE public.produtos IN ACCESS EXCLUSIVE MODE');
      await expect
        .poll(
          async () =>
            (
              await blocker.query(
                `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
              )
            ).rowCount,
          { timeout: 60_000 },
        )
        .toBeGreaterThan(0);
      abort.abort('SIGTERM');
      const stoppedAtMs = performance.now();
      await app;
      // a statement by itself gives up after thirty seconds
      expect(performance.now() - stoppedAtMs).toBeLessThan(25_000);
    } finally {
      abort.abort('SIGTERM');
      await blocker.end();
      await app;
    }
  });

  it('ends a start that still waits for its database', { timeout: 90_000 }, async () => {
    const port = await freePort();
    const { config } = loadConfig({ DATABASE_URL: urlOf({ ...database.settings, port }), HTTP_PORT: '0' });
    const abort = new AbortController();
    const app = runApp({ config, logger: silentLogger(), signal: abort.signal });
    setTimeout(() => abort.abort('SIGINT'), 300);
    // without a hearing for the signal this is an error after thirty seconds
    await expect(app).resolves.toBeUndefined();
  });
});

async function workers(client: pg.Client): Promise<readonly unknown[]> {
  return (await client.query('SELECT id FROM simulator.workers')).rows;
}
