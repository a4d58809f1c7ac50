import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishedTables } from '../../../src/db/schema.ts';
import { endpointFile } from '../../../src/lakehouse/endpoint.ts';
import { asObjects } from '../../../src/lakehouse/query.ts';
import { QueryServer } from '../../../src/lakehouse/query-server.ts';
import { openReader, readLiveStatus } from '../../../src/lakehouse/reader.ts';
import { delay } from '../../../src/lib/backoff.ts';
import { noProgress } from '../../../src/verify/progress.ts';
import { sourceSide } from '../../../src/verify/source-side.ts';
import { openTarget } from '../../../src/verify/targets/open.ts';
import { verify } from '../../../src/verify/verify.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { lakehouseFolder, slotName, startTap, type TestTap } from '../../support/tap.ts';

describe('a lakehouse that runs', () => {
  let database: TestDatabase;
  let tap: TestTap;
  let server: QueryServer;
  const lake = lakehouseFolder();

  beforeAll(async () => {
    database = await createTestDatabase({ template: 'seeded' });
    tap = await startTap(database, lake.file, slotName());
    server = new QueryServer(tap.store, async () => ({ phase: tap.tap.stats().phase }));
    await server.start();
  });
  afterAll(async () => {
    await server?.stop();
    await tap?.close();
    lake.remove();
    await database?.drop();
  });

  const look = async (waitMs: number) => {
    const target = await openTarget({
      target: `duckdb:${lake.file}`,
      schema: undefined,
      hevo: false,
      databricks: { token: undefined, clientId: undefined, clientSecret: undefined },
    });
    try {
      return await verify(sourceSide(database.connections.pool, 'the source'), target, {
        tables: publishedTables,
        lagMs: 0,
        waitMs,
        bucketRows: 64,
        probes: 0,
        events: null,
        signal: new AbortController().signal,
        progress: noProgress,
      });
    } finally {
      await target.close();
    }
  };

  /** Traffic of every kind: new customers, changed products, orders that go away with their items. */
  async function traffic(signal: AbortSignal): Promise<number> {
    const { pool } = database.connections;
    let rounds = 0;
    while (!signal.aborted || rounds < 5) {
      rounds += 1;
      await pool.query(
        `UPDATE produtos SET estoque = estoque + 1, atualizado_em = clock_timestamp() WHERE id = (SELECT id FROM produtos ORDER BY atualizado_em LIMIT 1)`,
      );
      await pool.query(
        `INSERT INTO clientes (nome, sobrenome, id_genero, id_estadocivil, email, cpf, telefone, endereco, bairro, cidade, estado, cep, data_cadastro, id_emailmarketing)
         SELECT 'Ação', sobrenome, 1, 1, $1, $2, telefone, E'linha\\n"aspas"', bairro, cidade, estado, cep, data_cadastro, 2 FROM clientes LIMIT 1`,
        [`verify-${rounds}@example.com`, `v${rounds}`],
      );
      await pool.query(
        `WITH o AS (SELECT id FROM pedidos WHERE id_status = 5 ORDER BY id LIMIT 1), i AS (DELETE FROM itenspedido USING o WHERE id_pedido = o.id RETURNING 1)
         SELECT count(*) FROM i`,
      );
      await delay(10);
    }
    return rounds;
  }

  it('holds everything that the source holds, also while traffic runs', async () => {
    const stop = new AbortController();
    const writing = traffic(stop.signal);
    try {
      const report = await look(30_000);
      expect(report.differences).toEqual([]);
      expect(report.tables).toHaveLength(publishedTables.length);
      expect(report.ok).toBe(true);
    } finally {
      stop.abort();
      expect(await writing).toBeGreaterThan(4);
    }
  });

  it('is found wrong where a value, a row or a delete is planted', async () => {
    expect((await look(30_000)).ok).toBe(true);
    await tap.connection.run(
      `UPDATE lakehouse.raw.pedidos SET total = total + 0.01 WHERE id = (SELECT min(id) FROM lakehouse.raw.pedidos)`,
    );
    await tap.connection.run(
      `UPDATE lakehouse.raw.produtos SET __hevo__marked_deleted = true WHERE id = (SELECT max(id) FROM lakehouse.raw.produtos)`,
    );
    await tap.connection.run(`INSERT INTO lakehouse.raw.marcas (id, nome) VALUES (99, 'Fantasma')`);
    const report = await look(0);
    expect(report.ok).toBe(false);
    expect(report.differences.map(({ table }) => table).sort()).toEqual(['marcas', 'pedidos', 'produtos']);
  });

  it('answers queries of others while it has the file, and only reads', async () => {
    const reader = await openReader(lake.file);
    expect(reader.isLive).toBe(true);
    const answer = await reader.query(
      `SELECT 12.50::DECIMAL(12,2) AS valor, 9007199254740993::BIGINT AS id, NULL AS nada, TIMESTAMPTZ '2026-01-01 00:00:00.000001+00' AS quando`,
    );
    expect(asObjects(answer)).toEqual([
      { valor: '12.50', id: '9007199254740993', nada: null, quando: '2026-01-01 00:00:00.000001+00' },
    ]);
    for (const wrong of [
      'DELETE FROM lakehouse.raw.marcas',
      'COMMIT; DROP TABLE lakehouse.raw.marcas',
      'SELECT 1; SELECT 2',
      'COMMIT',
      'SELEC 1',
    ]) {
      await expect(reader.query(wrong)).rejects.toMatchObject({ exitCode: 2 });
    }
    expect((await reader.query('SELECT count(*) > 5 FROM lakehouse.raw.marcas')).rows).toEqual([[true]]);
    await expect(reader.query('SELECT * FROM range(300000)')).rejects.toThrow(/more than 200000 rows/);
    await reader.close();
  });

  it('shows nothing to who cannot read its endpoint file', async () => {
    expect(await readLiveStatus(lake.file)).toEqual({ phase: 'streaming' });
    if (process.platform !== 'win32') expect(statSync(endpointFile(lake.file)).mode & 0o077).toBe(0);
    const { port } = JSON.parse(readFileSync(endpointFile(lake.file), 'utf8')) as {
      port: number;
    };
    for (const authorization of ['', 'Bearer ', 'Bearer x']) {
      const response = await fetch(`http://127.0.0.1:${port}/status`, { headers: { authorization } });
      expect(response.status).toBe(401);
    }
  });

  it('is read from its file when nobody has it open', async () => {
    await server.stop();
    await tap.close();
    const reader = await openReader(lake.file);
    expect(reader.isLive).toBe(false);
    expect((await reader.query('SELECT count(*) > 100 FROM lakehouse.raw.pedidos')).rows).toEqual([[true]]);
    await expect(reader.query('DROP TABLE lakehouse.raw.pedidos')).rejects.toMatchObject({ exitCode: 2 });
    await reader.close();
    await expect(openReader(`${lake.file}.absent`)).rejects.toMatchObject({
      fix: expect.stringContaining('npm run lakehouse'),
    });
  });
});
