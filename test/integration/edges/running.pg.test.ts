import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DaemonRun, runDaemon } from '../../support/daemon-run.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { checkInvariants } from '../../support/invariants.ts';

let database: TestDatabase;
let daemon: DaemonRun;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'seeded' });
  daemon = runDaemon(database.settings, { ORDERS_PER_MINUTE: '2400' });
});
afterAll(async () => {
  await daemon.stop();
  await database.drop();
});

const run = (text: string) => database.connections.pool.query(text);

async function moreOf(event: string, count = 3): Promise<void> {
  const before = daemon.events(event).length;
  await expect
    .poll(() => daemon.events(event).length, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(before + count);
}

interface Step {
  readonly what: string;
  readonly alter: string;
  /** What the log says, once; absent: nothing. */
  readonly says?: RegExp;
  readonly undo: string;
  /** What goes on all the same. */
  readonly goesOn: readonly string[];
}

const BOOM = `CREATE FUNCTION "Bumm!"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not order %', NEW.id; END $$`;

const STEPS: readonly Step[] = [
  {
    what: 'a nullable column, a column with a default, an index',
    alter: `ALTER TABLE pedidos ADD obs text, ADD canal text NOT NULL DEFAULT 'x'; ALTER TABLE clientes ADD obs int;
      CREATE INDEX obs ON pedidos (total)`,
    undo: 'ALTER TABLE pedidos DROP obs, DROP canal; ALTER TABLE clientes DROP obs',
    goesOn: ['customer.registered', 'order.approved'],
  },
  {
    what: 'a trigger that refuses some orders to move',
    alter: `${BOOM}; CREATE TRIGGER boom BEFORE UPDATE ON pedidos FOR EACH ROW WHEN (NEW.id % 4 = 0) EXECUTE FUNCTION "Bumm!"()`,
    says: /could not advance an order .*: not order \d+.*; a trigger that is not the simulator's refuses it \(function "Bumm!"\)/,
    undo: 'DROP FUNCTION "Bumm!"() CASCADE',
    goesOn: ['order.placed', 'order.approved', 'order.delivered'],
  },
  {
    what: 'a CHECK that some new orders fail',
    alter: 'ALTER TABLE pedidos ADD CONSTRAINT "nem três" CHECK (id % 3 <> 0) NOT VALID',
    says: /could not place an order: .*"nem três".*ALTER TABLE public\.pedidos DROP CONSTRAINT "nem três"/,
    undo: 'ALTER TABLE pedidos DROP CONSTRAINT "nem três"',
    goesOn: ['order.placed'],
  },
  {
    what: 'a NOT NULL column without a default',
    alter: `ALTER TABLE itenspedido ADD lote text DEFAULT 'x'; ALTER TABLE itenspedido ALTER lote SET NOT NULL, ALTER lote DROP DEFAULT`,
    says: /could not place an order: .*ALTER TABLE public\.itenspedido ALTER COLUMN lote DROP NOT NULL/,
    undo: 'ALTER TABLE itenspedido DROP lote',
    goesOn: ['order.approved'],
  },
  {
    what: 'a unique key of somebody’s',
    alter: `DO $$ BEGIN EXECUTE format('CREATE UNIQUE INDEX um_por_canal ON pedidos (id_canalvenda) WHERE id > %s',
      (SELECT max(id) + 20 FROM pedidos)); END $$`,
    says: /could not place an order: .*"um_por_canal"; a unique key of somebody's is in the way/,
    undo: 'DROP INDEX um_por_canal',
    goesOn: ['order.approved'],
  },
  {
    what: 'a table that was renamed',
    alter: 'ALTER TABLE public.itenspedido RENAME TO itens',
    says: /could not place an order: relation "public\.itenspedido" does not exist; the tables were altered: npm run sim -- migrate/,
    undo: 'ALTER TABLE public.itens RENAME TO itenspedido',
    goesOn: [],
  },
  {
    what: 'a column that was renamed',
    alter: 'ALTER TABLE clientes RENAME email TO correio',
    says: /could not place an order: column .*email.* does not exist.*npm run sim -- migrate/,
    undo: 'ALTER TABLE clientes RENAME correio TO email',
    goesOn: [],
  },
  {
    what: 'a sequence that was set back',
    alter: `SELECT setval('itenspedido_id_seq', 1)`,
    says: /could not place an order: .*"itenspedido_pkey".*its sequence was set back.*npm run sim -- migrate/,
    undo: `SELECT setval('itenspedido_id_seq', (SELECT max(id) FROM itenspedido))`,
    goesOn: ['order.approved'],
  },
  {
    what: 'a published table without a replica identity',
    alter: 'ALTER TABLE pedidos REPLICA IDENTITY NOTHING; CREATE PUBLICATION altered FOR TABLE pedidos',
    says: /could not advance orders: cannot update table "pedidos".*no replica identity/,
    undo: 'ALTER TABLE pedidos REPLICA IDENTITY DEFAULT; DROP PUBLICATION altered',
    goesOn: ['order.placed'],
  },
  {
    what: 'orders that are changed and deleted by hand while their next event is scheduled',
    alter: `WITH hit AS (SELECT id FROM pedidos WHERE id_status = 1 AND id % 2 = 0)
      UPDATE pedidos SET id_status = 5 WHERE id IN (SELECT id FROM hit);
      DELETE FROM itenspedido WHERE id_pedido IN (SELECT id FROM pedidos WHERE id_status = 1);
      DELETE FROM pedidos WHERE id_status = 1`,
    undo: 'SELECT',
    goesOn: ['order.placed', 'order.approved', 'order.delivered'],
  },
];

describe('while the daemon runs, somebody alters its tables:', () => {
  it.each(STEPS)('$what', async ({ alter, says, undo, goesOn }) => {
    await moreOf('order.placed', 1);
    const from = daemon.lines.length;
    await run(alter);
    const complaints = () =>
      daemon.lines
        .slice(from)
        .filter(
          ({ level, msg }) => level === 'error' || (level === 'warn' && !/changed or deleted/.test(msg)),
        );
    try {
      if (says !== undefined) {
        await expect
          .poll(
            () =>
              complaints()
                .map(({ msg }) => msg)
                .join('\n'),
            { timeout: 20_000 },
          )
          .toMatch(says);
      }
      for (const event of goesOn) await moreOf(event, 1);
      await sleep(300);
    } finally {
      await run(undo);
    }
    // each kind once: not a line an order
    const told = complaints().map(({ msg }) => msg);
    expect(new Set(told).size).toBe(told.length);
    expect(told.length).toBeLessThanOrEqual(says === undefined ? 0 : 6);
    for (const line of complaints()) expect(line).not.toHaveProperty('err');
    await moreOf('order.placed', 1);
  });

  it('and all else adds up in the end', async () => {
    const broken = await checkInvariants(database.connections.db);
    // what was done by hand: stock that did not come back, and schedules of orders that are gone, not due yet
    expect(
      broken.filter((rule) => !/^stock = initial|^the next event|^a schedule has an order/.test(rule)),
    ).toEqual([]);
  });
});
