import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config/config.ts';
import type { DatabaseSettings } from '../../src/config/database.ts';
import { openSource } from '../../src/db/source.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/pg-server.ts';

let database: TestDatabase;
const ROLE = `limited_${process.pid}`;
const LATIN = `latin_${process.pid}`;

beforeAll(async () => {
  database = await createTestDatabase({ template: 'empty' });
  const { pool } = database.connections;
  await pool.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD 'x' CONNECTION LIMIT 0`);
  await pool.query(
    `CREATE DATABASE ${LATIN} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc`,
  );
});
afterAll(async () => {
  await database.connections.pool.query(`DROP DATABASE IF EXISTS ${LATIN} WITH (FORCE)`);
  await database.connections.pool.query(`DROP ROLE IF EXISTS ${ROLE}`);
  await database.drop();
});

function configFor(overrides: Partial<DatabaseSettings>): Config {
  return { ...loadConfig({}).config, database: { ...database.settings, ...overrides } };
}

const open = (overrides: Partial<DatabaseSettings>, patienceMs = 0) =>
  openSource(configFor(overrides), silentLogger(), { patienceMs });

describe('a source', () => {
  it('is opened, and names itself without its password', async () => {
    const source = await open({});
    try {
      const answer = await source.connections.pool.query('SELECT current_database() AS name');
      expect(answer.rows).toEqual([{ name: database.settings.database }]);
      expect(source.embedded).toBeNull();
      expect(`${source.where} ${source.url}`).not.toContain(`:${database.settings.password}@`);
      expect(source.url).toContain(database.settings.database);
    } finally {
      await source.close();
    }
  });

  it.each([
    ['a wrong password', { password: 'wrong' }, /refuses the password/],
    ['an unknown role', { user: 'nobody_knows_me', password: 'x' }, /password|refuses user/],
    ['an unknown database', { database: 'no_such_shop' }, /no database "no_such_shop"/],
    ['a server without TLS', { sslMode: 'require' as const }, /has no TLS/],
    ['a role without a connection left', { user: ROLE, password: 'x' }, /no connection left/],
    ['a database in another encoding', { database: LATIN }, /encoded in LATIN1/],
  ])('with %s is refused with the fix', async (_what, overrides, says) => {
    await expect(open(overrides)).rejects.toMatchObject({
      name: 'OperatorError',
      message: expect.stringMatching(says) as string,
      fix: expect.stringMatching(/\w{3}/) as string,
    });
  });

  it('that is read-only is refused with the fix', async () => {
    const name = database.settings.database;
    const { pool } = database.connections;
    await pool.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    try {
      await expect(open({})).rejects.toThrow('is read-only');
    } finally {
      await pool.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    }
  });

  it('where nobody listens is refused when patience ends, and at once when the start is called off', async () => {
    const port = await freePort();
    await expect(open({ port }, 300)).rejects.toThrow('nobody listens');
    const abort = new AbortController();
    const opening = openSource(configFor({ port }), silentLogger(), {
      patienceMs: 600_000,
      signal: abort.signal,
    });
    abort.abort();
    await expect(opening).rejects.toThrow('nobody listens');
  });

  it('that comes up a little later is waited for', async () => {
    const port = await freePort();
    const { port: target } = inject('pgAdmin');
    const opening = open({ port }, 60_000);
    const door = createServer((client) => {
      const server = connectSocket(target, '127.0.0.1');
      client.on('error', () => server.destroy());
      server.on('error', () => client.destroy());
      client.pipe(server).pipe(client);
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    door.listen(port, '127.0.0.1');
    await once(door, 'listening');
    expect((door.address() as AddressInfo).port).toBe(port);
    const source = await opening;
    await source.close();
    door.close();
  });
});
