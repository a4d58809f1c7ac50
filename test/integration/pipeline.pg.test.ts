import { type Kysely, sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Connections, connect } from '../../src/db/pool.ts';
import type { Database } from '../../src/db/schema.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let connections: Connections;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'empty' });
});
afterEach(() => connections.close());
afterAll(() => database.drop());

const open = (poolSize: number, settings = database.settings) => {
  connections = connect(settings, { poolSize, logger: silentLogger() });
  return connections;
};
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes so long, and says which backend did it in which transaction. */
async function work(db: Kysely<Database>, seconds: number): Promise<{ pid: number; xid: string }> {
  const { rows } = await sql<{ pid: number; xid: string }>`
    SELECT pg_backend_pid() AS pid, pg_current_xact_id()::text AS xid, pg_sleep(${seconds}::float8)`.execute(
    db,
  );
  if (rows[0] === undefined) throw new Error('no row');
  return rows[0];
}

describe('pipelined statements', () => {
  it('share a connection where no other is free, two at a time, each a transaction of its own', async () => {
    const { pipelined, pool } = open(3);
    const first = [work(pipelined, 0.4), work(pipelined, 0.4)];
    await sleep(150);
    const second = [work(pipelined, 0), work(pipelined, 0)];
    const done = await Promise.all([...first, ...second]);
    expect(new Set(done.map((each) => each.pid)).size).toBe(2);
    expect(new Set(done.map((each) => each.xid)).size).toBe(4);
    expect(pool.totalCount).toBe(2);
    expect(pool.idleCount).toBe(2);
  });

  it('do not suffer from a neighbour that fails', async () => {
    const { pipelined } = open(2);
    const before = work(pipelined, 0.3);
    await sleep(100);
    const bad = sql`SELECT 1 / 0`.execute(pipelined);
    await expect(bad).rejects.toThrow(/division by zero/);
    expect((await before).pid).toBe((await work(pipelined, 0)).pid);
  });

  it('go on with a new connection when theirs breaks under two of them', async () => {
    const { pipelined } = open(2);
    const { pid } = await work(pipelined, 0);
    const lost = [work(pipelined, 30)];
    await sleep(100);
    lost.push(work(pipelined, 0));
    const outcome = Promise.allSettled(lost);
    await sleep(100);
    await sql`SELECT pg_terminate_backend(${pid}::int)`.execute(database.connections.db);
    expect((await outcome).map((each) => each.status)).toEqual(['rejected', 'rejected']);
    expect((await work(pipelined, 0)).pid).not.toBe(pid);
  });

  it('leave the pool to others in between, even where there is one connection for all', async () => {
    const { pipelined, db } = open(1);
    let done = false;
    const busy = [1, 2, 3].map(async () => {
      while (!done) await work(pipelined, 0.01);
    });
    await sleep(100);
    for (let i = 0; i < 5; i++) await sql`SELECT 1`.execute(db);
    done = true;
    await Promise.all(busy);
  });

  it('refuse a transaction of several statements: it would mix with a neighbour’s', async () => {
    const { pipelined } = open(2);
    await expect(pipelined.transaction().execute((trx) => work(trx, 0))).rejects.toThrow(
      /connection of its own/,
    );
    await work(pipelined, 0);
  });

  it('have a connection each behind a pooler', async () => {
    const user = `postgres.${'qrstuvwxyzabcdef'}`;
    await sql`CREATE ROLE ${sql.id(user)} LOGIN SUPERUSER PASSWORD 'pooled'`.execute(database.connections.db);
    try {
      const { pipelined } = open(2, { ...database.settings, user, password: 'pooled' });
      const first = work(pipelined, 0.3);
      await sleep(100);
      const second = await work(pipelined, 0);
      expect(second.pid).not.toBe((await first).pid);
      await connections.close();
    } finally {
      await sql`DROP ROLE ${sql.id(user)}`.execute(database.connections.db);
    }
  });
});
