import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, PREPARE_MARK } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'empty' });
});
afterAll(() => database.drop());

describe('the pool', () => {
  it('outlives a connection that breaks while it is out and asks nothing: the next statement on it tells', async () => {
    const connections = connect(database.settings, { poolSize: 1, logger: silentLogger() });
    const { db } = connections;
    const uncaught: unknown[] = [];
    const hear = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', hear);
    try {
      const lost = db.transaction().execute(async (trx) => {
        const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(trx);
        await sql`SELECT pg_terminate_backend(${rows[0]?.pid}::int)`.execute(database.connections.db);
        await expect
          .poll(
            async () =>
              (
                await sql`SELECT FROM pg_stat_activity WHERE pid = ${rows[0]?.pid}::int`.execute(
                  database.connections.db,
                )
              ).rows.length,
            { timeout: 30_000 },
          )
          .toBe(0);
        // the news has to reach this process before the next statement does
        await new Promise((resolve) => setTimeout(resolve, 200));
        await sql`SELECT 1`.execute(trx);
      });
      await expect(lost).rejects.toThrow();
      expect((await sql<{ n: number }>`SELECT 2 AS n`.execute(db)).rows[0]?.n).toBe(2);
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtException', hear);
      await connections.close();
    }
  });

  it('prepares the statements that ask for it, on a direct connection only', async () => {
    const prepared = async (settings: TestDatabase['settings']) => {
      const connections = connect(settings, { poolSize: 1, logger: silentLogger() });
      try {
        for (let i = 0; i < 3; i++) await connections.pool.query(`${PREPARE_MARK} SELECT $1::int AS n`, [i]);
        await connections.pool.query('SELECT $1::int AS n', [1]);
        const names = await connections.pool.query('SELECT name FROM pg_prepared_statements');
        return names.rows.length;
      } finally {
        await connections.close();
      }
    };
    expect(await prepared(database.settings)).toBe(1);
    // as Supabase names those who come through its pooler; the role is there for this test only
    const user = `postgres.${'abcdefghijklmnop'}`;
    await sql`CREATE ROLE ${sql.id(user)} LOGIN SUPERUSER PASSWORD 'pooled'`.execute(database.connections.db);
    try {
      expect(await prepared({ ...database.settings, user, password: 'pooled' })).toBe(0);
    } finally {
      await sql`DROP ROLE ${sql.id(user)}`.execute(database.connections.db);
    }
  });
});
