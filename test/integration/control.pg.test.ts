import { Command } from 'commander';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandContext } from '../../src/command-context.ts';
import { loadConfig } from '../../src/config/config.ts';
import { readSettings } from '../../src/db/settings.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { register } from '../../src/traffic/command.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ template: 'migrated' });
});
afterAll(() => database.drop());

/** Runs a command as the terminal would; returns what it printed. */
async function run(
  argv: readonly string[],
  options: { url?: string; signal?: AbortSignal; onPrint?: () => void } = {},
): Promise<string> {
  let printed = '';
  const { config } = loadConfig({ DATABASE_URL: options.url ?? database.url });
  const context: CommandContext = {
    config: () => config,
    logger: silentLogger,
    daemonLogger: silentLogger,
    print: (text) => {
      printed += text;
      options.onPrint?.();
    },
    printError: () => {},
    isTerminal: false,
    ask: async () => null,
    signal: options.signal ?? new AbortController().signal,
    env: {},
    exit: () => {},
  };
  const program = new Command().exitOverride();
  register(program, context);
  await program.parseAsync([...argv], { from: 'user' });
  return printed;
}

const settings = () => readSettings(database.connections.db);

describe('control from the terminal', () => {
  it('keeps the rate in the database, and gives it back to ORDERS_PER_MINUTE', async () => {
    expect(await run(['rate', '600'])).toContain(
      'rate is 600 orders a minute, instead of ORDERS_PER_MINUTE=60',
    );
    expect(await settings()).toEqual({ rate: 600, paused: false });
    expect(JSON.parse(await run(['rate', '0.5', '--json']))).toEqual({
      rate: 0.5,
      paused: false,
      workers: 0,
    });
    expect(await run(['rate', 'default'])).toContain('rate is 60 orders a minute, as ORDERS_PER_MINUTE says');
    expect(await settings()).toEqual({ rate: null, paused: false });
  });

  it('pauses and resumes, and says who follows', async () => {
    const { db } = database.connections;
    await sql`INSERT INTO simulator.workers (id, name, stats) VALUES (gen_random_uuid(), 'host:1',
      '{"placedPerMinute": 58, "moved": {"placed": 58, "approved": 55}, "heldBy": ["slot x keeps 2 GB"]}')`.execute(
      db,
    );
    expect(await run(['pause'])).toBe('traffic is paused; the worker follows within a tick\n');
    expect((await settings()).paused).toBe(true);
    expect(await run(['rate', '90'])).toContain('still paused: npm run sim -- resume');
    const status = await run(['status']);
    expect(status).toContain('58 orders a minute of 90 (set at run time; ORDERS_PER_MINUTE is 60)');
    expect(status).toContain('PAUSED by the operator: npm run sim -- resume');
    expect(status).toContain('PAUSED: slot x keeps 2 GB');
    expect(status).toMatch(/host:1\s*│\s*100 %\s*│\s*58/);
    expect(status).toMatch(/Processando\s*│\s*0\s*│\s*\+55 approved/);
    expect(status).toContain('No replication slot');
    expect(await run(['resume'])).toContain('traffic flows');
    expect((await settings()).paused).toBe(false);
  });

  it('reports as JSON, and again and again until it is told to stop', async () => {
    const report = JSON.parse(await run(['status', '--json'])) as Record<string, unknown>;
    expect(report).toMatchObject({ configuredRate: 60, paused: false, achievedPerMinute: 58, dueBacklog: 0 });
    expect(report['orders']).toMatchObject({ Pendente: 0, Devolvido: 0 });
    const stop = new AbortController();
    let readings = 0;
    const watched = await run(['status', '--watch', '--json'], {
      signal: stop.signal,
      onPrint: () => {
        readings += 1;
        if (readings === 2) stop.abort();
      },
    });
    const lines = watched.trim().split('\n');
    expect(lines.length).toBe(2);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('ratePerMinute');
  });

  it.each(['-1', '1e3', '', 'fast', '1000001', 'NaN'])(
    'refuses the rate %j and changes nothing',
    async (text) => {
      const before = await settings();
      await expect(run(['rate', '--', text])).rejects.toMatchObject({
        exitCode: 2,
        fix: expect.stringContaining('npm run sim -- rate'),
      });
      expect(await settings()).toEqual(before);
    },
  );

  it('says that there is no shop where there is none', async () => {
    const empty = await createTestDatabase({ template: 'empty' });
    try {
      for (const argv of [['pause'], ['rate', '5'], ['status']]) {
        await expect(run(argv, { url: empty.url })).rejects.toMatchObject({
          message: expect.stringContaining('no shop'),
          fix: expect.stringContaining('npm start'),
        });
      }
    } finally {
      await empty.drop();
    }
  });
});
