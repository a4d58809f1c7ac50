import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/pg-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

let server: TestServer;
let database: TestDatabase | undefined;
let npm: ChildProcess | undefined;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  if (npm?.pid !== undefined) {
    try {
      process.kill(-npm.pid, 'SIGKILL');
    } catch {
      // the whole group has ended
    }
  }
  npm = undefined;
  await database?.drop();
});

/** `npm start` as a terminal runs it: at the head of a process group of its own. */
async function npmStart(): Promise<{ pid: number; output: () => string; ended: Promise<number | null> }> {
  database = await createTestDatabase({ template: 'empty', admin: server.settings });
  const child = spawn('npm', ['start'], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      HTTP_PORT: '0',
      SEED_CUSTOMERS: '100',
      SEED_PRODUCTS: '50',
      HISTORY_ORDERS: '100',
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'info',
    },
  });
  npm = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await expect.poll(() => output, { timeout: 60_000, interval: 100 }).toContain('"traffic.summary"');
  return { pid: child.pid ?? 0, output: () => output, ended };
}

describe.skipIf(process.platform === 'win32')('npm start', () => {
  it('hands a signal on: the daemon ends with it, and well', { timeout: 120_000 }, async () => {
    const { pid, output, ended } = await npmStart();
    process.kill(pid, 'SIGTERM');
    expect(await ended).toBe(0);
    expect(output()).toContain('"msg":"stopped"');
  });

  it('takes Ctrl-C, which reaches npm and the daemon both, for one signal', {
    timeout: 120_000,
  }, async () => {
    const { pid, output, ended } = await npmStart();
    process.kill(-pid, 'SIGINT');
    expect(await ended).toBe(0);
    expect(output()).toContain('"msg":"stopped"');
    expect(output()).not.toContain('stopping at once');
  });
});
