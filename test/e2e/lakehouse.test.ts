import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LAKEHOUSE_SLOT } from '../../src/cdc/names.ts';
import { readSlot } from '../../src/lakehouse/tap/slot.ts';
import { type Daemon, runCommand, startDaemon } from '../support/daemon.ts';
import { createTestDatabase, type TestDatabase, urlOf } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/pg-server.ts';
import { lakehouseFolder } from '../support/tap.ts';

let server: TestServer;
let database: TestDatabase;
let daemon: Daemon | undefined;
const lake = lakehouseFolder();

beforeAll(async () => {
  server = await startTestServer();
  database = await createTestDatabase({ template: 'empty', admin: server.settings });
});
afterEach(async () => {
  await daemon?.end('SIGKILL');
});
afterAll(async () => {
  // the server goes with everything in it, also with a slot that a failed test left
  await database?.connections.close();
  await server?.stop();
  lake.remove();
});

describe('cdc-sim lakehouse', () => {
  it('goes from nothing to a verified lakehouse in one command, and leaves no slot behind', async () => {
    const env = { DATABASE_URL: urlOf(database.settings), ORDERS_PER_MINUTE: '300' };
    const file = ['--file', lake.file];
    daemon = startDaemon(env, ['lakehouse', '--with-simulator', '--refresh', 'off', ...file]);
    await daemon.waitForEvent('lakehouse.ready', { timeoutMs: 120_000 });
    await daemon.waitForEvent('order.placed', { from: daemon.lines.length, timeoutMs: 60_000 });

    const asked = await runCommand(
      ['lakehouse', ...file, '--json', '--query', 'SELECT count(*) > 400 AS plenty FROM raw.pedidos'],
      env,
    );
    expect(asked).toMatchObject({ code: 0, stdout: '[{"plenty":true}]\n' });
    const verified = await runCommand(['verify', '--target', `duckdb:${lake.file}`, '--json'], env);
    expect(verified.code, verified.stdout.slice(-2_000) + verified.stderr).toBe(0);
    // every adversity, while traffic runs: none of them may trip our own reader
    const played = await runCommand(
      ['scenario', 'all', '--rows', '30', '--hold', '2s', '--target', `duckdb:${lake.file}`, '--json'],
      env,
    );
    const outcome = played.stdout === '' ? null : JSON.parse(played.stdout).verification;
    expect(outcome?.differences, played.stderr).toEqual([]);
    expect(played.code, outcome?.summary).toBe(0);
    const { scenarios, verification } = JSON.parse(played.stdout);
    expect(scenarios).toHaveLength(13);
    expect(verification.tables.map(({ table }: { table: string }) => table)).toEqual([
      'clientes',
      'produtos',
      'pedidos',
      'itenspedido',
    ]);
    const column = await runCommand(
      ['lakehouse', ...file, '--json', '--query', 'SELECT count(apelido_1) AS n FROM raw.clientes'],
      env,
    );
    expect(column.stdout).toBe('[{"n":"30"}]\n');
    const second = await runCommand(['lakehouse', '--refresh', 'off', ...file], env);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/is open in another process[\s\S]*fix:/);
    expect((await runCommand(['lakehouse', 'reset', '--yes', ...file], env)).stderr).toMatch(
      /runs \(process/,
    );

    expect(await daemon.end('SIGTERM')).toBe(0);
    // the simulator ended in order, too, and nothing keeps log at the source
    expect(daemon.lines.map((line) => line.event)).toContain('worker.left');
    expect(await readSlot(database.connections.pool, LAKEHOUSE_SLOT)).toBeNull();
    const reset = await runCommand(['lakehouse', 'reset', '--yes', ...file], env);
    expect(reset).toMatchObject({ code: 0 });
    expect(reset.stdout).toMatch(/^deleted .*\nthere was no slot/);
    expect((await runCommand(['lakehouse', 'status', ...file], env)).code).toBe(1);
  });

  it('takes its simulator along when it is killed', async () => {
    const env = { DATABASE_URL: urlOf(database.settings), ORDERS_PER_MINUTE: '60' };
    const workers = async () => {
      const { rows } = await database.connections.pool.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM simulator.workers',
      );
      return rows[0]?.n;
    };
    daemon = startDaemon(env, ['lakehouse', '--with-simulator', '--refresh', 'off', '--file', lake.file]);
    await daemon.waitForEvent('lakehouse.ready', { timeoutMs: 60_000 });
    await expect.poll(workers, { timeout: 30_000 }).toBe(1);
    const { rows } = await database.connections.pool.query<{ name: string }>(
      'SELECT name FROM simulator.workers',
    );
    const pid = Number(rows[0]?.name.split(':').at(-1));
    const lives = () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    expect(lives()).toBe(true);
    await daemon.end('SIGKILL');
    // it leaves in order: a lease that merely ran out would stay in the table
    await expect.poll(workers, { timeout: 15_000 }).toBe(0);
    await expect.poll(lives, { timeout: 15_000 }).toBe(false);
  });
});
