import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { publishedTables } from '../../../src/db/schema.ts';
import type { VerifyReport } from '../../../src/verify/report.ts';
import type { Source } from '../../../src/verify/source-side.ts';
import type { Target } from '../../../src/verify/target.ts';
import { openTarget } from '../../../src/verify/targets/open.ts';
import type { VerifyOptions } from '../../../src/verify/verify.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createFollowed, type Followed } from '../../support/followed.ts';
import { ask, found, noCredentials, refill, tamper } from '../../support/oracle.ts';
import type { TestSubscription } from '../../support/subscription.ts';
import { placeTinyOrder, seedTinyShop } from '../../support/tiny-shop.ts';

describe('the oracle on a real subscription, one fault at a time', () => {
  let followed: Followed;
  let origin: TestDatabase;
  let copy: TestDatabase;
  let subscription: TestSubscription;
  let source: Source;
  let target: Target;

  beforeAll(async () => {
    followed = await createFollowed({
      template: 'migrated',
      name: 'faults',
      fill: ({ connections }) => seedTinyShop(connections.pool),
    });
    ({ origin, copy, subscription, source, target } = followed);
  });

  afterEach(async () => {
    await subscription.enable();
    await subscription.caughtUp();
    await refill(origin.connections.pool, copy.connections.pool);
  });

  afterAll(() => followed?.drop());

  const look = (options: Partial<VerifyOptions> = {}): Promise<VerifyReport> => ask(source, target, options);
  const atSource = (sql: string) => origin.connections.pool.query(sql);
  const atTarget = (...statements: string[]) => tamper(copy.connections.pool, ...statements);

  async function deleteOrder(order: number): Promise<void> {
    await atSource(`DELETE FROM public.itenspedido WHERE id_pedido = ${order}`);
    await atSource(`DELETE FROM public.pedidos WHERE id = ${order}`);
  }

  async function itemsOf(order: number): Promise<number[]> {
    const items = await atSource(`SELECT id FROM public.itenspedido WHERE id_pedido = ${order} ORDER BY id`);
    return items.rows.map(({ id }: { id: number }) => id);
  }

  it('finds nothing where everything arrived, and counts every row', async () => {
    const report = await look();
    expect(found(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.summary).toBe('everything up to the watermark has arrived');
    const orders = report.tables.find(({ table }) => table === 'pedidos');
    expect(orders).toMatchObject({ sourceRows: 60, targetRows: 60, inFlight: 0 });
    expect(report.tables).toHaveLength(publishedTables.length);
    expect(report.watermark.at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
  });

  it('an update lost on the way: stale, with both values; the next update of the row heals it', async () => {
    await subscription.losing(async () => {
      await atSource(
        "UPDATE public.clientes SET bairro = 'Vila Nova', atualizado_em = clock_timestamp() WHERE id = 7",
      );
    });
    const report = await look();
    expect(found(report)).toEqual(['clientes 7 stale bairro atualizado_em']);
    expect(report.ok).toBe(false);
    expect(report.summary).toBe('1 row differs (1 stale)');
    expect(report.differences[0]?.columns[0]).toEqual({
      name: 'bairro',
      source: 'Vila Nova',
      target: 'Centro',
    });
    await atSource(
      "UPDATE public.clientes SET bairro = 'Centro', atualizado_em = clock_timestamp() WHERE id = 7",
    );
    await subscription.caughtUp();
    expect(found(await look())).toEqual([]);
  });

  it('deletes lost on the way: resurrected', async () => {
    const order = await placeTinyOrder(origin.connections.pool);
    const items = await itemsOf(order);
    await subscription.losing(() => deleteOrder(order));
    const report = await look();
    expect(found(report)).toEqual([
      `pedidos ${order} resurrected`,
      ...items.map((item) => `itenspedido ${item} resurrected`),
    ]);
    expect(report.differences[0]?.note).toMatch(/^deleted at the source at \d{4}-/);
  });

  it('a whole order lost on the way: its rows missing, its stock stale, nothing torn', async () => {
    let order = 0;
    await subscription.losing(async () => {
      order = await placeTinyOrder(origin.connections.pool);
    });
    const items = await itemsOf(order);
    expect(items.length).toBeGreaterThan(0);
    const products = await atSource(
      `SELECT id_produto AS id FROM public.itenspedido WHERE id_pedido = ${order} ORDER BY id_produto`,
    );
    expect(found(await look())).toEqual([
      ...products.rows.map(({ id }: { id: number }) => `produtos ${id} stale estoque atualizado_em`),
      `pedidos ${order} missing`,
      ...items.map((item) => `itenspedido ${item} missing`),
    ]);
  });

  it('a row missing, with the SQL that shows it on either side', async () => {
    await atTarget('DELETE FROM public.clientes WHERE id = 11');
    const report = await look();
    expect(found(report)).toEqual(['clientes 11 missing']);
    expect(report.differences[0]).toMatchObject({
      sourceSql: 'SELECT * FROM "public"."clientes" WHERE "id" = 11;',
      targetSql: 'SELECT * FROM "public"."clientes" WHERE "id" = 11;',
    });
  });

  it('a row extra, however far from the others', async () => {
    await atTarget(`INSERT INTO public.produtos SELECT
      (jsonb_populate_record(p, '{"id": 9000000000000, "sku": "X"}')).* FROM public.produtos p WHERE id = 5`);
    expect(found(await look())).toEqual(['produtos 9000000000000 extra']);
  });

  it('a row twice', async () => {
    await copy.connections.pool.query('ALTER TABLE public.marcas DROP CONSTRAINT marcas_pkey CASCADE');
    await copy.connections.pool.query('ALTER TABLE public.marcas DROP CONSTRAINT marcas_nome_key');
    await atTarget('INSERT INTO public.marcas SELECT * FROM public.marcas WHERE id = 2');
    const report = await look();
    await atTarget('DELETE FROM public.marcas');
    await copy.connections.pool.query('ALTER TABLE public.marcas ADD PRIMARY KEY (id)');
    expect(found(report)).toEqual(['marcas 2 extra']);
    expect(report.differences[0]?.note).toBe('2 living rows with this key');
  });

  it('deleted rows back', async () => {
    const order = await placeTinyOrder(origin.connections.pool);
    await subscription.caughtUp();
    await atTarget(
      `CREATE TABLE public.back AS SELECT * FROM public.pedidos WHERE id = ${order}`,
      `CREATE TABLE public.back_items AS SELECT * FROM public.itenspedido WHERE id_pedido = ${order}`,
    );
    const items = await itemsOf(order);
    await deleteOrder(order);
    await subscription.caughtUp();
    expect(found(await look())).toEqual([]);
    await atTarget(
      'INSERT INTO public.pedidos SELECT * FROM public.back',
      'INSERT INTO public.itenspedido SELECT * FROM public.back_items',
      'DROP TABLE public.back, public.back_items',
    );
    expect(found(await look())).toEqual([
      `pedidos ${order} resurrected`,
      ...items.map((item) => `itenspedido ${item} resurrected`),
    ]);
  });

  it.each([
    ['one cent', 'produtos', 3, 'preco', 'preco = preco + 0.01'],
    ['one accent', 'produtos', 4, 'nome', "nome = 'Tenis 4'"],
    ['the form of an accent', 'produtos', 4, 'nome', 'nome = normalize(nome, NFD)'],
    ['a trailing blank', 'clientes', 5, 'bairro', "bairro = 'Centro '"],
    ['one microsecond', 'clientes', 6, 'criado_em', "criado_em = criado_em + interval '1 microsecond'"],
    ['one day', 'clientes', 8, 'data_cadastro', 'data_cadastro = data_cadastro + 1'],
    ['NULL for empty', 'clientes', 9, 'telefone', 'telefone = NULL'],
    ['a time for NULL', 'pedidos', 10, 'data_envio', "data_envio = 'epoch'"],
  ])('altered by %s: wrong value', async (_what, table, key, column, change) => {
    await atTarget(`UPDATE public.${table} SET ${change} WHERE id = ${key}`);
    expect(found(await look())).toEqual([`${table} ${key} wrong ${column}`]);
  });

  it('values that move from one column to the next: wrong value', async () => {
    await atTarget("UPDATE public.clientes SET nome = nome || sobrenome, sobrenome = '' WHERE id = 12");
    expect(found(await look())).toEqual(['clientes 12 wrong nome sobrenome']);
  });

  it('an order torn: items without it, without items, totals that do not add up', async () => {
    const items = await itemsOf(21);
    await atTarget(
      'DELETE FROM public.pedidos WHERE id = 20',
      'DELETE FROM public.itenspedido WHERE id_pedido = 21',
      'UPDATE public.pedidos SET total = total + 0.01 WHERE id = 22',
    );
    const report = await look();
    expect(found(report)).toEqual([
      'pedidos 20 missing',
      'pedidos 22 wrong total',
      ...items.map((item) => `itenspedido ${item} missing`),
      'torn 20',
      'torn 21',
      'torn 22',
    ]);
    const reasons = report.tornOrders.map((torn) => torn.reasons.join());
    expect(reasons[0]).toMatch(/^\d items without their order$/);
    expect(reasons[1]).toBe('no items');
    expect(reasons[2]).toMatch(/^total \d+\.\d\d, but its parts add up to \d+\.\d\d$/);
  });

  it('a table and a column that the target lacks', async () => {
    const other = await createTestDatabase({ template: 'migrated' });
    try {
      await refill(origin.connections.pool, other.connections.pool);
      await other.connections.pool.query(
        'DROP TABLE public.itenspedido; ALTER TABLE public.clientes DROP COLUMN cep',
      );
      const partial = await openTarget({
        target: other.url,
        schema: undefined,
        hevo: false,
        databricks: noCredentials,
      });
      const report = await ask(source, partial);
      await partial.close();
      expect(report.shapeProblems).toEqual([
        'table clientes lacks cep at the target: add to it what the source has',
        'table itenspedido is not at the target: add it to the pipeline, or leave it out with --tables',
      ]);
      expect(report.differences).toEqual([]);
      expect(report.ok).toBe(false);
    } finally {
      await other.drop();
    }
  });

  it('what is on its way is no loss, until it is late', async () => {
    await subscription.disable();
    const order = await placeTinyOrder(origin.connections.pool);
    await atSource(
      "UPDATE public.clientes SET cidade = 'Recife', atualizado_em = clock_timestamp() WHERE id = 3",
    );
    const early = await look({ lagMs: 3_600_000 });
    expect(early.ok).toBe(true);
    expect(found(early)).toEqual([]);
    expect(early.inFlight).toBeGreaterThanOrEqual(4);
    const late = await look();
    expect(late.ok).toBe(false);
    expect(found(late)).toContain(`pedidos ${order} missing`);
    expect(found(late)).toContain('clientes 3 stale cidade atualizado_em');
  });

  it('waits until the target has caught up with the watermark', async () => {
    await subscription.disable();
    await placeTinyOrder(origin.connections.pool);
    const waiting = look({ waitMs: 60_000 });
    setTimeout(() => void subscription.enable(), 300);
    const report = await waiting;
    expect(report.ok).toBe(true);
    expect(report.inFlight).toBe(0);
    expect(report.tables.reduce((sum, { arrivedMeanwhile }) => sum + arrivedMeanwhile, 0)).toBeGreaterThan(0);
  });

  it('a target that never got the first copy: everything missing, counted though not all listed', async () => {
    const empty = await createTestDatabase({ template: 'migrated' });
    try {
      const side = await openTarget({
        target: empty.url,
        schema: undefined,
        hevo: false,
        databricks: noCredentials,
      });
      const report = await ask(source, side);
      await side.close();
      const rows = report.tables.reduce((sum, { sourceRows }) => sum + sourceRows, 0);
      expect(report.counts).toEqual({ missing: rows, stale: 0, extra: 0, resurrected: 0, wrong: 0 });
      expect(report.differences.filter(({ table }) => table === 'pedidos')).toHaveLength(50);
    } finally {
      await empty.drop();
    }
  });

  it('measures how long probes take', async () => {
    const report = await look({ probes: 3, lagMs: 60_000 });
    expect(report.latency).toMatchObject({ sent: 3, arrived: 3, note: null });
    expect(report.latency?.p50Ms).toBeGreaterThanOrEqual(0);
    expect(report.latency?.p99Ms).toBeGreaterThanOrEqual(report.latency?.p50Ms ?? Number.NaN);
    await subscription.disable();
    const stuck = await look({ probes: 3, lagMs: 200 });
    expect(stuck.latency).toMatchObject({ sent: 1, arrived: 0, p50Ms: null });
    expect(stuck.summary).toContain('no probe arrived');
  });
});
