import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { addColumnDdl, duckType, rawTableDdl, schemasDdl } from '../../../src/lakehouse/raw-schema.ts';

test.each([
  ['bigint', 'BIGINT'],
  ['numeric(12,2)', 'DECIMAL(12,2)'],
  ['numeric(5)', 'DECIMAL(5,0)'],
  ['numeric', 'VARCHAR'],
  ['numeric(50,2)', 'VARCHAR'],
  ['character varying(60)', 'VARCHAR'],
  ['timestamp with time zone', 'TIMESTAMPTZ'],
  ['timestamp(3) without time zone', 'TIMESTAMP'],
  ['uuid', 'VARCHAR'],
  ['integer[]', 'VARCHAR'],
])('a source column of type %s becomes %s', (source, expected) => {
  expect(duckType(source)).toBe(expected);
});

test('a raw table has the source columns, those of Hevo, the key, and takes new columns', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run("ATTACH ':memory:' AS lakehouse");
    await connection.run(schemasDdl());
    const table = {
      name: 'pedidos',
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'total', type: 'numeric(12,2)' },
      ],
    };
    await connection.run(rawTableDdl(table));
    await connection.run(rawTableDdl(table));
    await connection.run(addColumnDdl('pedidos', { name: 'cupom "x"', type: 'text' }));
    const reader = await connection.runAndReadAll(
      `SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'raw' ORDER BY column_index`,
    );
    expect(reader.getRows()).toEqual([
      ['id', 'BIGINT'],
      ['total', 'DECIMAL(12,2)'],
      ['__hevo__ingested_at', 'TIMESTAMP WITH TIME ZONE'],
      ['__hevo__loaded_at', 'TIMESTAMP WITH TIME ZONE'],
      ['__hevo__source_modified_at', 'TIMESTAMP WITH TIME ZONE'],
      ['__hevo__marked_deleted', 'BOOLEAN'],
      ['cupom "x"', 'VARCHAR'],
    ]);
    await connection.run(`INSERT INTO lakehouse.raw.pedidos (id) VALUES (1)`);
    await expect(connection.run(`INSERT INTO lakehouse.raw.pedidos (id) VALUES (1)`)).rejects.toThrow(
      /[Dd]uplicate key/,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
