import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { runChecks } from './checks.ts';
import { type DashboardData, dashboardData } from './dashboard-data.ts';
import { loadDashboards } from './dashboards.ts';
import { PUBLISHED_FILE, type PublishedLakehouse } from './published.ts';
import { CATALOG, quoteIdentifier } from './raw-schema.ts';
import { type RefreshOptions, type RefreshReport, refresh } from './transform/refresh.ts';

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
  const partial = join(directory, `${PUBLISHED_FILE}.${process.pid}.partial`);
  await writeFile(partial, JSON.stringify(published));
  await rename(partial, join(directory, PUBLISHED_FILE));
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
