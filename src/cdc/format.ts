import { identifier } from '../lib/sql-text.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes for a person, in powers of 1024 as PostgreSQL prints them: 1610612736 → `1.5 GB`. */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = value >= 100 || unit === 0 ? 0 : 1;
  return `${bytes < 0 ? '-' : ''}${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Hours for a person: minutes below one hour, days from two days on. */
export function formatHours(hours: number): string {
  if (hours < 1) return `${Math.max(Math.round(hours * 60), 0)} min`;
  if (hours < 48) return `${hours < 10 ? hours.toFixed(1) : Math.round(hours)} h`;
  return `${Math.round(hours / 24)} days`;
}

/** A table of schema public. */
export function publicTable(name: string): string {
  return `public.${identifier(name)}`;
}
