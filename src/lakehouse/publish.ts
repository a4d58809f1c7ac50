import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { type CheckResult, runChecks } from './checks.ts';
import { type DashboardData, dashboardData } from './dashboard-data.ts';
import { loadDashboards } from './dashboards.ts';
import { CATALOG, quoteIdentifier } from './raw-schema.ts';
import {
  type RefreshedTable,
  type RefreshOptions,
  type RefreshReport,
  refresh,
} from './transform/refresh.ts';

/** What the lakehouse's own process leaves for the status page: DuckDB lets one process alone have the file open. */
export interface PublishedLakehouse {
  readonly refreshedAtMs: number;
  readonly refreshMs: number;
  /** The last change that raw carried when gold was computed, ISO 8601; null: raw is empty. */
  readonly dataAsOf: string | null;
  readonly tables: readonly RefreshedTable[];
  readonly checks: readonly CheckResult[];
  readonly dashboards: readonly DashboardData[];
}

const FILE = 'dashboards.json';

export interface PublishOptions extends RefreshOptions {
  /** Wall clock, ms since the epoch. */
  readonly nowMs: () => number;
}

/**
 * Refreshes everything above raw, then writes the dashboards' figures and the checks' findings to `directory`.
 *
 * @param connection one that nobody else uses meanwhile
 */
export async function refreshAndPublish(
  connection: DuckDBConnection,
  directory: string,
  options: PublishOptions,
): Promise<{ readonly report: RefreshReport; readonly published: PublishedLakehouse }> {
  const report = await refresh(connection, options);
  const catalog = options.catalog ?? CATALOG;
  const dashboards: DashboardData[] = [];
  for (const dashboard of await loadDashboards()) {
    dashboards.push(await dashboardData(connection, dashboard, { catalog }));
  }
  const published: PublishedLakehouse = {
    refreshedAtMs: options.nowMs(),
    refreshMs: Math.round(report.ms),
    dataAsOf: await lastChange(connection, catalog),
    tables: report.tables,
    checks: await runChecks(connection, { catalog }),
    dashboards,
  };
  await mkdir(directory, { recursive: true });
  const partial = join(directory, `${FILE}.${process.pid}.partial`);
  await writeFile(partial, JSON.stringify(published));
  await rename(partial, join(directory, FILE));
  return { report, published };
}

async function lastChange(connection: DuckDBConnection, catalog: string): Promise<string | null> {
  const table = [catalog, 'silver', 'fact_pedido'].map(quoteIdentifier).join('.');
  const reader = await connection.runAndReadAll(
    `SELECT strftime(max(atualizado_em) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ') FROM ${table}`,
  );
  const value = reader.getRows()[0]?.[0];
  return typeof value === 'string' ? value : null;
}

/**
 * Reads what was published in `directory`: null when no lakehouse has run there. The file is read again only when it
 * has changed, however often somebody asks.
 */
export function publishedIn(directory: string): () => Promise<PublishedLakehouse | null> {
  const file = join(directory, FILE);
  let known: { mtimeMs: number; published: PublishedLakehouse } | null = null;
  return async () => {
    try {
      const { mtimeMs } = await stat(file);
      if (known?.mtimeMs !== mtimeMs) {
        known = { mtimeMs, published: JSON.parse(await readFile(file, 'utf8')) as PublishedLakehouse };
      }
      return known.published;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
}
