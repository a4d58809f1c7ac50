import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type pg from 'pg';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { place } from '../../src/db/embedded/placement.ts';
import { clientConfig } from '../../src/db/pool.ts';
import { publishedTables } from '../../src/db/schema.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { lifecycle, OrderState, type OrderStateName, orderEvents } from '../../src/orders/lifecycle.ts';
import { sourceSide } from '../../src/verify/source-side.ts';
import { type Daemon, runCommand, startDaemon } from '../support/daemon.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/pg-server.ts';
import { subscribe, until } from '../support/subscription.ts';

/** Orders live their lives in seconds, so that every kind of change is among what travels. */
const QUICK_SHOP = { ORDERS_PER_MINUTE: '900', LIFECYCLE_SPEED: '200000', LOG_ORDERS: 'always' };

let upstream: TestServer;
let downstream: TestServer;
let origin: TestDatabase;
const daemons: Daemon[] = [];

beforeAll(async () => {
  [upstream, downstream] = await Promise.all([startTestServer(), startTestServer()]);
});
afterAll(async () => {
  await Promise.all([upstream?.stop(), downstream?.stop()]);
});
afterEach(async () => {
  await Promise.all(daemons.splice(0).map((daemon) => daemon.end('SIGKILL')));
});

function start(): Daemon {
  const daemon = startDaemon({ DATABASE_URL: origin.url, ...QUICK_SHOP });
  daemons.push(daemon);
  return daemon;
}

async function seen(daemon: Daemon, event: string, count: number): Promise<void> {
  const from = daemon.lines.length;
  const already = () => daemon.lines.slice(from).filter((line) => line.event === event).length;
  await daemon.waitFor(`${count} times ${event}`, () => already() >= count, { from });
}

/** As an operator does: pg_ctl, under the user that owns the files. */
function restart(server: TestServer, mode: 'fast' | 'immediate'): void {
  const { binDir, dataDir, user } = place(server.dataDir, silentLogger());
  const result = spawnSync(
    join(binDir, 'pg_ctl'),
    ['restart', '-D', dataDir, '-m', mode, '-w', '-t', '60', '-l', '/dev/null'],
    {
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
      cwd: dataDir,
      encoding: 'utf8',
      stdio: 'ignore',
    },
  );
  expect(result.status, `pg_ctl restart -m ${mode}`).toBe(0);
}

describe('a native subscription on a second server', () => {
  it('holds every row after kill -9 of the simulator, a crash of the subscriber and a restart of the source', async () => {
    origin = await createTestDatabase({ template: 'empty', admin: upstream.settings });
    const copy = await createTestDatabase({ template: 'migrated', admin: downstream.settings });
    const first = start();
    await seen(first, 'order.placed', 5);
    const subscription = await subscribe(
      { pool: origin.connections.pool, settings: origin.settings },
      copy.connections.pool,
      'consumers',
    );
    await subscription.caughtUp();
    await seen(first, 'order.placed', 30);
    await first.end('SIGKILL');

    const second = start();
    await seen(second, 'order.placed', 20);
    restart(downstream, 'immediate');
    await seen(second, 'order.placed', 20);
    restart(upstream, 'fast');
    await seen(second, 'order.placed', 30);
    await seen(second, 'order.purged', 1);
    // judged while traffic runs, by the command as an operator types it
    const args = ['verify', '--target', copy.url, '--lag', '1s', '--wait', '2m', '--json'];
    const verdict = await runCommand(args, { DATABASE_URL: origin.url });
    expect(verdict.code, verdict.stdout + verdict.stderr).toBe(0);
    expect(JSON.parse(verdict.stdout)).toMatchObject({ ok: true, differences: [], latency: { arrived: 5 } });
    expect(await second.end()).toBe(0);

    await until('both servers answer', () => answers(origin.connections.pool, copy.connections.pool));
    await subscription.caughtUp();
    for (const table of publishedTables) {
      const rows = await fingerprint(origin.connections.pool, table);
      expect(rows.count, table).toBeGreaterThan(0);
      expect(await fingerprint(copy.connections.pool, table), table).toEqual(rows);
    }
    const remembered = await origin.connections.pool.query(
      `SELECT value FROM simulator.settings WHERE key = 'last_verify'`,
    );
    expect(remembered.rows[0]?.value).toMatchObject({ ok: true });
    expect(JSON.stringify(remembered.rows)).not.toContain(`:${downstream.settings.password}@`);

    // and a loss is exit code 3
    await copy.connections.pool.query('ALTER TABLE itenspedido DISABLE TRIGGER ALL');
    await copy.connections.pool.query('DELETE FROM itenspedido WHERE id = (SELECT min(id) FROM itenspedido)');
    const lost = await runCommand(['verify', '--target', copy.url, '--lag', '0s', '--probes', '0'], {
      DATABASE_URL: origin.url,
    });
    expect(lost.code, lost.stderr).toBe(3);
    expect(lost.stdout).toMatch(/✗ itenspedido \d+: missing/);
    await subscription.drop();
    await copy.drop();
    await origin.drop();
  });
});

/** After a restart pooled connections are broken: the first use of each finds out. */
async function answers(...pools: pg.Pool[]): Promise<boolean> {
  try {
    for (const pool of pools) await Promise.all(Array.from({ length: 8 }, () => pool.query('SELECT 1')));
    return true;
  } catch {
    return false;
  }
}

/** Every row of the table as text, in the order of its keys; independent of the oracle. */
async function fingerprint(pool: pg.Pool, table: string): Promise<{ count: number; rows: string }> {
  const result = await pool.query<{ count: number; rows: string }>(
    `SELECT count(*)::int AS count, md5(string_agg(t::text, E'\\n' ORDER BY id)) AS rows FROM public.${table} t`,
  );
  return result.rows[0] ?? { count: -1, rows: '' };
}

type Message = Pgoutput.Message;
type RowEvent = Pgoutput.MessageInsert | Pgoutput.MessageUpdate | Pgoutput.MessageDelete;

interface Transaction {
  readonly events: RowEvent[];
}

/** Reads a slot with pg-logical-replication until the heartbeat carries `token`. */
async function consume(database: TestDatabase, slot: string, token: string): Promise<Transaction[]> {
  const service = new LogicalReplicationService(
    { ...clientConfig(database.settings) },
    { acknowledge: { auto: true, timeoutSeconds: 5 } },
  );
  const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [slot] });
  const transactions: Transaction[] = [];
  let open: Transaction | null = null;
  let isLast = false;
  try {
    await new Promise<void>((resolve, reject) => {
      service.on('data', (_lsn: string, message: Message) => {
        if (message.tag === 'begin') {
          if (open !== null) reject(new Error('a transaction began inside another'));
          open = { events: [] };
        } else if (message.tag === 'commit') {
          if (open === null) reject(new Error('a commit without a beginning'));
          else transactions.push(open);
          open = null;
          if (isLast) resolve();
        } else if (message.tag === 'insert' || message.tag === 'update' || message.tag === 'delete') {
          if (open === null) reject(new Error('a change outside of a transaction'));
          else open.events.push(message);
          if (message.tag === 'update' && message.new['token'] === token) isLast = true;
        }
      });
      service.on('error', reject);
      service.subscribe(plugin, slot).catch(reject);
    });
  } finally {
    await service.stop();
    await service.destroy();
  }
  return transactions;
}

const OP = { insert: 'I', update: 'U', delete: 'D' } as const;

function rowOf(event: RowEvent): Record<string, unknown> {
  return event.tag === 'delete' ? (event.key ?? event.old ?? {}) : event.new;
}

const nameOfState = (id: unknown) =>
  (Object.keys(OrderState) as OrderStateName[]).find((name) => OrderState[name] === Number(id));

/** Illegal steps in the lives that the events tell, in commit order. */
function illegalSteps(events: readonly RowEvent[]): string[] {
  const states = new Map<number, OrderStateName>();
  const wrong: string[] = [];
  for (const event of events.filter(({ relation }) => relation.name === 'pedidos')) {
    const row = rowOf(event);
    const id = Number(row['id']);
    const before = states.get(id);
    const after = nameOfState(row['id_status']);
    if (event.tag === 'insert') {
      if (before !== undefined || after === undefined) wrong.push(`order ${id} placed twice`);
      else states.set(id, after);
    } else if (before === undefined) wrong.push(`order ${id}: ${event.tag} before it was placed`);
    else if (event.tag === 'delete') {
      if (lifecycle[before].purged !== 'gone') wrong.push(`order ${id} purged as ${before}`);
      states.delete(id);
    } else {
      const isLegal = orderEvents.some((step) => lifecycle[before][step] === after);
      if (after === undefined || (!isLegal && after !== before))
        wrong.push(`order ${id}: ${before} → ${after}`);
      else states.set(id, after);
    }
  }
  return wrong;
}

const cents = (value: unknown) => Math.round(Number(value) * 100);

/** What is not whole within a transaction: orders without their items, sums that do not add up. */
function halves(transaction: Transaction): string[] {
  const of = (table: string, tag: RowEvent['tag']) =>
    transaction.events.filter((event) => event.relation.name === table && event.tag === tag).map(rowOf);
  const sums = new Map<number, number>();
  for (const item of of('itenspedido', 'insert')) {
    const order = Number(item['id_pedido']);
    sums.set(order, (sums.get(order) ?? 0) + cents(item['subtotal']));
  }
  const placed = of('pedidos', 'insert');
  const wrong = placed
    .filter((order) => sums.get(Number(order['id'])) !== cents(order['subtotal']))
    .map((order) => `order ${order['id']} and its items came apart`);
  if (sums.size !== placed.length) wrong.push('items came without their order');
  const purged = of('pedidos', 'delete').length;
  const purgedItems = of('itenspedido', 'delete').length;
  if (purged > purgedItems || (purged === 0 && purgedItems > 0)) wrong.push('a purge came apart');
  return wrong;
}

describe('pg-logical-replication on pgoutput', () => {
  it('tells as many events as the ledger notes, legal lives, and whole transactions', async () => {
    origin = await createTestDatabase({ template: 'migrated', admin: upstream.settings });
    const { pool } = origin.connections;
    const slot = 'events';
    const tables = publishedTables.map((table) => `public.${table}`).join(', ');
    await pool.query(
      `CREATE PUBLICATION ${slot} FOR TABLE ${tables} WITH (publish = 'insert, update, delete')`,
    );
    await pool.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    const first = start();
    await seen(first, 'order.placed', 30);
    await first.end('SIGKILL');
    const second = start();
    await seen(second, 'order.placed', 60);
    await seen(second, 'order.delivered', 5);
    await seen(second, 'order.purged', 1);
    expect(await second.end()).toBe(0);

    const source = sourceSide(pool, 'the source');
    await source.writeProbe('the end');
    const ledger = await source.ledger(publishedTables, null);
    const transactions = await consume(origin, slot, 'the end');
    const events = transactions.flatMap((transaction) => transaction.events);
    const counted = new Map<string, number>();
    for (const event of events) {
      const kind = `${event.relation.name} ${OP[event.tag]}`;
      counted.set(kind, (counted.get(kind) ?? 0) + 1);
    }
    const noted = new Map(ledger.map(({ table, op, count }) => [`${table} ${op}`, count]));
    expect(new Map([...counted].sort())).toEqual(new Map([...noted].sort()));
    expect(noted.get('itenspedido D')).toBeGreaterThan(0);
    expect(illegalSteps(events)).toEqual([]);
    expect(transactions.flatMap(halves)).toEqual([]);
    await pool.query(`SELECT pg_drop_replication_slot('${slot}')`);
    await origin.drop();
  });
});
