import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli.ts';
import type { CommandContext } from '../../../src/command-context.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { connect } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { identifier } from '../../../src/lib/sql-text.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const reader = `leitor_${randomBytes(5).toString('hex')}`;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'migrated' });
});

afterAll(async () => {
  await database?.connections.pool
    .query(`DROP OWNED BY ${reader}; DROP ROLE ${reader}`)
    .catch(() => undefined);
  await database?.drop();
});

async function sim(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { DATABASE_URL: database.url };
  let out = '';
  let err = '';
  let exit = 0;
  const context: CommandContext = {
    config: () => loadConfig(env).config,
    logger: silentLogger,
    daemonLogger: silentLogger,
    print: (text) => {
      out += text;
    },
    printError: (text) => {
      err += text;
    },
    isTerminal: false,
    ask: async () => null,
    signal: new AbortController().signal,
    env,
    exit: (code) => {
      exit = code;
    },
  };
  const code = await runCli(argv, context);
  return { code: code === 0 ? exit : code, out, err };
}

describe('the commands', () => {
  it('doctor tells before anything is set up, and exits with 3', async () => {
    const { code, out } = await sim('doctor', '--reader-role', reader);
    expect(code).toBe(3);
    expect(out).toContain(`✗ reader's role ${reader}: there is no role ${reader}`);
    expect(out).toContain('fix: run: npm run sim -- setup-cdc');
    expect(out).toContain('· end to end: not tried');
  });

  it('doctor prints JSON', async () => {
    const { code, out } = await sim('doctor', '--json', '--reader-role', reader);
    expect(code).toBe(3);
    const report = JSON.parse(out) as { checks: { id: string }[]; counts: { fail: number } };
    expect(new Set(report.checks.map(({ id }) => id)).size).toBe(report.checks.length);
    expect(report.checks.length).toBeGreaterThanOrEqual(30);
    expect(report.counts.fail).toBeGreaterThan(0);
  });

  it('setup-cdc --print prints SQL alone on stdout, and changes nothing', async () => {
    const { code, out, err } = await sim('setup-cdc', '--print', '--reader-role', reader);
    expect(code).toBe(0);
    for (const line of out.trim().split('\n')) expect(line).toMatch(/^$|^--|;$/);
    const password = /password of \S+: (\S+)/.exec(err)?.[1] ?? '';
    expect(password).not.toBe('');
    expect(out).not.toContain(password);
    const { rowCount } = await database.connections.pool.query('SELECT 1 FROM pg_publication');
    expect(rowCount).toBe(0);
  });

  it('setup-cdc sets up and shows the password once; again there is nothing to do', async () => {
    const first = await sim('setup-cdc', '--json', '--reader-role', reader);
    expect(first.code).toBe(0);
    const done = JSON.parse(first.out) as {
      steps: { outcome: string }[];
      reader: { port: number; password?: string };
    };
    expect(done.steps.every(({ outcome }) => outcome === 'done')).toBe(true);
    expect(done.reader).toMatchObject({ port: database.settings.port, password: expect.any(String) });
    const again = await sim('setup-cdc', '--reader-role', reader);
    expect(again).toMatchObject({ code: 0 });
    expect(again.out).toContain('nothing to do');
    expect(again.out).not.toContain('password');
  });

  it('setup-cdc refuses a table that is not published and a name that is none', async () => {
    const table = await sim('setup-cdc', '--full-identity', 'produto', '--reader-role', reader);
    expect(table.code).toBe(2);
    expect(table.err).toContain('choose among');
    for (const none of ['', 'pg_monitor', 'a\nb', 'ç'.repeat(32)])
      expect((await sim('setup-cdc', '--reader-role', none)).code, none).toBe(2);
  });

  it('setup-cdc makes a role of any name, quotes and umlauts included, that can read', async () => {
    const name = `d'Ünal "leitor"; DROP ${randomBytes(3).toString('hex')}`;
    try {
      const made = await sim('setup-cdc', '--reader-role', name, '--reader-password', 'pão-é-água');
      expect(made).toMatchObject({ code: 0, err: '' });
      expect((await sim('setup-cdc', '--reader-role', name)).out).toContain('nothing to do');
      const { out } = await sim('doctor', '--reader-role', name);
      expect(out).toContain(`reader's role ${name}: `);
      expect(out).toContain('nothing fails');
      const as = connect(
        { ...database.settings, user: name, password: 'pão-é-água' },
        { poolSize: 1, logger: silentLogger() },
      );
      expect((await as.pool.query('SELECT FROM public.status')).rowCount).toBe(0);
      await as.close();
    } finally {
      await database.connections.pool.query(
        `DROP OWNED BY ${identifier(name)}; DROP ROLE ${identifier(name)}`,
      );
    }
  });
});
