import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientConfig } from '../../../src/db/pool.ts';
import { runChecks } from '../../../src/lakehouse/checks.ts';
import { dashboardData } from '../../../src/lakehouse/dashboard-data.ts';
import { loadDashboards } from '../../../src/lakehouse/dashboards.ts';
import { refreshAndPublish } from '../../../src/lakehouse/publish.ts';
import { publishedIn } from '../../../src/lakehouse/published.ts';
import { loadTransformations } from '../../../src/lakehouse/transform/load.ts';
import { refresh } from '../../../src/lakehouse/transform/refresh.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { goldFigures } from '../../support/lakehouse/gold-figures.ts';
import { createLakehouse, type LocalLakehouse, landRaw } from '../../support/lakehouse/land-raw.ts';
import { fillSmallShop } from '../../support/lakehouse/small-shop.ts';

let database: TestDatabase;
let lakehouse: LocalLakehouse;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'migrated' });
  lakehouse = await createLakehouse();
  await withClient(fillSmallShop);
});

afterAll(async () => {
  lakehouse?.close();
  await database?.drop();
});

async function withClient<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(clientConfig(database.settings));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Rows as texts, sorted: the same for the same figures, whichever engine gave them. */
function canonical(rows: readonly (readonly unknown[])[]): string[] {
  return rows
    .map((row) => row.map((value) => (value === null ? '∅' : String(value))).join(' | '))
    .map((line) => line.replaceAll('true', 't').replaceAll('false', 'f'))
    .sort();
}

async function goldRows(connection: DuckDBConnection, table: string): Promise<string[]> {
  const reader = await connection.runAndReadAll(
    `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM lakehouse.gold.${table}`,
  );
  return canonical(reader.getRows());
}

async function sourceRows(client: pg.Client, sql: string): Promise<string[]> {
  const types = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array', types });
  return canonical(rows);
}

/** Lands a snapshot, lets the source move on, refreshes, and compares all of gold with that snapshot. */
async function compareAtSnapshot(meanwhile: string[]): Promise<void> {
  await withClient(async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await landRaw(client, lakehouse.connection);
    await withClient(async (other) => {
      for (const sql of meanwhile) await other.query(sql);
    });
    const report = await refresh(lakehouse.connection);
    expect(report.tables.flatMap((table) => table.violations.map((one) => [table.name, one]))).toEqual([]);
    for (const [table, sql] of Object.entries(goldFigures)) {
      const expected = await sourceRows(client, sql);
      expect(expected.length, `${table} has rows`).toBeGreaterThan(0);
      expect(await goldRows(lakehouse.connection, table), table).toEqual(expected);
    }
    await client.query('COMMIT');
  });
}

test('every gold table has an independent computation', async () => {
  const gold = (await loadTransformations()).filter((one) => one.schema === 'gold').map((one) => one.table);
  expect(Object.keys(goldFigures).sort()).toEqual(gold.sort());
});

test('every gold figure equals the source at the same snapshot, also after updates and deletes', async () => {
  await compareAtSnapshot([
    // unpaid orders are purged, others move on, prices and stock change
    `DELETE FROM public.itenspedido WHERE id_pedido IN (SELECT id FROM public.pedidos WHERE id_status = 5 AND data_aprovacao IS NULL)`,
    `DELETE FROM public.pedidos WHERE id_status = 5 AND data_aprovacao IS NULL`,
    `UPDATE public.pedidos SET id_status = 5 WHERE id_status = 2 AND id % 2 = 0`,
    `UPDATE public.pedidos SET id_status = 6 WHERE id_status = 4 AND id % 9 = 0`,
    `UPDATE public.produtos SET estoque = estoque + 7 WHERE id % 4 = 0`,
    `UPDATE public.clientes SET estado = 'SP' WHERE id % 10 = 0`,
  ]);
  await compareAtSnapshot([`UPDATE public.pedidos SET id_status = 6 WHERE id_status = 4 AND id % 5 = 0`]);
  const reader = await lakehouse.connection.runAndReadAll(
    `SELECT count(*) FILTER (__hevo__marked_deleted) > 0, count(*) FILTER (__hevo__marked_deleted IS NULL) > 0
     FROM lakehouse.raw.pedidos`,
  );
  expect(reader.getRows(), 'deleted rows stay in raw').toEqual([[true, true]]);
});

test('shares of a discount add up to the discount, and items to the order', async () => {
  const reader = await lakehouse.connection.runAndReadAll(`
    SELECT count(*) FILTER (p.valor_desconto > 0) > 100,
      count(*) FILTER (i.desconto <> p.valor_desconto OR i.receita + p.frete <> p.total)
    FROM lakehouse.silver.fact_pedido p JOIN (
      SELECT id_pedido, sum(desconto_rateado) AS desconto, sum(receita) AS receita
      FROM lakehouse.silver.fact_item_pedido GROUP BY id_pedido) i ON i.id_pedido = p.id_pedido`);
  expect(reader.getRows()).toEqual([[true, 0n]]);
});

test('personal data never leaves bronze', async () => {
  const reader = await lakehouse.connection.runAndReadAll(`
    SELECT sobrenome_mascarado, email_mascarado, cpf_mascarado, telefone_mascarado
    FROM lakehouse.silver.dim_cliente WHERE id_cliente = 12`);
  expect(reader.getRows()).toEqual([['D***', 'c***@exemplo.com.br', '***.***.***-00', '*****-0012']]);
  const columns = await lakehouse.connection.runAndReadAll(`
    SELECT DISTINCT column_name FROM duckdb_columns() WHERE schema_name IN ('silver', 'gold')
      AND column_name IN ('sobrenome', 'email', 'cpf', 'telefone', 'endereco', 'bairro', 'cep', 'endereco_entrega')`);
  expect(columns.getRows()).toEqual([]);
});

test('every dataset of every dashboard runs here and gives its widgets what they show', async () => {
  const all = await loadDashboards();
  for (const dashboard of all) {
    const data = await dashboardData(lakehouse.connection, dashboard);
    expect(data.widgets.length).toBeGreaterThan(3);
    for (const widget of data.widgets) {
      const where = `${dashboard.name}/${widget.name}`;
      expect(widget.rows.length, where).toBeGreaterThan(0);
      const fields = [...Object.values(widget.roles), ...widget.columns].map((field) => field.name);
      for (const row of widget.rows) expect(Object.keys(row), where).toEqual(expect.arrayContaining(fields));
      const numeric = [widget.roles['value'], widget.roles['target'], widget.roles['y']];
      if (widget.kind === 'heatmap') numeric.pop();
      for (const field of numeric)
        if (field !== undefined) expect(typeof widget.rows[0]?.[field.name], where).toBe('number');
    }
  }
});

test('a refresh leaves the figures for the status page in a file that is whole at any time', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'published-'));
  try {
    const read = publishedIn(directory);
    expect(await read()).toBeNull();
    const { published } = await refreshAndPublish(lakehouse.connection, directory, { nowMs: () => 1_000 });
    const seen = await read();
    expect(seen).toEqual(JSON.parse(JSON.stringify(published)));
    expect(await read(), 'an unchanged file is not read again').toBe(seen);
    expect(seen).toMatchObject({ refreshedAtMs: 1_000, checks: { length: 7 }, dashboards: { length: 4 } });
    const { rows } = await withClient((client) =>
      client.query<{ at: string }>(
        `SELECT to_char(max(atualizado_em) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at FROM public.pedidos`,
      ),
    );
    // the source went on after the last landing: raw is behind it, and says so
    expect(Date.parse(seen?.dataAsOf ?? '')).toBeLessThanOrEqual(Date.parse(rows[0]?.at ?? ''));
    expect(readdirSync(directory)).toEqual(['dashboards.json']);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('checks are healthy, and each finds the fault it is for', async () => {
  const rows = async () =>
    Object.fromEntries((await runChecks(lakehouse.connection)).map((check) => [check.file, check.rows]));
  const healthy = await rows();
  expect(
    Object.values(healthy).every((count) => count === 0),
    JSON.stringify(healthy),
  ).toBe(true);
  const faults: Readonly<Record<string, string>> = {
    'itens_sem_pedido.sql': `DELETE FROM lakehouse.bronze.pedidos WHERE id = (SELECT min(id) FROM lakehouse.bronze.pedidos)`,
    'pedidos_divergentes.sql': `UPDATE lakehouse.silver.fact_pedido SET total = total + 0.01 WHERE id_pedido = 7`,
    'desconto_rateado.sql': `UPDATE lakehouse.silver.fact_item_pedido SET desconto_rateado = desconto_rateado + 0.01 WHERE id_item = 3`,
    'receita_concilia.sql': `DELETE FROM lakehouse.gold.receita_diaria WHERE dia = (SELECT max(dia) FROM lakehouse.gold.receita_diaria)`,
    'pedidos_sem_cliente.sql': `UPDATE lakehouse.bronze.pedidos SET id_cliente = 999999 WHERE id = 9`,
    'dados_pessoais_mascarados.sql': `UPDATE lakehouse.silver.dim_cliente SET cpf_mascarado = '123.456.789-00' WHERE id_cliente = 5`,
  };
  for (const [file, sql] of Object.entries(faults)) {
    await lakehouse.connection.run('BEGIN');
    await lakehouse.connection.run(sql);
    expect((await rows())[file], file).toBeGreaterThan(0);
    await lakehouse.connection.run('ROLLBACK');
  }
  // raw has a key here: a loader that appends is played without it
  await lakehouse.connection.run(
    'CREATE OR REPLACE TABLE lakehouse.raw.clientes AS FROM lakehouse.raw.clientes',
  );
  await lakehouse.connection.run('INSERT INTO lakehouse.raw.clientes FROM lakehouse.raw.clientes LIMIT 1');
  expect((await rows())['chaves_repetidas.sql']).toBe(1);
  expect(Object.keys(faults).concat('chaves_repetidas.sql').sort()).toEqual(Object.keys(healthy).sort());
});
