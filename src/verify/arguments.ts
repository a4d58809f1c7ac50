import { isSqlName } from '../config/parsers.ts';
import { publishedTables } from '../db/schema.ts';
import { UsageError } from '../lib/errors.ts';
import { shown } from '../lib/shown.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A timer of Node holds 24 days, and fires at once for more. */
const LONGEST_MS = 480 * 3_600_000;

/** `500ms`, `5s`, `2m`, `1h`; a bare number counts seconds. From `minMs` to 480 hours; milliseconds back. */
export function parseDuration(option: string, text: string, minMs = 0): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text.trim());
  const ms = Number(match?.[1]) * (UNIT_MS[match?.[2] ?? 's'] ?? Number.NaN);
  if (ms >= minMs && ms <= LONGEST_MS) return ms;
  const from = minMs === 0 ? '' : `from ${minMs / 1_000}s `;
  throw new UsageError(
    `${option} ${shown(text)} is not a duration ${from}up to 480h`,
    `${option} 5s (ms, s, m or h)`,
  );
}

export function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(
      `${option} ${shown(text)} is not a whole number from ${min} to ${max}`,
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
      `--tables names ${unknown
        .map((name) => shown(name, 40))
        .slice(0, 5)
        .join(', ')}, which the simulator does not publish`,
      `name some of: ${publishedTables.join(', ')}`,
    );
  }
  return publishedTables.filter((table) => named.includes(table));
}

/** A moment as ISO 8601 writes it. */
export function parseMoment(option: string, text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !/^\d{4}-\d{2}-\d{2}/.test(text)) {
    throw new UsageError(`${option} ${shown(text)} is not a time`, `${option} 2025-03-01T12:00:00Z`);
  }
  return new Date(ms).toISOString();
}

/** The name of a schema, as it is, without quotes. */
export function parseSchema(option: string, text: string): string {
  if (isSqlName(text)) return text;
  throw new UsageError(
    `${option} ${shown(text)} is not the name of a schema: at most 63 bytes, without control characters`,
    `${option} public, or leave it out`,
  );
}
