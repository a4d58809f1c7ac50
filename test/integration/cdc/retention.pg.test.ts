import { sql } from 'kysely';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteOldOrders, pruneLedger } from '../../../src/cdc/retention.ts';
import type { Db } from '../../../src/db/pool.ts';
import { advanceDue } from '../../../src/orders/advance.ts';
import { restockProducts } from '../../../src/traffic/business-store.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { checkInvariants } from '../../support/invariants.ts';

const DAYS = 10;
let database: TestDatabase;
const made: TestDatabase[] = [];

beforeEach(async () => {
  database = await createTestDatabase({ template: 'seeded', poolSize: 12 });
  made.push(database);
});

afterAll(async () => {
  for (const one of made) await one.drop();
});

/** Ids of orders, old by `DAYS`; finished: nothing is still to come (a purge aside). */
async function oldOrders(db: Db, finished: boolean): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT p.id FROM pedidos p LEFT JOIN simulator.order_schedule s ON s.order_id = p.id
    WHERE p.data_pedido < clock_timestamp() - ${DAYS} * interval '1 day'
      AND (p.id_status = 5 OR p.id_status IN (4, 6) AND s.order_id IS NULL) = ${finished}
    ORDER BY p.id`.execute(db);
  return rows.map(({ id }) => id);
}

async function noted(db: Db, table: string, op: 'I' | 'U' | 'D'): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT coalesce(sum(row_count), 0)::int AS n FROM (SELECT table_name, op, row_count FROM simulator.ledger
      UNION ALL SELECT table_name, op, row_count FROM simulator.ledger_totals) l
    WHERE table_name = ${table} AND op = ${op}`.execute(db);
  return rows[0]?.n ?? 0;
}

describe('retention', () => {
  it('deletes what is finished and old, leaves the rest, and the shop still adds up', async () => {
    const { db } = database.connections;
    const doomed = await oldOrders(db, true);
    const staying = await oldOrders(db, false);
    expect(doomed.length).toBeGreaterThan(50);
    const deletedBefore = await noted(db, 'pedidos', 'D');
    const result = await deleteOldOrders(db, { days: DAYS, nowMs: Date.now() });
    expect(result).toMatchObject({ orders: doomed.length, complete: true });
    expect(result.items).toBeGreaterThanOrEqual(doomed.length);
    expect(await oldOrders(db, true)).toEqual([]);
    expect(await oldOrders(db, false)).toEqual(staying);
    expect(await checkInvariants(db)).toEqual([]);
    expect((await noted(db, 'pedidos', 'D')) - deletedBefore).toBe(doomed.length);
    const { rows } = await sql<{ n: number }>`
      SELECT count(*)::int AS n FROM simulator.tombstones WHERE table_name = 'pedidos' AND key IN (${sql.join(doomed)})`.execute(
      db,
    );
    expect(rows[0]?.n).toBe(doomed.length);
    expect(await deleteOldOrders(db, { days: DAYS, nowMs: Date.now() })).toEqual({
      orders: 0,
      items: 0,
      complete: true,
    });
  });

  it('works in batches, and ends a run at its bound', async () => {
    const { db } = database.connections;
    await sql`TRUNCATE simulator.tombstones`.execute(db);
    await sql`DELETE FROM simulator.ledger WHERE op = 'D'`.execute(db);
    const result = await deleteOldOrders(db, { days: DAYS, nowMs: Date.now(), batchSize: 7, maxBatches: 3 });
    expect(result.complete).toBe(false);
    expect(result.orders).toBeGreaterThan(0);
    expect(result.orders).toBeLessThanOrEqual(21);
    const { rows } = await sql<{ most: number }>`
      SELECT max(row_count)::int AS most FROM simulator.ledger WHERE table_name = 'pedidos' AND op = 'D'`.execute(
      db,
    );
    expect(rows[0]?.most).toBeLessThanOrEqual(7);
    expect(
      (await deleteOldOrders(db, { days: DAYS, nowMs: Date.now(), batchSize: 7, maxBatches: 500 })).complete,
    ).toBe(true);
    expect(await oldOrders(db, true)).toEqual([]);
  });

  it('takes a cancelled order together with the purge that it waits for', async () => {
    const { db } = database.connections;
    const [id] = await oldOrders(db, true);
    await sql`UPDATE pedidos SET id_status = 5, data_aprovacao = NULL, data_envio = NULL, data_entrega = NULL, id_entregue = 2 WHERE id = ${id}`.execute(
      db,
    );
    await sql`INSERT INTO simulator.order_schedule (order_id, due_at, next_events, next_at)
      VALUES (${id}, clock_timestamp() + interval '1 day', '{8}', ARRAY[clock_timestamp()])`.execute(db);
    await deleteOldOrders(db, { days: DAYS, nowMs: Date.now() });
    const { rows } = await sql<{ orders: number; schedules: number }>`
      SELECT (SELECT count(*) FROM pedidos WHERE id = ${id})::int AS orders,
        (SELECT count(*) FROM simulator.order_schedule WHERE order_id = ${id})::int AS schedules`.execute(db);
    expect(rows).toEqual([{ orders: 0, schedules: 0 }]);
  });

  it('loses nothing while several run at once beside traffic', async () => {
    const { db } = database.connections;
    await sql`UPDATE simulator.order_schedule SET due_at = clock_timestamp() - interval '1 hour'`.execute(db);
    const { rows: products } = await sql<{ id: number }>`SELECT id FROM produtos ORDER BY id`.execute(db);
    const restock = async () => {
      for (let i = 0; i < 15; i++) {
        await restockProducts(
          db,
          products
            .filter((_, index) => index % 3 === i % 3)
            .map(({ id }) => ({ productId: id, quantity: 1 })),
        );
      }
    };
    let purged = 0;
    const advance = async () => {
      for (let i = 0; i < 40; i++) {
        const done = await advanceDue(db, { limit: 20, speed: 1e9 });
        purged += done.filter(({ event, applied }) => event === 'purged' && applied).length;
      }
    };
    const retain = () => deleteOldOrders(db, { days: 3, nowMs: Date.now(), batchSize: 15, maxBatches: 100 });
    const before = await noted(db, 'pedidos', 'D');
    const [one, two, three] = await Promise.all([
      retain(),
      retain(),
      retain(),
      restock(),
      advance(),
      pruneLedger(db, { ledgerDays: 0, batchSize: 5 }),
    ]);
    const deleted = one.orders + two.orders + three.orders;
    expect(deleted).toBeGreaterThan(50);
    expect(await checkInvariants(db)).toEqual([]);
    expect((await noted(db, 'pedidos', 'D')) - before).toBe(deleted + purged);
  });

  it('writes items before their orders, transaction by transaction', async () => {
    const { db, pool } = database.connections;
    const slot = `order_${Math.random().toString(36).slice(2, 10)}`;
    await pool.query('CREATE PUBLICATION retained FOR TABLE public.pedidos, public.itenspedido');
    await pool.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
    try {
      await deleteOldOrders(db, { days: DAYS, nowMs: Date.now(), batchSize: 40 });
      // the test server commits asynchronously, and only flushed WAL is decoded: a synchronous commit flushes it
      await pool.query(
        `BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_logical_emit_message(true, 'flush', ''); COMMIT`,
      );
      const { rows } = await pool.query<{ data: Buffer }>(
        `SELECT data FROM pg_logical_slot_get_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'retained')`,
        [slot],
      );
      const { transactions, deletes } = deletesByTransaction(rows.map(({ data }) => data));
      expect(transactions).toBeGreaterThan(1);
      expect(deletes.length).toBeGreaterThan(1);
      for (const tables of deletes) expect(tables.join(' ')).toMatch(/^(itenspedido )+(pedidos ?)+$/);
    } finally {
      await pool.query('SELECT pg_drop_replication_slot($1)', [slot]);
    }
  });
});

/** The tables of pgoutput's Delete messages, in order, for each transaction that has some. */
function deletesByTransaction(messages: readonly Buffer[]): { transactions: number; deletes: string[][] } {
  const names = new Map<number, string>();
  const deletes: string[][] = [];
  let transactions = 0;
  let current: string[] = [];
  for (const message of messages) {
    const kind = String.fromCharCode(message[0] ?? 0);
    if (kind === 'B') {
      transactions += 1;
      current = [];
    } else if (kind === 'R') {
      const [, table] = message.subarray(5).toString('latin1').split('\0');
      names.set(message.readUInt32BE(1), table ?? '');
    } else if (kind === 'D') current.push(names.get(message.readUInt32BE(1)) ?? '');
    else if (kind === 'C' && current.length > 0) deletes.push(current);
  }
  return { transactions, deletes };
}

describe('pruning the ledger', () => {
  it('folds old rows into totals that add up to the same, also when several prune at once', async () => {
    const { db } = database.connections;
    await deleteOldOrders(db, { days: DAYS, nowMs: Date.now(), batchSize: 9 });
    await sql`UPDATE simulator.ledger SET noted_at = noted_at - interval '3 days' WHERE table_name <> 'itenspedido'`.execute(
      db,
    );
    const sums = async () =>
      (
        await sql`SELECT table_name, op, sum(row_count)::int AS n FROM (SELECT table_name, op, row_count FROM simulator.ledger
          UNION ALL SELECT table_name, op, row_count FROM simulator.ledger_totals) l GROUP BY 1, 2 ORDER BY 1, 2`.execute(
          db,
        )
      ).rows;
    const before = await sums();
    const { rows: old } = await sql<{
      n: number;
    }>`SELECT count(*)::int AS n FROM simulator.ledger WHERE table_name <> 'itenspedido'`.execute(db);
    const pruned = await Promise.all(
      [1, 2, 3].map(() => pruneLedger(db, { batchSize: 3, maxBatches: 1_000 })),
    );
    const total = pruned.reduce((sum, { ledgerRows }) => sum + ledgerRows, 0);
    expect(total).toBe(old[0]?.n);
    expect(await sums()).toEqual(before);
    const { rows: left } = await sql<{
      tables: string[];
    }>`SELECT array_agg(DISTINCT table_name) AS tables FROM simulator.ledger`.execute(db);
    expect(left[0]?.tables).toEqual(['itenspedido']);
    expect(await checkInvariants(db)).toEqual([]);
  });

  it('drops tombstones after thirty days and not before', async () => {
    const { db } = database.connections;
    await sql`TRUNCATE simulator.tombstones`.execute(db);
    await sql`INSERT INTO simulator.tombstones (table_name, key, deleted_at) VALUES
      ('pedidos', -1, clock_timestamp() - interval '31 days'), ('pedidos', -2, clock_timestamp() - interval '29 days')`.execute(
      db,
    );
    expect(await pruneLedger(db)).toMatchObject({ tombstones: 1 });
    const { rows } = await sql<{ key: number }>`SELECT key FROM simulator.tombstones`.execute(db);
    expect(rows).toEqual([{ key: -2 }]);
  });
});
