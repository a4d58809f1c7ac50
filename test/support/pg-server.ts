import { randomInt } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { DatabaseSettings } from '../../src/config/database.ts';
import { attachEmbedded } from '../../src/db/embedded/attach.ts';
import { portIsFree } from '../../src/db/embedded/server.ts';
import { silentLogger } from '../../src/lib/logger.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    pgAdmin: DatabaseSettings;
    /** The file that lists the databases which failed tests left behind. */
    pgKept: string;
  }
}

export interface TestServer {
  /** Of the database `loja`, which tests leave alone. */
  readonly settings: DatabaseSettings;
  readonly dataDir: string;
  /** Stops the server and removes its files, unless they are to be kept. */
  stop(options?: { readonly keepFiles: boolean }): Promise<void>;
}

/**
 * A port that nobody uses just now, below the ranges from which systems take the ports of outgoing connections: one
 * of those could sit on it a moment later.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(20_000, 32_000);
    if (await portIsFree(port)) return port;
  }
  throw new Error('no free port');
}

/** A real PostgreSQL in a folder of its own; quick, because nothing of it must survive a power cut. */
export async function startTestServer(
  serverSettings: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-test-'));
  // as root, the server's user must get in
  chmodSync(folder, 0o755);
  const embedded = await attachEmbedded(
    {
      dataDir: join(folder, 'postgres'),
      port: await freePort(),
      portWasSet: false,
      serverSettings: {
        fsync: 'off',
        synchronous_commit: 'off',
        full_page_writes: 'off',
        max_connections: '200',
        max_wal_senders: '20',
        max_replication_slots: '20',
        max_logical_replication_workers: '20',
        max_worker_processes: '30',
        ...serverSettings,
      },
    },
    silentLogger(),
  );
  return {
    settings: embedded.settings,
    dataDir: embedded.dataDir,
    stop: async ({ keepFiles } = { keepFiles: false }) => {
      await embedded.detach();
      if (keepFiles) return;
      rmSync(folder, { recursive: true, force: true });
      // as root the data may live elsewhere, behind a link
      rmSync(embedded.dataDir, { recursive: true, force: true });
      rmSync(`${embedded.dataDir}.users.db`, { force: true });
    },
  };
}

/** Vitest's global set-up of the `pg` tests: one server for all of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestServer();
  const kept = `${server.dataDir}.kept`;
  project.provide('pgAdmin', server.settings);
  project.provide('pgKept', kept);
  return async () => {
    const keepFiles = existsSync(kept);
    await server.stop({ keepFiles });
    if (!keepFiles) return;
    process.stderr.write(
      `\nDatabases of failed tests:\n${readFileSync(kept, 'utf8')}Their server is stopped. To look into them: ` +
        `EMBEDDED_DATA_DIR=${server.dataDir} EMBEDDED_PORT=${server.settings.port} npm run sim -- run; afterwards remove that folder.\n`,
    );
  };
}
