import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import { cleanUp } from '../../src/scenarios/clean.ts';
import { refuseWhereTrafficPauses } from '../../src/scenarios/guard.ts';
import { scenarios } from '../../src/scenarios/list.ts';
import type { Played, Scenario, Stage } from '../../src/scenarios/scenario.ts';
import type { Source } from '../../src/verify/source-side.ts';
import type { Target } from '../../src/verify/target.ts';
import { runCommand } from '../support/daemon.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createFollowed, type Followed } from '../support/followed.ts';
import { checkInvariants } from '../support/invariants.ts';
import { ask, found, tamper } from '../support/oracle.ts';
import type { TestSubscription } from '../support/subscription.ts';

let followed: Followed;
let origin: TestDatabase;
let copy: TestDatabase;
let subscription: TestSubscription;
let source: Source;
let target: Target;

beforeAll(async () => {
  followed = await createFollowed({
    template: 'seeded',
    name: 'scenes',
  });
  ({ origin, copy, subscription, source, target } = followed);
});
afterAll(() => followed?.drop());

function stage(scenario: Scenario, overrides: Partial<Stage> = {}): Stage {
  const nowMs = Date.now();
  return {
    db: origin.connections.db,
    rows: Math.min(scenario.size.rows, 60),
    holdMs: 400,
    random: createRandom(`${scenario.name}/${nowMs}`),
    nowMs,
    lifecycleSpeed: 1440,
    paymentMix: 'today',
    signal: new AbortController().signal,
    ...overrides,
  };
}

const named = (name: string): Scenario => {
  const scenario = scenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenario;
};

async function play(name: string, overrides: Partial<Stage> = {}): Promise<Played> {
  const scenario = named(name);
  // whoever follows the shape of a table has its columns before it has its rows
  if (name === 'new-column') await follow();
  const played = await scenario.play(stage(scenario, overrides));
  await subscription.caughtUp();
  return played;
}

let columns = 0;
async function follow(): Promise<void> {
  columns += 1;
  await copy.connections.pool.query(`ALTER TABLE clientes ADD COLUMN apelido_${columns} varchar(40)`);
}

/** Rows of the ledger so far, as `table op` → count. */
async function ledger(): Promise<Map<string, number>> {
  const { rows } = await origin.connections.pool.query<{ name: string; n: number }>(
    `SELECT table_name || ' ' || op::text AS name, sum(row_count)::int AS n FROM simulator.ledger GROUP BY 1`,
  );
  return new Map(rows.map(({ name, n }) => [name, n]));
}

const look = (at: TestDatabase, statement: string) =>
  at.connections.pool.query({ text: statement, rowMode: 'array' }).then((result) => result.rows);

/** What the statements to look with must say, of so many rows as are played here. */
const SEEN: Readonly<Record<string, readonly unknown[]>> = {
  'large-transaction': [[[60, '(11) 90000-0002', '(11) 90000-0002']]],
  rollback: [[[20]], [[0]]],
  'late-commit': [[[50, expect.any(Date)]], [[50, expect.any(Date)]]],
  'hot-row': [[['(11) 900000060', expect.any(Date)]]],
  'short-lives': [[[0]]],
  'key-reuse': [[['Segunda', 60]]],
  'key-change': [[[60]], [[0]]],
  'mass-delete': [[[0]]],
};

describe('each scenario', () => {
  it.each(scenarios.map(({ name }) => name))(
    '%s: writes what it says, breaks no rule of the shop, and a correct reader shows it',
    async (name) => {
      const before = await ledger();
      const { changes, facts, look: statements } = await play(name);
      const after = await ledger();
      const noted = [...after].flatMap(([key, n]) =>
        n === (before.get(key) ?? 0) ? [] : [[key, n - (before.get(key) ?? 0)]],
      );
      const told = changes.flatMap(({ table, inserted, updated, deleted }) =>
        [
          [`${table} I`, inserted],
          [`${table} U`, updated],
          [`${table} D`, deleted],
        ].filter(([, n]) => n !== 0),
      );
      expect(Object.fromEntries(told)).toEqual(Object.fromEntries(noted));
      expect(told.length).toBeGreaterThan(0);
      expect(facts.length).toBeGreaterThan(0);
      expect(await checkInvariants(origin.connections.db)).toEqual([]);

      const seen = [];
      for (const statement of statements) seen.push(await look(origin, statement));
      if (SEEN[name] !== undefined) expect(seen).toEqual(SEEN[name]);
      for (const [index, statement] of statements.entries()) {
        expect(await look(copy, statement)).toEqual(seen[index]);
      }
      expect(found(await ask(source, target))).toEqual([]);
    },
    30_000,
  );

  it('was played with something in it: text, dates, money and large values as they were meant', async () => {
    const { rows } = await copy.connections.pool.query<Record<string, unknown>>(
      `SELECT (SELECT count(*)::int FROM clientes WHERE nome = '' AND email LIKE 'cenario.hostile-text.%') AS empty,
        (SELECT count(*)::int FROM clientes WHERE sobrenome = '👟👨‍👩‍👧‍👦🇧🇷') AS emoji,
        (SELECT min(data_cadastro)::text FROM clientes) AS first, (SELECT max(data_cadastro)::text FROM clientes) AS last,
        (SELECT max(preco)::text FROM produtos) AS dearest, (SELECT max(length(descricao)) FROM produtos) AS longest,
        (SELECT count(*)::int FROM clientes WHERE apelido_1 LIKE 'apelido % novo') AS renewed`,
    );
    expect(rows[0]).toMatchObject({
      empty: expect.any(Number),
      first: '0001-01-01',
      last: '9999-12-31',
      dearest: '9999999999.99',
      longest: 200_001,
      renewed: 25,
    });
    expect(rows[0]?.['empty']).toBeGreaterThan(0);
    expect(rows[0]?.['emoji']).toBeGreaterThan(0);
  });

  it('late-commit: the late rows are older than what was there before them', async () => {
    const { look: statements } = await play('late-commit');
    const newest = async (statement = '') => Number((await look(copy, statement))[0]?.[1]);
    expect(await newest(statements[0])).toBeLessThan(await newest(statements[1]));
  });

  it('late-commit, interrupted: leaves nothing of the late transaction', async () => {
    const abort = new AbortController();
    const count = async () =>
      Number(
        (
          await look(origin, `SELECT count(*) FROM clientes WHERE email LIKE 'cenario.late-commit.%'`)
        )[0]?.[0],
      );
    const before = await count();
    const playing = named('late-commit').play(
      stage(named('late-commit'), { holdMs: 20_000, rows: 20, signal: abort.signal }),
    );
    await expect.poll(count).toBeGreaterThan(before);
    abort.abort();
    await expect(playing).rejects.toThrow(/interrupted/);
    expect(await count()).toBeLessThan(before + 20);
  });

  it('order-burst says so when there is nothing to sell', async () => {
    const empty = await createTestDatabase({ template: 'migrated' });
    try {
      const scenario = named('order-burst');
      await expect(scenario.play(stage(scenario, { db: empty.connections.db }))).rejects.toMatchObject({
        message: expect.stringMatching(/shelf is empty/),
      });
    } finally {
      await empty.drop();
    }
  });
});

/** What a reader shows that fell into the trap (`at`: one row of the scenario's), and what the oracle calls it. */
const TRAPS: readonly (readonly [scenario: string, mistake: (at: string) => string, told: RegExp])[] = [
  [
    'rollback',
    (at) => `INSERT INTO clientes SELECT (jsonb_populate_record(c,
      jsonb_build_object('id', c.id + 900000, 'cpf', 'x', 'email', 'x'))).* FROM clientes c WHERE ${at}`,
    /^clientes \d+ extra$/,
  ],
  ['late-commit', (at) => `DELETE FROM clientes WHERE ${at}`, /^clientes \d+ missing$/],
  [
    'hot-row',
    (at) => `UPDATE clientes SET telefone = '(11) 900000059',
      atualizado_em = atualizado_em - interval '1 ms' WHERE ${at}`,
    /^clientes \d+ stale/,
  ],
  [
    'key-change',
    (at) => `UPDATE clientes SET id = id + 900000 WHERE ${at}`,
    /^clientes \d+ missing\nclientes \d+ extra$/,
  ],
  [
    'large-values',
    () =>
      `UPDATE produtos SET descricao = '' WHERE id = (SELECT max(id) FROM produtos WHERE length(descricao) > 100000)`,
    /^produtos \d+ wrong descricao$/,
  ],
  [
    'edge-values',
    () => 'UPDATE produtos SET preco = 9999999999.98 WHERE preco = 9999999999.99',
    /^produtos \d+ wrong preco$/,
  ],
  [
    'hostile-text',
    () => `UPDATE clientes SET nome = trim(nome) WHERE nome <> trim(nome)`,
    /^clientes \d+ wrong nome$/m,
  ],
  [
    'new-column',
    (at) => `UPDATE clientes SET apelido_1 = NULL WHERE ${at}`,
    /^clientes \d+ wrong apelido_1$/,
  ],
];

describe('a reader that falls into the trap of', () => {
  it.each(TRAPS)('%s is found out', async (name, mistake, told) => {
    const { pool } = copy.connections;
    expect(found(await ask(source, target))).toEqual([]);
    await tamper(
      pool,
      'CREATE TABLE kept_clientes AS SELECT * FROM clientes',
      'CREATE TABLE kept_produtos AS SELECT * FROM produtos',
    );
    try {
      await tamper(pool, mistake(`id = (SELECT min(id) FROM clientes WHERE email LIKE 'cenario.${name}.%')`));
      expect(found(await ask(source, target)).join('\n')).toMatch(told);
    } finally {
      await tamper(
        pool,
        'DELETE FROM clientes',
        'INSERT INTO clientes SELECT * FROM kept_clientes',
        'DELETE FROM produtos',
        'INSERT INTO produtos SELECT * FROM kept_produtos',
        'DROP TABLE kept_clientes, kept_produtos',
      );
    }
  });
});

describe('before anything is played', () => {
  const limits = { maxSlotLagBytes: 0, maxDatabaseBytes: 0 };

  it('looks whether live traffic would stand still: a slot that lags, a database that is full', async () => {
    const { db } = origin.connections;
    await refuseWhereTrafficPauses(db, limits);
    await expect(refuseWhereTrafficPauses(db, { ...limits, maxSlotLagBytes: 1 })).rejects.toThrow(
      /^nothing was played: slot scenes_/,
    );
    await expect(refuseWhereTrafficPauses(db, { ...limits, maxDatabaseBytes: 1_000 })).rejects.toThrow(
      /^nothing was played: the database has \d+.* its limit is 1/,
    );
  });
});

describe('the command', () => {
  it('ends with 3 when the target does not show it, and with 0 when it does', async () => {
    const env = { DATABASE_URL: origin.url };
    const asked = ['scenario', 'key-change', '--rows', '7', '--target', copy.url];
    const arrived = await runCommand([...asked, '--wait', '60s'], env);
    expect(arrived.stderr).toBe('');
    expect(arrived.stdout).toMatch(/✓ key-change: clientes: 7 inserted, 7 updated/);
    expect(arrived.stdout).toMatch(/✓ everything up to the watermark has arrived/);
    expect(arrived.code).toBe(0);
    await subscription.disable();
    try {
      const lost = await runCommand([...asked, '--wait', '0s', '--lag', '0s', '--json'], env);
      expect(lost.code).toBe(3);
      const { scenarios: played, verification } = JSON.parse(lost.stdout);
      expect(played).toMatchObject([{ name: 'key-change', changes: [{ table: 'clientes', updated: 7 }] }]);
      expect(verification.counts.missing).toBe(7);
    } finally {
      await subscription.enable();
      await subscription.caughtUp();
    }
  });

  it('says so where there is no shop', async () => {
    const nothing = await createTestDatabase({ template: 'empty' });
    try {
      const { code, stderr } = await runCommand(['scenario', 'rollback'], { DATABASE_URL: nothing.url });
      expect(code).toBe(1);
      expect(stderr).toMatch(/there is no shop in .* yet\n {2}fix: start it once: npm start/);
    } finally {
      await nothing.drop();
    }
  });
});

describe('cleaning up', () => {
  it('takes back customers, products and columns, leaves orders, and has nothing to do after that', async () => {
    const { db, pool } = origin.connections;
    const orders = async () => (await pool.query('SELECT count(*) FROM pedidos')).rows[0];
    const before = await orders();
    const cleaned = await cleanUp(db);
    expect(cleaned.customers).toBeGreaterThan(300);
    expect(cleaned.products).toBe(18);
    expect(cleaned.columns).toEqual(['apelido_1']);
    const left = await pool.query(
      `SELECT 1 FROM clientes WHERE email LIKE 'cenario.%' UNION ALL SELECT 1 FROM produtos WHERE sku LIKE 'CENARIO%'`,
    );
    expect(left.rows).toEqual([]);
    expect(await orders()).toEqual(before);
    expect(await checkInvariants(db)).toEqual([]);
    expect(await cleanUp(db)).toEqual({ customers: 0, products: 0, columns: [] });
    await subscription.caughtUp();
    await copy.connections.pool.query('ALTER TABLE clientes DROP COLUMN apelido_1');
    expect(found(await ask(source, target))).toEqual([]);
  });
});
