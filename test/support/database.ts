import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import pg from 'pg';
import { beforeEach, inject, type RunnerTask } from 'vitest';
import type { DatabaseSettings } from '../../src/config/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { type Connections, clientConfig, connect } from '../../src/db/pool.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { seedTestShop } from './shop.ts';

export interface TestDatabase {
  readonly settings: DatabaseSettings;
  readonly url: string;
  readonly connections: Connections;
  /** Closes the connections and drops the database; after a failed test it stays, and the run says where. */
  drop(): Promise<void>;
}

export type Template = 'empty' | 'migrated' | 'seeded';

const tasks: RunnerTask[] = [];
beforeEach(({ task }) => {
  tasks.push(task);
});

/** Two test files may want the same template at the same time: the first builds it under this lock. */
const TEMPLATE_LOCK = 7_318_001;

export function urlOf(settings: DatabaseSettings): string {
  return `postgresql://${settings.user}:${settings.password ?? ''}@${settings.host}:${settings.port}/${settings.database}`;
}

/**
 * A database of its own for a test file, on the run's server or on `admin`: empty, with our tables (`migrated`), or
 * with a small shop and its history (`seeded`). A copy of a template: made in a fraction of a second.
 */
export async function createTestDatabase(options: {
  readonly template: Template;
  readonly admin?: DatabaseSettings;
  readonly poolSize?: number;
}): Promise<TestDatabase> {
  const admin = options.admin ?? inject('pgAdmin');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withAdmin(admin, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const template =
      options.template === 'empty' ? 'template0' : await ensureTemplate(client, admin, options.template);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  const settings = { ...admin, database: name };
  const firstTask = Math.max(tasks.length - 1, 0);
  const connections = connect(settings, { poolSize: options.poolSize ?? 8, logger: silentLogger() });
  return {
    settings,
    url: urlOf(settings),
    connections,
    drop: async () => {
      await connections.close();
      const failed = tasks.slice(firstTask).find((task) => task.result?.state === 'fail');
      if (failed !== undefined && options.admin === undefined) {
        appendFileSync(inject('pgKept'), `${urlOf(settings)}  (${failed.name})\n`);
        return;
      }
      await withAdmin(admin, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

async function ensureTemplate(
  client: pg.Client,
  admin: DatabaseSettings,
  template: 'migrated' | 'seeded',
): Promise<string> {
  const name = `template_${template}`;
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (found.rowCount === 1) return name;
  const unfinished = `${name}_unfinished`;
  await client.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${unfinished} TEMPLATE template0`);
  const logger = silentLogger();
  const connections = connect({ ...admin, database: unfinished }, { poolSize: 3, logger });
  try {
    await migrate(connections.db, logger);
    if (template === 'seeded') await seedTestShop({ ...admin, database: unfinished }, logger);
  } finally {
    await connections.close();
  }
  await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`);
  return name;
}

async function withAdmin<T>(settings: DatabaseSettings, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientConfig(settings));
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
