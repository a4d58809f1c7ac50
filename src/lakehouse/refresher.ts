import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { delay } from '../lib/backoff.ts';
import { messageOf, OperatorError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';
import { refreshAndPublish } from './publish.ts';
import type { Store } from './store.ts';
import { loadTransformations } from './transform/load.ts';
import { exportParquet } from './transform/parquet.ts';

export interface RefresherOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly everyMs: number;
  /** Export every table to this folder after each refresh; null: do not. */
  readonly parquetDir: string | null;
  /** How far raw is behind, for the line that is logged. */
  readonly lagMs: () => number | null;
}

export interface LastRefresh {
  readonly at: string;
  readonly ms: number;
  readonly tables: number;
  readonly rows: number;
  readonly violations: number;
  readonly error: string | null;
}

/** Rebuilds bronze, silver and gold again and again. A refresh that fails is told; the next one tries again. */
export class Refresher implements Service {
  readonly name = 'refresh';
  readonly #options: RefresherOptions;
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;
  #last: LastRefresh | null = null;

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  get last(): LastRefresh | null {
    return this.#last;
  }

  readonly start = once(async () => {
    this.#loop = this.#run(await this.#options.store.connect());
  });

  readonly stop = once(async () => {
    this.#abort.abort();
    await this.#loop;
  });

  async #run(connection: DuckDBConnection): Promise<void> {
    const { signal } = this.#abort;
    do {
      try {
        await this.#refresh(connection, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
      }
    } while (await delay(this.#options.everyMs, signal));
  }

  async #refresh(connection: DuckDBConnection, signal: AbortSignal): Promise<void> {
    const { store, logger, parquetDir, lagMs } = this.#options;
    const transformations = await loadTransformations();
    const { report } = await refreshAndPublish(connection, dirname(store.file), {
      transformations,
      signal,
      nowMs: () => Date.now(),
    });
    const rows = report.tables.reduce((sum, table) => sum + table.rows, 0);
    const violations = report.tables
      .flatMap((table) => table.violations)
      .reduce((sum, violation) => sum + violation.rows, 0);
    const files = parquetDir === null ? [] : await exportParquet(connection, parquetDir);
    const ms = Math.round(report.ms);
    const tables = report.tables.length;
    this.#last = { at: new Date().toISOString(), ms, tables, rows, violations, error: null };
    const notes = [
      violations === 0 ? '' : `, ${violations} violations of expectations`,
      lagMs() === null ? '' : `; raw is ${((lagMs() ?? 0) / 1000).toFixed(1)} s behind the source`,
      files.length === 0 ? '' : `; ${files.length} Parquet files in ${parquetDir}`,
    ];
    logger.info(
      { event: 'lakehouse.refreshed', ms, tables, rows, violations, lagMs: lagMs(), parquet: files.length },
      `refreshed ${tables} tables in ${(ms / 1000).toFixed(1)} s${notes.join('')}`,
    );
  }

  #failed(error: unknown): void {
    const fix = error instanceof OperatorError ? error.fix : undefined;
    this.#last = {
      at: new Date().toISOString(),
      ms: 0,
      tables: 0,
      rows: 0,
      violations: 0,
      error: messageOf(error),
    };
    this.#options.logger.error(
      { event: 'lakehouse.failed', reason: messageOf(error), ...(fix === undefined ? {} : { fix }) },
      `the refresh failed: ${messageOf(error)}${fix === undefined ? '' : `; fix: ${fix}`}`,
    );
  }
}
