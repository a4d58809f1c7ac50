import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attachEmbedded } from '../../../src/db/embedded/attach.ts';
import { clientConfig, connect } from '../../../src/db/pool.ts';
import { openStore } from '../../../src/lakehouse/store.ts';
import { createSlot, dropSlot, readSlot } from '../../../src/lakehouse/tap/slot.ts';
import { delay } from '../../../src/lib/backoff.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { freePort } from '../../support/pg-server.ts';
import { lakehouseFolder, slotName, startTap, type TestTap, until } from '../../support/tap.ts';

const SCRIPT = fileURLToPath(new URL('../../support/tap-process.ts', import.meta.url));
const TABLES = `
  CREATE TABLE contas (id bigint PRIMARY KEY, saldo numeric(12,2) NOT NULL, nota text);
  CREATE PUBLICATION cdc_sim FOR TABLE contas;`;

let lake: ReturnType<typeof lakehouseFolder>;
let running: TestTap | undefined;
beforeEach(() => {
  lake = lakehouseFolder();
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  lake.remove();
});

const rawAccounts = (tap: TestTap) =>
  tap.rows(
    `SELECT id::VARCHAR AS id, saldo::VARCHAR AS saldo, nota FROM lakehouse.raw.contas
     WHERE __hevo__marked_deleted IS NOT TRUE ORDER BY contas.id`,
  );

async function settled(pool: pg.Pool, tap: TestTap): Promise<number> {
  const { raw } = await until(
    async () => {
      const source = await pool.query('SELECT id::text, saldo::text, nota FROM contas ORDER BY contas.id');
      return { source: source.rows, raw: await rawAccounts(tap) };
    },
    ({ source, raw }) => JSON.stringify(source) === JSON.stringify(raw),
  );
  return raw.length;
}

describe('a tap that meets trouble', () => {
  let database: TestDatabase;
  const query = (sql: string) => database.connections.pool.query(sql);
  const start = async (slot: string, options = {}) => {
    running = await startTap(database, lake.file, slot, options);
    return running;
  };

  beforeAll(async () => {
    database = await createTestDatabase({ template: 'empty' });
    await query(TABLES);
  });
  beforeEach(() => query('DELETE FROM contas'));
  afterAll(() => database.drop());

  it('is killed in the middle of batches, and the next one goes on without loss', async () => {
    const slot = slotName();
    const limits = { batchMs: 20, maxChanges: 300 };
    const options = JSON.stringify({ settings: database.settings, file: lake.file, slot, limits });
    let stop = false;
    const writer = (async () => {
      for (let round = 1; !stop; round++) {
        await query(
          `INSERT INTO contas SELECT g, 0, 'nova' FROM generate_series(${round * 1000}, ${round * 1000 + 500}) g`,
        );
        await query(`UPDATE contas SET saldo = saldo + 1 WHERE id % 3 = ${round % 3}`);
        await query(`DELETE FROM contas WHERE id BETWEEN ${round * 1000 + 100} AND ${round * 1000 + 400}`);
        await query(
          `INSERT INTO contas SELECT g, 7, NULL FROM generate_series(${round * 1000 + 200}, ${round * 1000 + 250}) g`,
        );
        if (round > 2) await query(`DELETE FROM contas WHERE id < ${(round - 2) * 1000}`);
        await delay(100);
      }
    })();
    try {
      for (const batches of [2, 4]) {
        const child = spawn(process.execPath, [SCRIPT, options], { stdio: ['pipe', 'pipe', 'inherit'] });
        const ended = once(child, 'exit');
        let applied = 0;
        for await (const line of createInterface({ input: child.stdout })) {
          if (line.startsWith('applied') && ++applied >= batches) child.kill('SIGKILL');
        }
        const [, signal] = await ended;
        expect(signal).toBe('SIGKILL');
      }
    } finally {
      stop = true;
      await writer;
    }
    expect((await readSlot(database.connections.pool, slot))?.confirmedLsn).toBeDefined();
    const tap = await start(slot, { limits });
    expect(await settled(database.connections.pool, tap)).toBeGreaterThan(100);
  });

  it('is cut off by the server, and comes back by itself', async () => {
    const slot = slotName();
    const tap = await start(slot);
    await query(`INSERT INTO contas VALUES (1, 1, 'a')`);
    await settled(database.connections.pool, tap);
    await query(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${slot}'`,
    );
    await query(`INSERT INTO contas VALUES (2, 2, 'b')`);
    expect(await settled(database.connections.pool, tap)).toBe(2);
    expect(tap.tap.stats().reconnects).toBeGreaterThan(0);
  });

  it('starts a copy over that was interrupted', async () => {
    const slot = slotName();
    await query(`INSERT INTO contas SELECT g, g, 'antes' FROM generate_series(1, 100) g`);
    const first = await start(slot);
    // as a kill in the middle of the copy leaves it: half of the rows, the slot, and the note that it was copying
    await first.connection.run(`DELETE FROM lakehouse.raw.contas WHERE id % 2 = 0`);
    await first.close();
    const store = await openStore(lake.file);
    await (await store.connect()).run(`UPDATE lakehouse._tap.state SET phase = 'copying'`);
    await store.close();
    const left = await createSlot(database.settings, slot, silentLogger());
    await left.release();
    await query('DELETE FROM contas WHERE id <= 10');
    const tap = await start(slot);
    expect(await settled(database.connections.pool, tap)).toBe(90);
    expect(await tap.rows('SELECT count(*)::INTEGER AS n FROM lakehouse.raw.contas')).toEqual([{ n: 90 }]);
  });

  it('drops its slot when it stops and copies anew; told to keep it, it goes on where it was', async () => {
    const slot = slotName();
    const { pool } = database.connections;
    const kept = await startTap(database, lake.file, slot, { keepSlot: true });
    await query(`INSERT INTO contas VALUES (1, 1, 'a')`);
    await settled(pool, kept);
    await kept.close();
    expect(await readSlot(pool, slot)).not.toBeNull();
    await query('DELETE FROM contas');
    const resumed = await start(slot);
    await settled(pool, resumed);
    // a new copy would not know the row at all
    expect(await resumed.rows('SELECT __hevo__marked_deleted AS gone FROM lakehouse.raw.contas')).toEqual([
      { gone: true },
    ]);
    await resumed.close();
    expect(await readSlot(pool, slot)).toBeNull();
    const again = await start(slot);
    expect(await again.rows('SELECT count(*)::INTEGER AS n FROM lakehouse.raw.contas')).toEqual([{ n: 0 }]);
  });

  it('says so when another tap reads from the slot, and leaves that one alone', async () => {
    const slot = slotName();
    const tap = await start(slot);
    const other = lakehouseFolder();
    try {
      await expect(startTap(database, other.file, slot, { busyPatienceMs: 300 })).rejects.toThrow(
        /in use: another lakehouse/,
      );
    } finally {
      other.remove();
    }
    await query(`INSERT INTO contas VALUES (1, 1, 'a')`);
    expect(await settled(database.connections.pool, tap)).toBe(1);
  });

  it('refuses a slot that somebody else has read from, and says how to start over', async () => {
    const slot = slotName();
    const { pool } = database.connections;
    const kept = await startTap(database, lake.file, slot, { keepSlot: true });
    await kept.close();
    // the servers of tests write their log late: a slot only moves to what is on disk
    await query(`BEGIN; SET LOCAL synchronous_commit = on; INSERT INTO contas VALUES (1, 1, 'a'); COMMIT`);
    await query(`SELECT pg_replication_slot_advance('${slot}', pg_current_wal_lsn())`);
    await expect(startTap(database, lake.file, slot)).rejects.toMatchObject({
      message: expect.stringContaining('somebody else has read from it'),
      fix: expect.stringContaining('lakehouse reset'),
    });
    await dropSlot(pool, slot);
  });
});

describe('a source that restarts', () => {
  it('is found again after a stop and after a crash; nothing is lost or twice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-test-'));
    const logger = silentLogger();
    const options = { dataDir: join(folder, 'postgres'), port: await freePort(), portWasSet: true };
    let server = await attachEmbedded(options, logger);
    const { settings, dataDir } = server;
    const connections = connect(settings, { poolSize: 3, logger });
    const query = (sql: string) => connections.pool.query(sql);
    try {
      await query(TABLES);
      await query(`INSERT INTO contas VALUES (1, 1, 'copiada')`);
      const database = { settings, connections } as TestDatabase;
      running = await startTap(database, lake.file, slotName());
      const tap = running;
      await query(`INSERT INTO contas VALUES (2, 2, 'antes')`);
      await settled(connections.pool, tap);
      await server.detach();
      server = await attachEmbedded(options, logger);
      await query(`INSERT INTO contas VALUES (3, 3, 'depois da parada')`);
      expect(await settled(connections.pool, tap)).toBe(3);

      process.kill(Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
      await until(
        async () => server.revive().then(() => canConnect(settings)),
        (isUp) => isUp,
      );
      await query(`INSERT INTO contas VALUES (4, 4, 'depois da queda')`).catch(() =>
        query(`INSERT INTO contas VALUES (4, 4, 'depois da queda')`),
      );
      expect(await settled(connections.pool, tap)).toBe(4);
      await tap.close();
    } finally {
      await connections.close();
      await server.detach();
      rmSync(folder, { recursive: true, force: true });
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

async function canConnect(settings: TestDatabase['settings']): Promise<boolean> {
  const client = new pg.Client(clientConfig(settings));
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
