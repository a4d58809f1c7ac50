import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { publishedTables } from '../../../src/db/schema.ts';
import { type Source, sourceSide } from '../../../src/verify/source-side.ts';
import type { Target, TargetOptions } from '../../../src/verify/target.ts';
import { openTarget } from '../../../src/verify/targets/open.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { ask, found, noCredentials } from '../../support/oracle.ts';
import { seedTinyShop } from '../../support/tiny-shop.ts';

describe('the oracle on tables as Hevo makes them', () => {
  let origin: TestDatabase;
  let lake: TestDatabase;
  let source: Source;
  const open: Target[] = [];

  beforeAll(async () => {
    origin = await createTestDatabase({ template: 'migrated' });
    lake = await createTestDatabase({ template: 'migrated' });
    await seedTinyShop(origin.connections.pool);
    source = sourceSide(origin.connections.pool, 'the source');
  });

  /** No keys, wider types, added columns: filled from the source through its JSON. */
  beforeEach(async () => {
    const { pool } = lake.connections;
    await pool.query('DROP SCHEMA IF EXISTS loja_raw CASCADE; CREATE SCHEMA loja_raw');
    for (const table of publishedTables) {
      const columns = await pool.query<{ list: string }>(
        `SELECT string_agg(format('%I %s', attname, CASE format_type(atttypid, NULL)
           WHEN 'numeric' THEN 'numeric(38,10)' WHEN 'smallint' THEN 'bigint' WHEN 'integer' THEN 'bigint'
           WHEN 'character varying' THEN 'text' ELSE format_type(atttypid, atttypmod) END), ', ' ORDER BY attnum) AS list
         FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
        [`public.${table}`],
      );
      const rows = await origin.connections.pool.query<{ all: string }>(
        `SELECT coalesce(jsonb_agg(t), '[]')::text AS all FROM public.${table} t`,
      );
      await pool.query(
        `CREATE TABLE loja_raw.${table} (${columns.rows[0]?.list}, __hevo__ingested_at bigint, __hevo__loaded_at timestamptz,
           __hevo__marked_deleted boolean)`,
      );
      await pool.query(
        `INSERT INTO loja_raw.${table} SELECT r.* FROM jsonb_populate_recordset(NULL::loja_raw.${table}, $1::jsonb) r`,
        [rows.rows[0]?.all],
      );
    }
  });

  afterAll(async () => {
    for (const target of open) await target.close();
    await lake?.drop();
    await origin?.drop();
  });

  async function lakeTarget(options: Partial<TargetOptions> = {}): Promise<Target> {
    const target = await openTarget({
      target: lake.url,
      schema: 'loja_raw',
      hevo: true,
      databricks: noCredentials,
      ...options,
    });
    open.push(target);
    return target;
  }
  const atLake = (sql: string) => lake.connections.pool.query(sql);

  it('wider types, added columns and missing keys are no difference', async () => {
    const report = await ask(source, await lakeTarget());
    expect(found(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.target).toContain('schema loja_raw');
    expect(report.notes).toEqual([]);
  });

  it('a row marked deleted is gone; NULL and false are alive', async () => {
    const target = await lakeTarget();
    await atLake('UPDATE loja_raw.clientes SET __hevo__marked_deleted = false WHERE id < 10');
    expect(found(await ask(source, target))).toEqual([]);
    await atLake('UPDATE loja_raw.clientes SET __hevo__marked_deleted = true WHERE id = 5');
    expect(found(await ask(source, target))).toEqual(['clientes 5 missing']);
  });

  it('a delete that was not marked is resurrected; marked, everything arrived', async () => {
    const target = await lakeTarget();
    await origin.connections.pool.query('DELETE FROM public.itenspedido WHERE id_pedido = 30');
    await origin.connections.pool.query('DELETE FROM public.pedidos WHERE id = 30');
    const lost = await ask(source, target);
    expect(lost.differences.map(({ table, kind }) => `${table} ${kind}`)).toContain('pedidos resurrected');
    expect(lost.counts.resurrected).toBe(lost.differences.length);
    await atLake('UPDATE loja_raw.pedidos SET __hevo__marked_deleted = true WHERE id = 30');
    await atLake('UPDATE loja_raw.itenspedido SET __hevo__marked_deleted = true WHERE id_pedido = 30');
    expect(found(await ask(source, target))).toEqual([]);
    // without --hevo the marked rows count as alive, and the report says which option is missing
    const plain = await ask(source, await lakeTarget({ hevo: false }));
    expect(plain.counts.resurrected).toBe(lost.counts.resurrected);
    expect(plain.notes.join()).toContain('--hevo');
  });

  it('an altered thousandth of a cent shows also where the target keeps more digits', async () => {
    const target = await lakeTarget();
    await atLake('UPDATE loja_raw.produtos SET preco = preco + 0.0001 WHERE id = 8');
    expect(found(await ask(source, target))).toEqual(['produtos 8 wrong preco']);
  });

  it('a schema that has none of the tables is an error that names the option', async () => {
    await expect(ask(source, await lakeTarget({ schema: 'elsewhere' }))).rejects.toMatchObject({
      exitCode: 1,
      fix: expect.stringContaining('--schema'),
    });
  });

  it('events of a target that appends them all: equal to the ledger, and one fewer is a loss', async () => {
    const ledger = await source.ledger(['clientes'], null);
    await atLake('ALTER TABLE loja_raw.clientes ADD COLUMN __hevo_op_type text');
    await atLake('TRUNCATE loja_raw.clientes');
    for (const { op, count } of ledger) {
      await atLake(
        `INSERT INTO loja_raw.clientes (id, __hevo_op_type) SELECT i, '${op}' FROM generate_series(1, ${count}) i`,
      );
    }
    const target = await lakeTarget();
    const equal = await ask(source, target, { events: { since: null } });
    expect(found(equal)).toEqual([]);
    expect(equal.events?.find(({ op }) => op === 'I')).toMatchObject({
      table: 'clientes',
      noted: 40,
      arrived: 40,
      verdict: 'equal',
    });
    await atLake('DELETE FROM loja_raw.clientes WHERE id = 3');
    const lost = await ask(source, target, { events: { since: null } });
    expect(lost.ok).toBe(false);
    expect(lost.summary).toContain('1 of 40 I events of clientes did not arrive');
    await expect(
      ask(source, target, { events: { since: null }, tables: ['produtos'] }),
    ).rejects.toMatchObject({ fix: expect.stringContaining('--events') });
  });

  it('the ledger since a time counts what came later, and refuses a time that it has folded away', async () => {
    const { pool } = origin.connections;
    const now = await pool.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
    const since = now.rows[0]?.now ?? '';
    await pool.query('UPDATE public.marcas SET nome = nome, atualizado_em = clock_timestamp()');
    expect(await source.ledger(['marcas', 'clientes'], since)).toEqual([
      { table: 'marcas', op: 'U', count: 2 },
    ]);
    await pool.query(`DELETE FROM simulator.ledger WHERE noted_at < '${since}'`);
    await pool.query("INSERT INTO simulator.ledger_totals VALUES ('marcas', 'I', 2)");
    await expect(source.ledger(['marcas'], '2020-01-01T00:00:00Z')).rejects.toMatchObject({ exitCode: 2 });
    expect(await source.ledger(['marcas'], null)).toContainEqual({ table: 'marcas', op: 'I', count: 2 });
  });
});
