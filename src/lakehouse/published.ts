import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckResult } from './checks.ts';
import type { DashboardData } from './dashboard-data.ts';
import type { RefreshedTable } from './transform/refresh.ts';

// types alone are imported: the daemon reads this file's contents and must load neither DuckDB nor the translator

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

export const PUBLISHED_FILE = 'dashboards.json';

/**
 * Reads what was published in `directory`: null when no lakehouse has run there. The file is read again only when it
 * has changed, however often somebody asks.
 */
export function publishedIn(directory: string): () => Promise<PublishedLakehouse | null> {
  const file = join(directory, PUBLISHED_FILE);
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
