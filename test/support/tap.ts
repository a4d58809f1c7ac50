import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { openStore, type Store } from '../../src/lakehouse/store.ts';
import { Tap, type TapOptions } from '../../src/lakehouse/tap/tap.ts';
import { delay } from '../../src/lib/backoff.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { TestDatabase } from './database.ts';

/** A lakehouse file in a folder of its own. */
export function lakehouseFolder(): { file: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-sim-lake-'));
  return {
    file: join(folder, 'lakehouse.duckdb'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Slots belong to the whole server: every test needs a name of its own. */
export function slotName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

export interface TestTap {
  readonly tap: Tap;
  readonly store: Store;
  readonly connection: DuckDBConnection;
  /** Rows as JSON values: numbers beyond 2^53, decimals and times as text. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** Stops the tap (drops the slot) and closes the file. */
  close(): Promise<void>;
}

export async function startTap(
  database: TestDatabase,
  file: string,
  slot: string,
  options: Partial<TapOptions> = {},
): Promise<TestTap> {
  const store = await openStore(file);
  const tap = new Tap({
    settings: database.settings,
    connections: database.connections,
    store,
    logger: silentLogger(),
    slot,
    publication: 'cdc_sim',
    limits: { batchMs: 50 },
    ...options,
  });
  const connection = await store.connect();
  const asking = new Set<Promise<unknown>>();
  const close = async () => {
    await tap.stop();
    // a file that is closed under a query takes the process with it
    await Promise.allSettled(asking);
    await store.close();
  };
  try {
    await tap.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    tap,
    store,
    connection,
    rows: async (sql) => {
      const answer = connection.runAndReadAll(sql);
      asking.add(answer);
      try {
        return (await answer).getRowObjectsJson() as Record<string, unknown>[];
      } finally {
        asking.delete(answer);
      }
    },
    close,
  };
}

/** Polls until `condition` holds; throws with what was seen last. */
export async function until<T>(
  look: () => Promise<T>,
  condition: (seen: T) => boolean,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (condition(seen)) return seen;
    if (performance.now() > deadline) {
      throw new Error(`waited in vain; seen last: ${JSON.stringify(seen)?.slice(0, 2_000)}`);
    }
    await delay(30);
  }
}
