import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseTransformation } from '../../../src/lakehouse/transform/header.ts';
import { exportParquet } from '../../../src/lakehouse/transform/parquet.ts';
import { refresh } from '../../../src/lakehouse/transform/refresh.ts';
import { createLakehouse, type LocalLakehouse } from '../../support/lakehouse/land-raw.ts';

let lakehouse: LocalLakehouse;
let connection: DuckDBConnection;

beforeEach(async () => {
  lakehouse = await createLakehouse();
  connection = lakehouse.connection;
  await connection.run(
    'CREATE TABLE lakehouse.raw.t AS SELECT range AS id, range % 3 AS kind FROM range(1, 7)',
  );
});
afterEach(() => lakehouse.close());

function view(table: string, body: string, expectations = '', comment = '') {
  const list = expectations === '' ? '' : `(${expectations})`;
  return parseTransformation(
    `${table.replace('.', '/')}.sql`,
    `CREATE OR REFRESH MATERIALIZED VIEW ${table} ${list} ${comment} AS ${body}`,
  );
}

async function values(sql: string): Promise<unknown[]> {
  return (await connection.runAndReadAll(sql)).getRowsJson().map(([value]) => value);
}

test('expectations count what they find, and drop rows where they say so', async () => {
  const report = await refresh(connection, {
    transformations: [
      view(
        'bronze.t',
        'SELECT id, CASE WHEN id > 1 THEN kind END AS kind FROM raw.t',
        `CONSTRAINT fine EXPECT (id > 0), CONSTRAINT noticed EXPECT (kind <> 2),
         CONSTRAINT few EXPECT (kind <> 0) ON VIOLATION DROP ROW, CONSTRAINT must EXPECT (id < 100) ON VIOLATION FAIL UPDATE`,
        "COMMENT 'it''s here'",
      ),
    ],
  });
  // the row without a kind satisfies no condition on it: NULL is not true
  expect(report.tables).toMatchObject([
    {
      name: 'bronze.t',
      rows: 3,
      droppedRows: 3,
      violations: [
        { expectation: 'noticed', action: 'count', rows: 3 },
        { expectation: 'few', action: 'drop', rows: 3 },
      ],
    },
  ]);
  expect(await values('SELECT id FROM lakehouse.bronze.t ORDER BY id')).toEqual(['2', '4', '5']);
  expect(
    await values(`SELECT comment FROM duckdb_tables() WHERE table_name = 't' AND schema_name = 'bronze'`),
  ).toEqual(["it's here"]);
});

test('FAIL UPDATE leaves every table as it was, and says what to look at', async () => {
  const good = [view('bronze.t', 'SELECT id FROM raw.t'), view('silver.t', 'SELECT id FROM bronze.t')];
  await refresh(connection, { transformations: good });
  await connection.run('INSERT INTO lakehouse.raw.t VALUES (7, 1)');
  const strict = view(
    'silver.t',
    'SELECT id FROM bronze.t',
    'CONSTRAINT small EXPECT (id < 7) ON VIOLATION FAIL UPDATE',
  );
  await expect(
    refresh(connection, { transformations: [view('bronze.t', 'SELECT id FROM raw.t'), strict] }),
  ).rejects.toMatchObject({
    message: 'silver.t: 1 rows violate small, which must hold',
    fix: expect.stringContaining('(id < 7)'),
  });
  expect(await values('SELECT count(*) FROM lakehouse.bronze.t')).toEqual(['6']);
  await refresh(connection, { transformations: good });
  expect(await values('SELECT count(*) FROM lakehouse.silver.t')).toEqual(['7']);
});

test('who reads while a refresh runs sees the tables as they were, all of one moment', async () => {
  const tables = [
    view('bronze.t', 'SELECT id FROM raw.t'),
    view('gold.t', 'SELECT count(*) AS n FROM bronze.t'),
  ];
  await refresh(connection, { transformations: tables });
  const reader = await lakehouse.instance.connect();
  const both = 'SELECT (SELECT count(*) FROM lakehouse.bronze.t) AS a, (SELECT n FROM lakehouse.gold.t) AS b';
  try {
    // stands still between the two tables: the reader looks from within the refresh
    let seen: unknown;
    const peeking = {
      throwIfAborted: () => undefined,
    } as unknown as AbortSignal;
    await connection.run('INSERT INTO lakehouse.raw.t VALUES (7, 1), (8, 1)');
    let step = 0;
    const looks: Promise<void>[] = [];
    peeking.throwIfAborted = () => {
      step += 1;
      if (step === 2) {
        looks.push(
          reader.runAndReadAll(both).then((result) => {
            seen = result.getRowsJson();
          }),
        );
      }
    };
    await refresh(connection, { transformations: tables, signal: peeking });
    await Promise.all(looks);
    expect(looks).toHaveLength(1);
    expect([JSON.stringify([['6', '6']]), JSON.stringify([['8', '8']])]).toContain(JSON.stringify(seen));
    expect((await reader.runAndReadAll(both)).getRowsJson()).toEqual([['8', '8']]);
  } finally {
    reader.closeSync();
  }
});

test('a missing raw table, a value that does not fit, and an abort end the refresh with a reason', async () => {
  await expect(
    refresh(connection, { transformations: [view('bronze.x', 'SELECT 1 AS a FROM raw.absent')] }),
  ).rejects.toThrow(/^bronze\/x\.sql failed: .*absent/);
  await expect(
    refresh(connection, { transformations: [view('bronze.x', "SELECT CAST('x' AS INT) AS a FROM raw.t")] }),
  ).rejects.toThrow(/^bronze\/x\.sql failed: .*[Cc]onver/);
  await expect(
    refresh(connection, {
      transformations: [view('bronze.x', 'SELECT 1 AS a')],
      signal: AbortSignal.abort(),
    }),
  ).rejects.toThrow();
  // nothing of it is left, and the connection is usable
  expect(await values(`SELECT table_name FROM duckdb_tables() WHERE schema_name = 'bronze'`)).toEqual([]);
});

test('tables go to Parquet whole, with their types', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'parquet-'));
  try {
    await refresh(connection, {
      transformations: [view('gold.money', 'SELECT CAST(id AS DECIMAL(12, 2)) AS valor, id FROM raw.t')],
    });
    const files = await exportParquet(connection, directory);
    expect(files.map((file) => file.table)).toEqual(['gold.money', 'raw.t']);
    expect(readdirSync(join(directory, 'gold'))).toEqual(['money.parquet']);
    const path = files[0]?.path ?? '';
    expect(existsSync(path)).toBe(true);
    expect(await values(`SELECT sum(valor) || ' ' || any_value(typeof(valor)) FROM '${path}'`)).toEqual([
      '21.00 DECIMAL(12,2)',
    ]);
    expect(await exportParquet(connection, directory, { schemas: ['gold'] })).toHaveLength(1);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
