import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTransformation } from '../../../src/lakehouse/transform/header.ts';
import { macrosSql } from '../../../src/lakehouse/transform/macros.ts';
import { inDependencyOrder } from '../../../src/lakehouse/transform/order.ts';
import { qualify, tableReferences } from '../../../src/lakehouse/transform/references.ts';
import { translateQuery } from '../../../src/lakehouse/transform/translate.ts';

const view = (name: string, body: string) =>
  parseTransformation(
    `${name}.sql`,
    `CREATE OR REFRESH MATERIALIZED VIEW ${name.replace('/', '.')} AS ${body}`,
  );

describe('the header of a transformation', () => {
  test('is read whole: expectations with their actions, clustering, comment, body', () => {
    const parsed = parseTransformation(
      'gold/a.sql',
      `-- about it; AS SELECT
       create or refresh materialized view gold.a (
         CONSTRAINT one EXPECT (f(x, ')') > 0 AND y IN (1, 2)),
         CONSTRAINT two EXPECT (y) ON VIOLATION DROP ROW,
         CONSTRAINT three EXPECT (z) ON VIOLATION FAIL UPDATE
       )
       CLUSTER BY (x, \`y z\`)
       COMMENT 'It''s a "view" AS such'
       AS
       WITH c AS (SELECT 1 AS x) SELECT x FROM c JOIN silver.b ON true;
       -- the end`,
    );
    expect(parsed).toEqual({
      file: 'gold/a.sql',
      schema: 'gold',
      table: 'a',
      expectations: [
        { name: 'one', condition: "f(x, ')') > 0 AND y IN (1, 2)", onViolation: 'count' },
        { name: 'two', condition: 'y', onViolation: 'drop' },
        { name: 'three', condition: 'z', onViolation: 'fail' },
      ],
      clusterBy: ['x', 'y z'],
      comment: `It's a "view" AS such`,
      body: 'WITH c AS (SELECT 1 AS x) SELECT x FROM c JOIN silver.b ON true',
      reads: [{ schema: 'silver', table: 'b' }],
    });
  });

  test.each([
    ['CREATE OR REPLACE TABLE gold.a AS SELECT 1', 'line 1: expected REFRESH'],
    ['CREATE OR REFRESH MATERIALIZED VIEW a AS SELECT 1', 'expected .'],
    [
      'CREATE OR REFRESH MATERIALIZED VIEW gold.a\n(CONSTRAINT c EXPECT x) AS SELECT 1',
      'line 2: expected (, found x',
    ],
    ['CREATE OR REFRESH MATERIALIZED VIEW gold.a AS SELECT 1; SELECT 2', 'one statement a file'],
    ['CREATE OR REFRESH MATERIALIZED VIEW gold.a', 'expected AS, found the end'],
    ["CREATE OR REFRESH MATERIALIZED VIEW gold.a AS SELECT 'x", 'never closed'],
  ])('%s is refused, with file and line', (sql, message) => {
    expect(() => parseTransformation('gold/a.sql', sql)).toThrow(message);
    expect(() => parseTransformation('gold/a.sql', sql)).toThrow(/^gold\/a\.sql, line/);
  });
});

describe('the tables of a query', () => {
  const tables = (sql: string) =>
    tableReferences(sql, 'x.sql').map(({ schema, table }) => `${schema}.${table}`);

  test('stand behind FROM and JOIN; expressions, functions and comments are none', () => {
    expect(
      tables(`
        WITH c AS (SELECT * FROM raw.a), d AS (SELECT extract(YEAR FROM x) AS y, trim(BOTH ' ' FROM z) FROM c)
        -- FROM raw.nothing
        SELECT 'FROM raw.text', x IS DISTINCT FROM y
        FROM d LEFT JOIN bronze.\`b c\` AS e ON true CROSS JOIN (SELECT 1 FROM silver.f) g
        WHERE EXISTS (SELECT 1 FROM gold.h) AND x IN (SELECT y FROM explode(z))`),
    ).toEqual(['raw.a', 'bronze.b c', 'silver.f', 'gold.h']);
  });

  test('get the catalog, and names without a schema the default one', () => {
    expect(qualify('SELECT * FROM raw.a JOIN b ON b.x = a.x', 'x', 'lakehouse', 'gold')).toBe(
      'SELECT * FROM `lakehouse`.`raw`.`a` JOIN `lakehouse`.`gold`.`b` ON b.x = a.x',
    );
  });

  test('a name that nothing explains, a catalog, and a list with commas are errors', () => {
    expect(() => tables('SELECT * FROM nobody')).toThrow(/x\.sql, line 1: nobody is neither/);
    expect(() => tables('SELECT *\nFROM c.s.t')).toThrow(/line 2: c\.s\.t/);
    expect(() => tables('SELECT * FROM raw.a x, raw.b')).toThrow(/commas/);
  });
});

describe('the order of transformations', () => {
  test('follows what each reads', () => {
    const views = [
      view('gold/z', 'SELECT 1 FROM silver.m'),
      view('silver/m', 'SELECT 1 FROM bronze.a JOIN silver.k ON true'),
      view('silver/k', 'SELECT 1 FROM raw.x'),
      view('bronze/a', 'SELECT 1 FROM raw.x'),
    ];
    expect(inDependencyOrder(views).map((one) => one.table)).toEqual(['a', 'k', 'm', 'z']);
  });

  test('puts dependencies first, whatever the graph (property)', () => {
    const graph = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(graph, (edges) => {
        // an edge to a smaller number only: no cycle
        const views = edges.map((targets, n) => {
          const joins = targets.filter((to) => to < n).map((to) => `CROSS JOIN gold.t${to} AS a${to}`);
          return view(`gold/t${n}`, `SELECT 1 FROM raw.x ${[...new Set(joins)].join(' ')}`);
        });
        const order = inDependencyOrder(views.toReversed());
        const at = new Map(order.map((one, index) => [one.table, index]));
        expect(order).toHaveLength(views.length);
        for (const one of order) {
          for (const { schema, table } of one.reads) {
            if (schema === 'gold') expect(at.get(table)).toBeLessThan(at.get(one.table) ?? -1);
          }
        }
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  test('cycles, unknown tables and doubles are errors that name the file', () => {
    const a = view('gold/a', 'SELECT 1 FROM gold.b');
    const b = view('gold/b', 'SELECT 1 FROM gold.a');
    expect(() => inDependencyOrder([a, b])).toThrow(
      'gold/a.sql is part of a cycle: gold.a → gold.b → gold.a',
    );
    expect(() => inDependencyOrder([a])).toThrow('gold/a.sql reads gold.b, which no file makes');
    expect(() => inDependencyOrder([b, { ...b, file: 'gold/c.sql' }])).toThrow(
      'gold/c.sql and gold/b.sql both make gold.b',
    );
  });
});

describe('the translation', () => {
  test('keeps casts strict and leaves strings alone', () => {
    const sql = translateQuery(`SELECT CAST(a AS DECIMAL(12, 2)) AS x, 'TRY_CAST(' AS y FROM raw.t`, {
      file: 'x',
    });
    expect(sql).toBe(`SELECT CAST(a AS DECIMAL(12, 2)) AS x, 'TRY_CAST(' AS y FROM "lakehouse"."raw"."t"`);
  });

  test('of nonsense is an error that names the file', () => {
    expect(() => translateQuery('SELECT FROM WHERE (', { file: 'gold/x.sql' })).toThrow(/^gold\/x\.sql/);
  });

  test('divides decimals exactly and rounds once, half away from zero (property)', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      await connection.run(macrosSql);
      const sql = translateQuery('SELECT CAST(try_divide(a, b) AS DECIMAL(18, 2)) AS q FROM raw.pairs', {
        file: 'x',
      });
      await connection.run("ATTACH ':memory:' AS lakehouse");
      await connection.run('CREATE SCHEMA lakehouse.raw');
      const pairs = fc.sample(
        fc.tuple(fc.integer({ min: -10_000_000, max: 10_000_000 }), fc.integer({ min: 1, max: 800 })),
        {
          seed: 11,
          numRuns: 400,
        },
      );
      // ties that a double misses: 1.005, 2.675, 246.91 / 2
      pairs.push([201, 200], [535, 200], [24_691, 2], [-24_691, 2], [1, 8]);
      const values = pairs.map(([cents, n]) => `(CAST(${cents} AS DECIMAL(12,0)) * 0.01, ${n})`);
      await connection.run(
        `CREATE TABLE lakehouse.raw.pairs AS SELECT CAST(a AS DECIMAL(12,2)) AS a, b FROM (VALUES ${values.join(', ')}) AS v(a, b)`,
      );
      const reader = await connection.runAndReadAll(`SELECT CAST(q AS VARCHAR) FROM (${sql})`);
      const expected = pairs.map(([cents, n]) => {
        const sign = cents < 0 ? -1n : 1n;
        const rounded = (2n * BigInt(Math.abs(cents)) + BigInt(n)) / (2n * BigInt(n));
        const text = `${rounded / 100n}.${String(rounded % 100n).padStart(2, '0')}`;
        return sign < 0n && rounded !== 0n ? `-${text}` : text;
      });
      expect(reader.getRows().map(([q]) => q)).toEqual(expected);
      // beyond what a double counts exactly, and by nothing
      const wide = await connection.runAndReadAll(
        `SELECT CAST(CAST(exact_divide(CAST('9999999999999999.01' AS DECIMAL(18, 2)), 2) AS DECIMAL(18, 2)) AS VARCHAR), exact_divide(1, 0)`,
      );
      expect(wide.getRows()).toEqual([['4999999999999999.51', null]]);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });

  test('of every function by macro gives what Databricks documents', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      await connection.run("SET TimeZone = 'UTC'");
      await connection.run(macrosSql);
      const select = translateQuery(
        `SELECT conv('ff', 16, 10), array_join(array('a', 'b'), '-'), size(sequence(DATE'2024-01-30', DATE'2024-02-02', INTERVAL 1 DAY)),
          get_json_object('{"a": {"b": 1}}', '$.a.b'), left(sha2('x', 256), 8), element_at(array(7, 8), 2), pmod(-3, 7),
          CAST(from_utc_timestamp(TIMESTAMP'2024-03-01 02:59:59', 'America/Sao_Paulo') AS DATE),
          hour(from_utc_timestamp(TIMESTAMP'2024-03-01 02:59:59', 'America/Sao_Paulo')),
          unix_micros(TIMESTAMP'1970-01-01 00:00:01'), 7 DIV 2, (-7) DIV 2`,
        { file: 'x' },
      );
      const reader = await connection.runAndReadAll(select);
      expect(reader.getRowsJson()).toEqual([
        ['255', 'a-b', '4', '1', '2d711642', 8, 4, '2024-02-29', '23', '1000000', 3, -3],
      ]);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });
});
