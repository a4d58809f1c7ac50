import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runDoctor } from '../../../src/cdc/doctor.ts';
import { clientConfig, connect } from '../../../src/db/pool.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { identifier } from '../../../src/lib/sql-text.ts';
import { runDaemon } from '../../support/daemon-run.ts';

const ENCODINGS = ['LATIN1', 'SQL_ASCII', 'WIN1252', 'EUC_JP'] as const;
const nameOf = (encoding: string) => `Loja "${encoding}" ${process.pid}`;

let admin: pg.Client;
beforeAll(async () => {
  admin = new pg.Client(clientConfig(inject('pgAdmin')));
  await admin.connect();
});
afterAll(async () => {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database WHERE datname LIKE 'Loja %' || $1::text || '%'`,
    [String(process.pid)],
  );
  for (const { name } of rows) await admin.query(`DROP DATABASE ${identifier(name)} WITH (FORCE)`);
  await admin.end();
});

describe('a database in another encoding', () => {
  it.each(ENCODINGS)('%s is refused before anything is written; doctor agrees', async (encoding) => {
    const settings = { ...inject('pgAdmin'), database: nameOf(encoding) };
    const quoted = identifier(settings.database);
    await admin.query(
      `CREATE DATABASE ${quoted} ENCODING '${encoding}' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc`,
    );
    const error = await runDaemon(settings).ended.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      name: 'OperatorError',
      exitCode: 1,
      message: `the database ${settings.database} is encoded in ${encoding}, not UTF8`,
    });
    const connections = connect(settings, { poolSize: 2, logger: silentLogger() });
    try {
      const made = await connections.pool.query(
        `SELECT FROM pg_namespace WHERE nspname = 'simulator'
         UNION ALL SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace`,
      );
      expect(made.rowCount).toBe(0);
      const limits = { maxSlotLagBytes: 0, maxDatabaseBytes: 0, walWindowMs: 0 };
      const { checks } = await runDoctor(connections, settings, limits);
      expect(checks.find(({ id }) => id === 'encoding')).toMatchObject({ status: 'fail' });
    } finally {
      await connections.close();
    }
    // what the message says is right
    const statement = /CREATE DATABASE .* template0/.exec((error as { fix: string }).fix)?.[0] ?? '';
    await admin.query(statement);
    const utf8 = await admin.query(
      `SELECT FROM pg_database WHERE datname = $1 AND pg_encoding_to_char(encoding) = 'UTF8'`,
      [`${settings.database}_utf8`],
    );
    expect(utf8.rowCount).toBe(1);
  });
});
