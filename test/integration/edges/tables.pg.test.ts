import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLookups } from '../../../src/catalog/check-lookups.ts';
import { expectedTables } from '../../../src/db/expected-tables.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { readCatalog } from '../../../src/db/read-catalog.ts';
import { privateTables } from '../../../src/db/schema.ts';
import { judgeShape } from '../../../src/db/shape.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ template: 'seeded' });
});
afterAll(() => database.drop());

const run = (text: string) => database.connections.pool.query(text);

/** What the start says; 'fine' when it says nothing. */
async function start(): Promise<{ said: string; fix: string; warnings: readonly string[] }> {
  const warnings: string[] = [];
  const logger = createLogger({
    level: 'warn',
    format: 'json',
    destination: { write: (line: string) => void warnings.push((JSON.parse(line) as { msg: string }).msg) },
  });
  try {
    await migrate(database.connections.db, logger);
    await checkLookups(database.connections.db, logger);
    return { said: 'fine', fix: '', warnings };
  } catch (error) {
    expect(error).toMatchObject({ name: 'OperatorError', exitCode: 1 });
    const { message, fix } = error as { message: string; fix: string };
    return { said: message, fix, warnings };
  }
}

describe('the tables that are expected', () => {
  it('are those that the migrations make, column by column', async () => {
    const { tables } = await readCatalog(database.connections.db);
    expect(judgeShape(tables)).toEqual([]);
    const made = (all: readonly { schema: string; name: string }[]) =>
      all.map(({ schema, name }) => `${schema}.${name}`).sort();
    expect(made(tables)).toEqual(made(expectedTables));
    for (const table of tables) {
      const expected = expectedTables.find(
        ({ schema, name }) => schema === table.schema && name === table.name,
      );
      expect(new Set(expected?.columns.keys()), table.name).toEqual(
        new Set(table.columns.map(({ name }) => name)),
      );
      for (const { name, type, notNull } of table.columns) {
        expect(expected?.columns.get(name)?.type).toBe(type);
        if (table.name !== 'migration') expect(expected?.columns.get(name)?.nullable, name).toBe(!notNull);
      }
      if (table.schema === 'public') expect(table.triggers).toHaveLength(3);
    }
    expect(
      expectedTables
        .filter(({ schema }) => schema === 'simulator')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(privateTables.filter((name) => name !== 'migration_lock').sort());
  });
});

/** Harmless: what was done, and what undoes it. */
const HARMLESS: readonly (readonly [what: string, alter: string, undo: string, warns?: RegExp])[] = [
  ['a nullable column', 'ALTER TABLE pedidos ADD obs text', 'ALTER TABLE pedidos DROP obs'],
  [
    'a column with a default',
    'ALTER TABLE pedidos ADD obs int NOT NULL DEFAULT 7',
    'ALTER TABLE pedidos DROP obs',
  ],
  [
    'a generated column',
    'ALTER TABLE itenspedido ADD dobro int GENERATED ALWAYS AS (quantidade * 2) STORED',
    'ALTER TABLE itenspedido DROP dobro',
  ],
  [
    'a wider text',
    'ALTER TABLE clientes ALTER nome TYPE text',
    'ALTER TABLE clientes ALTER nome TYPE varchar(60)',
  ],
  [
    'a wider integer',
    'ALTER TABLE produtos ALTER estoque TYPE bigint',
    'ALTER TABLE produtos ALTER estoque TYPE int',
  ],
  [
    'NULL allowed',
    'ALTER TABLE clientes ALTER telefone DROP NOT NULL',
    'ALTER TABLE clientes ALTER telefone SET NOT NULL',
  ],
  [
    'an index and a comment',
    `CREATE INDEX obs ON pedidos (total); COMMENT ON TABLE pedidos IS 'x'`,
    'DROP INDEX obs',
  ],
  [
    'whole rows for readers',
    'ALTER TABLE produtos REPLICA IDENTITY FULL',
    'ALTER TABLE produtos REPLICA IDENTITY DEFAULT',
  ],
  [
    'an unlogged table, with a warning',
    'ALTER TABLE itenspedido SET UNLOGGED',
    'ALTER TABLE itenspedido SET LOGGED',
    /public\.itenspedido is unlogged: .*SET LOGGED/,
  ],
  [
    'a lookup row of another name, with a warning',
    `UPDATE status SET nome = 'Expedido' WHERE id = 3`,
    `UPDATE status SET nome = 'Enviado' WHERE id = 3`,
    /public\.status 3 is called "Expedido" instead of Enviado; .*UPDATE public\.status SET nome = 'Enviado'/,
  ],
];

/** Harmful: what was done, what the start says. The statements that it prints must mend it. */
const HARMFUL: readonly (readonly [what: string, alter: string, says: RegExp])[] = [
  [
    'a NOT NULL column without default',
    'ALTER TABLE categorias ADD obs int; UPDATE categorias SET obs = 1; ALTER TABLE categorias ALTER obs SET NOT NULL',
    /public\.categorias\.obs was added as NOT NULL without a default/,
  ],
  ['a dropped column', 'ALTER TABLE pedidos DROP parcelas', /public\.pedidos\.parcelas is missing/],
  [
    'a renamed column',
    'ALTER TABLE pedidos RENAME frete TO "Frete R$"',
    /public\.pedidos\.frete is missing; "Frete R\$" looks like it, renamed/,
  ],
  [
    'bigint made int',
    'ALTER TABLE itenspedido ALTER id_produto TYPE int',
    /public\.itenspedido\.id_produto is integer, not bigint/,
  ],
  [
    'numeric made text',
    'ALTER TABLE produtos DROP CONSTRAINT produtos_preco_check, DROP CONSTRAINT produtos_check, ALTER preco TYPE text',
    /public\.produtos\.preco is text, not numeric/,
  ],
  [
    'timestamptz made timestamp',
    'ALTER TABLE clientes ALTER criado_em TYPE timestamp',
    /clientes\.criado_em is timestamp without time zone/,
  ],
  [
    'a shorter text',
    'ALTER TABLE status ALTER nome TYPE varchar(20)',
    /status\.nome is character varying\(20\)/,
  ],
  [
    'a default dropped',
    'ALTER TABLE clientes ALTER atualizado_em DROP DEFAULT',
    /clientes\.atualizado_em is not filled by the server/,
  ],
  [
    'an identity made ALWAYS',
    'ALTER TABLE clientes ALTER id SET GENERATED ALWAYS',
    /clientes\.id takes no value of ours/,
  ],
  [
    'NULL forbidden',
    'ALTER TABLE simulator.stock_book ADD CONSTRAINT n CHECK (true); UPDATE simulator.stock_book SET discontinued_at = now(); ALTER TABLE simulator.stock_book ALTER discontinued_at SET NOT NULL',
    /stock_book\.discontinued_at takes no NULL/,
  ],
  [
    'a primary key dropped',
    'ALTER TABLE itenspedido DROP CONSTRAINT itenspedido_pkey',
    /public\.itenspedido has no primary key/,
  ],
  [
    'a unique key dropped',
    'ALTER TABLE produtos DROP CONSTRAINT produtos_sku_key',
    /produtos\.sku is not unique/,
  ],
  [
    'a ledger trigger dropped',
    'DROP TRIGGER simulator_note_delete ON pedidos',
    /public\.pedidos has lost its trigger simulator_note_delete: no DELETE is noted/,
  ],
  [
    'a ledger trigger disabled',
    'ALTER TABLE clientes DISABLE TRIGGER simulator_note_update',
    /simulator_note_update of public\.clientes is disabled/,
  ],
  [
    'all triggers disabled',
    'ALTER TABLE produtos DISABLE TRIGGER ALL',
    /simulator_note_insert of public\.produtos is disabled/,
  ],
  [
    'a rule',
    'CREATE RULE "no update" AS ON UPDATE TO cdc_heartbeat DO INSTEAD NOTHING',
    /cdc_heartbeat has the rule "no update"/,
  ],
  [
    'no replica identity, published',
    'ALTER TABLE marcas REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE marcas',
    /public\.marcas is published without a replica identity/,
  ],
  [
    'a sequence set back',
    `SELECT setval('pedidos_id_seq', 5)`,
    /sequence public\.pedidos_id_seq is at 5, and public\.pedidos has ids up to \d+/,
  ],
  [
    'a lookup row deleted',
    'ALTER TABLE pedidos DROP CONSTRAINT pedidos_id_status_fkey; DELETE FROM status WHERE id = 3',
    /public\.status has no row 3 \(Enviado\)/,
  ],
];

describe('a shop that somebody has altered', () => {
  const harmless = HARMLESS.map(([what, alter, undo, warns]) => ({ what, alter, undo, warns }));
  it.each(harmless)('starts with $what', async ({ alter, undo, warns }) => {
    await run(alter);
    try {
      const { said, warnings } = await start();
      expect(said).toBe('fine');
      if (warns === undefined) expect(warnings).toEqual([]);
      else expect(warnings.join()).toMatch(warns);
    } finally {
      await run(undo);
    }
  });

  it.each(HARMFUL)('is told of %s, with statements that mend it', async (_what, alter, says) => {
    await run(alter);
    const { said, fix } = await start();
    expect(said).toMatch(says);
    expect(fix).toContain('npm run sim -- reset');
    const statements = [...fix.matchAll(/^ {4}(.*);$/gm)].map(([, statement]) => statement ?? '');
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) await run(statement);
    expect(await start()).toMatchObject({ said: 'fine', warnings: [] });
  });

  it('is told of a table that was renamed, and nothing else', async () => {
    await run('ALTER TABLE public.itenspedido RENAME TO itens');
    expect(await start()).toMatchObject({
      said: 'the tables are not as cdc-sim made them:\n  public.itenspedido is missing (dropped, or renamed)',
      fix: 'restore what is missing (or its name), or start over: npm run sim -- reset',
    });
    await run('CREATE VIEW public.itenspedido AS SELECT * FROM public.itens');
    expect((await start()).said).toContain('public.itenspedido is no table any more');
    await run('DROP VIEW public.itenspedido; ALTER TABLE public.itens RENAME TO itenspedido');
    expect((await start()).said).toBe('fine');
  });
});
