/**
 * The shop's calendar: America/Sao_Paulo, UTC−3 all year (no daylight saving time since 2019). Times are milliseconds
 * since the epoch; a local day is the number of days since 1970-01-01 on the shop's wall.
 */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
const OFFSET_MS = 3 * HOUR_MS;

/** The local day on which `atMs` falls. */
export function localDay(atMs: number): number {
  return Math.floor((atMs - OFFSET_MS) / DAY_MS);
}

/** When the local day begins, in ms since the epoch. */
export function startOfDayMs(day: number): number {
  return day * DAY_MS + OFFSET_MS;
}

/** Hours since the local midnight, with fraction: [0, 24). */
export function localHour(atMs: number): number {
  return (atMs - OFFSET_MS - localDay(atMs) * DAY_MS) / HOUR_MS;
}

/** 0 Monday … 6 Sunday. 1970-01-01 was a Thursday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/** YYYY-MM-DD of a local day. */
export function dateText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The local day of YYYY-MM-DD. */
export function dayOfDate(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

/** The local day of Black Friday: the day after the fourth Thursday of November. */
export function blackFriday(year: number): number {
  const firstOfNovember = Date.UTC(year, 10, 1) / DAY_MS;
  const firstThursday = firstOfNovember + ((3 - weekdayOf(firstOfNovember) + 7) % 7);
  return firstThursday + 22;
}

/** Days from the year's Black Friday: negative before, 0 on the day. */
export function daysFromBlackFriday(day: number): number {
  return day - blackFriday(new Date(day * DAY_MS).getUTCFullYear());
}
