import fc from 'fast-check';
import { sql } from 'kysely';
import type { Client } from 'pg';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupRows } from '../../src/catalog/dimensions.ts';
import { createProducts, marginHundredths } from '../../src/catalog/products.ts';
import { type CopyValue, copyLine, copyRows } from '../../src/db/copy.ts';
import { clientConfig } from '../../src/db/pool.ts';
import { createRandom } from '../../src/lib/random.ts';
import { centsToNumeric } from '../../src/orders/types.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createTestDatabase({ template: 'migrated' });
  client = new pg.Client(clientConfig(database.settings));
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** Any text that PostgreSQL can store: no NUL, no half of a surrogate pair. What COPY could trip over comes often. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('\\', '\t', '\n', '\r', 'N', '.', '\b', '\f', '\v', 'x', '4', 'ã', '👟'),
    }),
    fc.constantFrom('', '\\N', '\\.', '\\', '\r\n', 'null', '\\x41', '\\u0041', '\u2028', '"', "'"),
  )
  .map((value) => value.replaceAll('\0', ''));
const value: fc.Arbitrary<CopyValue> = fc.oneof(
  { weight: 8, arbitrary: text },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.integer() },
);

describe('COPY', () => {
  it('brings back every text as it was, whatever characters it has', async () => {
    await client.query('CREATE TEMP TABLE carried (row_no int, a text, b text, c text)');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 40 }),
        async (rows) => {
          await client.query('TRUNCATE carried');
          const lines = rows.map((row, index) => copyLine([index, ...row]));
          await copyRows(client, 'carried', ['row_no', 'a', 'b', 'c'], lines);
          const found = await client.query<{ a: string; b: string; c: string }>(
            'SELECT a, b, c FROM carried ORDER BY row_no',
          );
          expect(found.rows.map(({ a, b, c }) => [a, b, c])).toEqual(
            rows.map((row) => row.map((each) => (typeof each === 'number' ? String(each) : each))),
          );
        },
      ),
      { seed: 5, numRuns: 120 },
    );
  });

  it('carries more lines than fit into one piece, and none at all', async () => {
    await client.query('CREATE TEMP TABLE counted (n int, t text)');
    await copyRows(client, 'counted', ['n', 't'], []);
    const lines = Array.from({ length: 30_000 }, (_, n) => copyLine([n, `texto ${n} `.repeat(20)]));
    await copyRows(client, 'counted', ['n', 't'], lines);
    const { rows } = await client.query(
      `SELECT count(*)::int AS rows, sum(n)::int AS sum, count(*) FILTER (WHERE t <> repeat('texto ' || n || ' ', 20))::int AS wrong FROM counted`,
    );
    expect(rows[0]).toEqual({ rows: 30_000, sum: (30_000 * 29_999) / 2, wrong: 0 });
  });

  it('says what is wrong with a line that does not fit, and the connection lives on', async () => {
    await client.query('CREATE TEMP TABLE strict (n int NOT NULL)');
    await expect(copyRows(client, 'strict', ['n'], [copyLine(['not a number'])])).rejects.toThrow(/integer/);
    await copyRows(client, 'strict', ['n'], [copyLine([7])]);
    expect((await client.query('SELECT n FROM strict')).rows).toEqual([{ n: 7 }]);
  });
});

describe('margem', () => {
  it('as the seeder writes it passes the CHECK for thousands of prices; a hundredth beside it does not', async () => {
    for (const { table, rows } of lookupRows) {
      await client.query(
        `INSERT INTO public.${table} (id, nome) SELECT * FROM unnest($1::smallint[], $2::text[])`,
        [rows.map((row) => row.id), rows.map((row) => row.nome)],
      );
    }
    const random = createRandom('margin');
    const pairs = createProducts({ random, count: 3_000 }).map(
      (row) => [row.precoCents, row.precoCustoCents] as const,
    );
    // half a hundredth exactly, and anything else, below cost too
    pairs.push([80_000, 79_996], [16_000, 15_999], [80_000, 80_004], [32_000, 19_999]);
    for (let i = 0; i < 5_000; i++) pairs.push([random.int(1, 500_000), random.int(1, 500_000)]);
    const insert = (wrongBy: number) =>
      sql`
      INSERT INTO public.produtos (sku, nome, descricao, preco, preco_custo, margem, tamanho, estoque, id_categoria, id_marca, modelo, id_genero, cor)
      SELECT 'M-' || n, 'n', 'd', preco, custo, margem, 40, 0, 1, 1, 'm', 1, 'c'
      FROM unnest(${sql.val(pairs.map(([price]) => centsToNumeric(price)))}::numeric[],
        ${sql.val(pairs.map(([, cost]) => centsToNumeric(cost)))}::numeric[],
        ${sql.val(pairs.map(([price, cost]) => centsToNumeric(marginHundredths(price, cost) + wrongBy)))}::numeric[])
        WITH ORDINALITY AS t (preco, custo, margem, n)`.execute(database.connections.db);
    expect((await insert(0)).numAffectedRows).toBe(BigInt(pairs.length));
    await client.query('DELETE FROM public.produtos');
    await expect(insert(1)).rejects.toThrow(/produtos_check/);
  });
});
