import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Db } from '../../src/db/pool.ts';
import { claimReturning, giveBackReturning } from '../../src/traffic/feed.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'seeded' });
  db = database.connections.db;
  await sql`UPDATE simulator.returning_customers SET due_at = clock_timestamp() + interval '1 day'`.execute(
    db,
  );
  await sql`UPDATE simulator.returning_customers SET due_at = clock_timestamp() - interval '1 minute'
    WHERE customer_id IN (SELECT customer_id FROM simulator.returning_customers ORDER BY customer_id LIMIT 12)`.execute(
    db,
  );
});
afterAll(() => database.drop());

it('gives each customer who is due to one worker, and nobody who is not', async () => {
  const claims = await Promise.all(Array.from({ length: 4 }, () => claimReturning(db, 5)));
  const ids = claims.flat().map((entry) => entry.customer.id);
  expect(ids).toHaveLength(12);
  expect(new Set(ids).size).toBe(12);
  expect(await claimReturning(db, 5)).toEqual([]);
  // put back for the next test
  await giveBackReturning(
    db,
    claims
      .flat()
      .map(({ customer, dueAtMs }) => ({ id: customer.id, dueAtMs, purchases: customer.purchases })),
  );
});

it('takes back who did not buy after all, with the purchases as before, and leaves a newer date alone', async () => {
  const [first, second] = await claimReturning(db, 2);
  if (first === undefined || second === undefined) throw new Error('nobody is due');
  await sql`INSERT INTO simulator.returning_customers VALUES (${second.customer.id}, clock_timestamp() + interval '9 days', 7)`.execute(
    db,
  );
  await giveBackReturning(
    db,
    [first, second].map(({ customer, dueAtMs }) => ({
      id: customer.id,
      dueAtMs,
      purchases: customer.purchases,
    })),
  );
  const again = await claimReturning(db, 20);
  expect(again).toContainEqual(first);
  expect(again.map((entry) => entry.customer.id)).not.toContain(second.customer.id);
  await giveBackReturning(
    db,
    again.map(({ customer, dueAtMs }) => ({ id: customer.id, dueAtMs, purchases: customer.purchases })),
  );
});

it('does not bring back whoever asked to be forgotten', async () => {
  const [forgotten] = await claimReturning(db, 1);
  if (forgotten === undefined) throw new Error('nobody is due');
  await sql`UPDATE clientes SET email = ${`removido.${forgotten.customer.id}@anonimo.invalid`} WHERE id = ${forgotten.customer.id}`.execute(
    db,
  );
  await giveBackReturning(db, [{ id: forgotten.customer.id, dueAtMs: forgotten.dueAtMs, purchases: 1 }]);
  const claimed = await claimReturning(db, 50);
  expect(claimed.length).toBeGreaterThan(3);
  expect(claimed.map((entry) => entry.customer.id)).not.toContain(forgotten.customer.id);
});
