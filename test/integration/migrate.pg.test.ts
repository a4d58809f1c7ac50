import { sql } from 'kysely';
import { afterEach, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { connect } from '../../src/db/pool.ts';
import { publishedTables } from '../../src/db/schema.ts';
import { OperatorError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
const logger = silentLogger();
afterEach(() => database.drop());

it('makes the tables once, also when several start at the same time', async () => {
  database = await createTestDatabase({ template: 'empty' });
  const starters = Array.from({ length: 4 }, () => connect(database.settings, { poolSize: 1, logger }));
  const done = await Promise.all(starters.map((starter) => migrate(starter.db, logger)));
  await Promise.all(starters.map((starter) => starter.close()));
  expect(done.filter((names) => names.length > 0)).toEqual([['0001_shop', '0002_simulator']]);
  const tables = await sql<{
    name: string;
  }>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`.execute(database.connections.db);
  expect(tables.rows.map((row) => row.name).sort()).toEqual([...publishedTables].sort());
  expect(await migrate(database.connections.db, logger)).toEqual([]);
});

it('refuses a database whose tables of our names are somebody else’s, and changes nothing there', async () => {
  database = await createTestDatabase({ template: 'empty' });
  const { db } = database.connections;
  await sql`CREATE TABLE public.pedidos (id int)`.execute(db);
  await expect(migrate(db, logger)).rejects.toThrow('public.pedidos');
  const schemas = await sql`SELECT FROM pg_namespace WHERE nspname = 'simulator'`.execute(db);
  expect(schemas.rows).toEqual([]);
});

it('refuses a database that a newer version has migrated', async () => {
  database = await createTestDatabase({ template: 'migrated' });
  const { db } = database.connections;
  await sql`INSERT INTO simulator.migration (name, timestamp) VALUES ('0099_future', '2030-01-01')`.execute(
    db,
  );
  await expect(migrate(db, logger)).rejects.toThrow('0099_future');
});

it('says which privileges a user lacks, and works once they are granted as it says', async () => {
  database = await createTestDatabase({ template: 'empty' });
  const { db } = database.connections;
  const role = `${database.settings.database}_low`;
  await sql`CREATE ROLE ${sql.id(role)} LOGIN PASSWORD ${sql.lit(database.settings.password ?? '')}`.execute(
    db,
  );
  await sql`REVOKE CREATE ON SCHEMA public FROM PUBLIC`.execute(db);
  const low = connect({ ...database.settings, user: role }, { poolSize: 1, logger });
  try {
    const error = await migrate(low.db, logger).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof OperatorError)) throw new Error('was not refused');
    expect(error.message).toContain(role);
    const grants = error.fix.match(/GRANT [^;]+;/g) ?? [];
    expect(grants).toHaveLength(2);
    for (const grant of grants) await sql.raw(grant).execute(db);
    expect(await migrate(low.db, logger)).toEqual(['0001_shop', '0002_simulator']);
  } finally {
    await low.close();
    await sql`DROP OWNED BY ${sql.id(role)} CASCADE`.execute(db);
    await sql`DROP ROLE ${sql.id(role)}`.execute(db);
  }
});

it('gives every published table types that CDC tools carry, a primary key, and no generated column', async () => {
  database = await createTestDatabase({ template: 'migrated' });
  const { db } = database.connections;
  const types = await sql<{ type: string }>`
    SELECT DISTINCT format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`.execute(db);
  for (const { type } of types.rows) {
    expect(type).toMatch(
      /^(bigint|integer|smallint|numeric\(12,2\)|text|character varying\(\d+\)|timestamp with time zone|date|boolean)$/,
    );
  }
  const keyless = await sql<{ name: string }>`
    SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)`.execute(
    db,
  );
  expect(keyless.rows).toEqual([]);
  const generated =
    await sql`SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND a.attgenerated <> ''`.execute(db);
  expect(generated.rows).toEqual([]);
});
