import { publishedTables } from '../db/schema.ts';
import { UsageError } from '../lib/errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `5s`, `2m`, `1h`; a bare number counts seconds. Milliseconds back. */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text.trim());
  const unit = UNIT_MS[match?.[2] ?? 's'];
  if (match === null || unit === undefined) {
    throw new UsageError(
      `${option} ${JSON.stringify(text)} is not a duration`,
      `${option} 5s (ms, s, m or h)`,
    );
  }
  return Number(match[1]) * unit;
}

export function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(
      `${option} ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`,
      `${option} ${min}, or leave it out`,
    );
  }
  return value;
}

/** The tables named, in the order in which they are published; all when nothing is named. */
export function parseTables(text: string | undefined): readonly string[] {
  if (text === undefined) return publishedTables;
  const named = text.split(',').map((name) => name.trim().toLowerCase());
  const unknown = named.filter((name) => !publishedTables.some((table) => table === name));
  if (unknown.length > 0) {
    throw new UsageError(
      `--tables names ${unknown.map((name) => JSON.stringify(name)).join(', ')}, which the simulator does not publish`,
      `name some of: ${publishedTables.join(', ')}`,
    );
  }
  return publishedTables.filter((table) => named.includes(table));
}

/** A moment as ISO 8601 writes it. */
export function parseMoment(option: string, text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/^\d{4}-\d{2}-\d{2}/.test(text)) {
    throw new UsageError(`${option} ${JSON.stringify(text)} is not a time`, `${option} 2025-03-01T12:00:00Z`);
  }
  return new Date(ms).toISOString();
}
