import { randomNormal } from 'd3-random';
import type { Random } from '../../lib/random.ts';
import { DAY_MS, dateText, daysFromBlackFriday, localDay, localHour, weekdayOf } from './calendar.ts';
import { demandParameters } from './parameters/demand.ts';

export type DemandParameters = typeof demandParameters;

const curves = new WeakMap<DemandParameters, readonly number[]>();

/** The 168 hours of the week, Monday 0 h first, with mean 1: demand of the hour against the week's mean. */
export function hourOfWeekCurve(parameters: DemandParameters = demandParameters): readonly number[] {
  const known = curves.get(parameters);
  if (known) return known;
  const flat = parameters.hourOfWeek.flat();
  const mean = flat.reduce((sum, n) => sum + n, 0) / flat.length;
  const curve = flat.map((n) => n / mean);
  curves.set(parameters, curve);
  return curve;
}

/** Demand of the hour in which `atMs` falls, against the week's mean. */
export function hourOfWeekFactor(atMs: number, parameters: DemandParameters = demandParameters): number {
  const hour = weekdayOf(localDay(atMs)) * 24 + Math.floor(localHour(atMs));
  return hourOfWeekCurve(parameters)[hour] ?? 1;
}

/** Demand of a local day by the season, against an ordinary day: month, Black Friday's week, Christmas. */
export function seasonFactor(day: number, parameters: DemandParameters = demandParameters): number {
  const special: Readonly<Record<string, number>> = parameters.specialDays;
  const friday: Readonly<Record<string, number>> = parameters.blackFriday;
  const factor = parameters.monthFactor[new Date(day * DAY_MS).getUTCMonth()] ?? 1;
  return factor * (friday[String(daysFromBlackFriday(day))] ?? 1) * (special[dateText(day).slice(5)] ?? 1);
}

/**
 * The day's own luck (weather, campaigns, news): log-normal with mean 1. The same seed gives the same day the same
 * effect, in history and live, in every worker.
 */
export function dayEffect(
  day: number,
  random: Random,
  parameters: DemandParameters = demandParameters,
): number {
  const stream = random.stream(`day/${day}`);
  const sigma = Math.sqrt(Math.log(1 + parameters.dayEffectCv ** 2));
  return Math.exp(sigma * randomNormal.source(() => stream.next())()() - (sigma * sigma) / 2);
}
