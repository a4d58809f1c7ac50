import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { delay } from '../../../src/lib/backoff.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { lakehouseFolder, slotName, startTap, type TestTap, until } from '../../support/tap.ts';

/** A table with every type that matters, a value that is stored out of line, and a plain key. */
const TABLES = `
  CREATE TABLE coisas (
    id bigint PRIMARY KEY, nome text NOT NULL, valor numeric(12,2), exato numeric, quando timestamptz, dia date,
    ativo boolean, corpo text, medida double precision, codigo uuid);
  ALTER TABLE coisas ALTER COLUMN corpo SET STORAGE EXTERNAL;
  CREATE TABLE pares (a integer, b text, nota text, PRIMARY KEY (a, b));
  CREATE TABLE soltas (x integer);
  CREATE PUBLICATION cdc_sim FOR TABLE coisas, pares WITH (publish = 'insert, update, delete, truncate');`;

let database: TestDatabase;
let lake: ReturnType<typeof lakehouseFolder>;
let running: TestTap | undefined;
const query = (sql: string, values: unknown[] = []) => database.connections.pool.query(sql, values);
const start = async (slot = slotName(), options = {}) => {
  running = await startTap(database, lake.file, slot, options);
  return running;
};

beforeAll(async () => {
  database = await createTestDatabase({ template: 'empty' });
  await query(TABLES);
});
beforeEach(async () => {
  await query('DELETE FROM coisas; DELETE FROM pares');
  lake = lakehouseFolder();
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  lake.remove();
});
afterAll(() => database.drop());

const COLUMNS = 'id, nome, valor, exato, quando, dia, ativo, corpo, medida, codigo';

/** Both sides as text, in the order of the key; names byte by byte, as DuckDB's driver drops U+FEFF where it reads. */
async function bothSides(tap: TestTap) {
  const duck: Readonly<Record<string, string>> = {
    nome: 'lower(hex(nome))',
    quando: `strftime(quando, '%Y-%m-%d %H:%M:%S.%f')`,
  };
  const source = await query(
    `SELECT id::text, encode(convert_to(nome, 'UTF8'), 'hex') AS nome, valor::text, exato::text, to_char(quando AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS quando,
       dia::text, ativo::text, corpo, medida::text, codigo::text FROM coisas ORDER BY coisas.id`,
  );
  const raw = await tap.rows(
    `SELECT ${COLUMNS.split(', ')
      .map((name) => `${duck[name] ?? `${name}::VARCHAR`} AS ${name}`)
      .join(', ')}
     FROM lakehouse.raw.coisas WHERE __hevo__marked_deleted IS NOT TRUE ORDER BY coisas.id`,
  );
  return { source: source.rows as Record<string, unknown>[], raw };
}

const settled = (tap: TestTap) =>
  until(
    () => bothSides(tap),
    ({ source, raw }) => JSON.stringify(source) === JSON.stringify(raw),
  );

describe('the tap', () => {
  it('carries every value exactly, in the copy and in the stream', async () => {
    const insert = (id: number) =>
      query(`INSERT INTO coisas VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, [
        id,
        '\ufeffaspas \' " \\ \n tabulação\t ção 👟 \u0001',
        '9999999999.99',
        '123456789012345678901234567890.1234567890123456789',
        '2026-02-28 23:59:59.999999+00',
        '2024-02-29',
        id % 2 === 0,
        'x'.repeat(9_000),
        0.1,
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      ]);
    await insert(1);
    await query('INSERT INTO coisas (id, nome) VALUES (9007199254740993, $1)', ['']);
    const tap = await start();
    await insert(2);
    await query('INSERT INTO coisas (id, nome, valor) VALUES (-5, $1, -0.01)', ['NULL']);
    const { raw } = await settled(tap);
    expect(raw).toHaveLength(4);
    const [times] = await tap.rows(
      `SELECT __hevo__source_modified_at IS NOT NULL AS modified, __hevo__ingested_at IS NOT NULL AS ingested,
         __hevo__loaded_at >= __hevo__ingested_at AS loaded, __hevo__marked_deleted AS deleted
       FROM lakehouse.raw.coisas WHERE id = 2`,
    );
    expect(times).toEqual({ modified: true, ingested: true, loaded: true, deleted: null });
  });

  it('joins copy and stream without gap or overlap while rows are written', async () => {
    await query(`INSERT INTO coisas (id, nome, valor) SELECT g, 'antes', 1 FROM generate_series(1, 20000) g`);
    let stop = false;
    let next = 20_001;
    const writer = (async () => {
      while (!stop) {
        const id = next++;
        await query(`INSERT INTO coisas (id, nome, valor) VALUES ($1, 'durante', 0)`, [id]);
        await query('UPDATE coisas SET valor = valor + 1 WHERE id IN ($1, $2)', [id, (id % 20_000) + 1]);
        if (id % 3 === 0) await query('DELETE FROM coisas WHERE id = $1', [id - 1]);
      }
    })();
    const tap = await start();
    await delay(300);
    stop = true;
    await writer;
    expect(next).toBeGreaterThan(20_010);
    const { raw } = await settled(tap);
    expect(raw.length).toBeGreaterThan(20_000);
  });

  it('keeps out-of-line values that an update does not send', async () => {
    const body = 'y'.repeat(50_000);
    await query('INSERT INTO coisas (id, nome, corpo) VALUES (1, $1, $2), (2, $1, $2)', ['a', body]);
    const tap = await start();
    await query(`UPDATE coisas SET nome = 'b' WHERE id = 1`);
    await query(`UPDATE coisas SET id = 3 WHERE id = 2`);
    const client = await database.connections.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('INSERT INTO coisas (id, nome, corpo) VALUES (10, $1, $2)', ['a', body]);
      await client.query(`UPDATE coisas SET nome = 'c' WHERE id = 10`);
      await client.query(`UPDATE coisas SET id = 11 WHERE id = 10`);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    await settled(tap);
    const rows = await tap.rows(
      `SELECT id::INTEGER AS id, nome, length(corpo)::INTEGER AS size, __hevo__marked_deleted AS gone FROM lakehouse.raw.coisas ORDER BY id`,
    );
    expect(rows).toEqual([
      { id: 1, nome: 'b', size: 50_000, gone: null },
      { id: 2, nome: 'a', size: 50_000, gone: true },
      { id: 3, nome: 'a', size: 50_000, gone: null },
      { id: 10, nome: 'c', size: 50_000, gone: true },
      { id: 11, nome: 'c', size: 50_000, gone: null },
    ]);
  });

  it('marks deleted rows, keeps their values, and revives a key that comes back', async () => {
    await query(`INSERT INTO coisas (id, nome, valor) VALUES (1, 'um', 1), (2, 'dois', 2)`);
    await query(`INSERT INTO pares VALUES (1, 'x', 'n'), (1, 'y', 'n')`);
    const tap = await start();
    await query('DELETE FROM coisas');
    await query(`DELETE FROM pares WHERE b = 'y'`);
    const look = () =>
      tap.rows(
        'SELECT nome, valor, __hevo__marked_deleted AS gone FROM lakehouse.raw.coisas ORDER BY coisas.id',
      );
    await until(look, (rows) => rows.every((row) => row['gone'] === true));
    expect(await look()).toEqual([
      { nome: 'um', valor: '1.00', gone: true },
      { nome: 'dois', valor: '2.00', gone: true },
    ]);
    await query(`INSERT INTO coisas (id, nome) VALUES (1, 'outro')`);
    await until(look, (rows) => rows[0]?.['gone'] === null);
    expect((await look())[0]).toEqual({ nome: 'outro', valor: null, gone: null });
    const pairs = () =>
      tap.rows('SELECT b, nota, __hevo__marked_deleted AS gone FROM lakehouse.raw.pares ORDER BY b');
    await until(pairs, (rows) => rows[1]?.['gone'] === true);
    expect(await pairs()).toEqual([
      { b: 'x', nota: 'n', gone: null },
      { b: 'y', nota: 'n', gone: true },
    ]);
  });

  it('gains the columns that the source gains, and survives the loss of one', async () => {
    await query(`INSERT INTO pares VALUES (1, 'x', 'n')`);
    const tap = await start();
    await query('ALTER TABLE pares ADD COLUMN preco numeric(10,3), ADD COLUMN feito timestamptz(3)');
    await query(`UPDATE pares SET preco = 1.005, feito = '2026-01-01 00:00:00.123Z'`);
    await query('ALTER TABLE pares DROP COLUMN nota');
    await query(`INSERT INTO pares (a, b, preco) VALUES (2, 'z', 7)`);
    const look = () =>
      tap.rows('SELECT a, b, nota, preco, feito FROM lakehouse.raw.pares ORDER BY a').catch(() => []);
    await until(look, (rows) => rows.length === 2 && rows[0]?.['preco'] === '1.005');
    expect(await look()).toEqual([
      { a: 1, b: 'x', nota: 'n', preco: '1.005', feito: '2026-01-01 00:00:00.123+00' },
      { a: 2, b: 'z', nota: null, preco: '7.000', feito: null },
    ]);
    await query('ALTER TABLE pares ADD COLUMN nota text');
  });

  it('applies a transaction larger than a batch in pieces, and shows all of it or nothing', async () => {
    const tap = await start(slotName(), { limits: { batchMs: 50, maxChanges: 4_000 } });
    const sizes = new Set<number>();
    let done = false;
    const watcher = (async () => {
      while (!done) {
        const [row] = await tap.rows('SELECT count(*)::INTEGER AS n FROM lakehouse.raw.coisas');
        sizes.add(Number(row?.['n']));
        await delay(5);
      }
    })();
    await query(
      `INSERT INTO coisas (id, nome, valor) SELECT g, 'lote ' || g, g FROM generate_series(1, 50000) g`,
    );
    await until(
      () => tap.rows('SELECT count(*)::INTEGER AS n FROM lakehouse.raw.coisas'),
      (rows) => rows[0]?.['n'] === 50_000,
    );
    done = true;
    await watcher;
    expect([...sizes].filter((size) => size !== 0 && size !== 50_000)).toEqual([]);
    expect(tap.tap.stats()).toMatchObject({ changes: 50_000, transactions: 1, batches: 1 });
    await query(`UPDATE coisas SET valor = valor + 1`);
    await settled(tap);
  });

  it('ignores TRUNCATE, as Hevo does', async () => {
    await query(`INSERT INTO coisas (id, nome) VALUES (1, 'fica')`);
    const tap = await start();
    await query('TRUNCATE coisas');
    await query(`INSERT INTO coisas (id, nome) VALUES (2, 'depois')`);
    const look = () => tap.rows('SELECT nome FROM lakehouse.raw.coisas ORDER BY id');
    await until(look, (rows) => rows.length === 2);
    expect(await look()).toEqual([{ nome: 'fica' }, { nome: 'depois' }]);
  });
});
