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

/** 0 is January. */
const NOVEMBER = 10;
const novembers = new WeakMap<DemandParameters, Map<number, number>>();

function monthFactor(month: number, parameters: DemandParameters): number {
  return parameters.monthFactor[month] ?? 1;
}

/**
 * November's own factor in a year: what is left of its height over October and December when the days of Black Friday and
 * Christmas are taken into account. Black Friday falls on the 23rd to 29th; when it is late, its following days belong to
 * December and the weeks before it make up for them.
 */
function novemberFactor(year: number, parameters: DemandParameters): number {
  let byYear = novembers.get(parameters);
  if (!byYear) {
    byYear = new Map();
    novembers.set(parameters, byYear);
  }
  let factor = byYear.get(year);
  if (factor === undefined) {
    const others = (monthSum(year, 9, parameters) + monthSum(year, 11, parameters)) / 2;
    factor = (parameters.novemberRatio * others) / monthSum(year, NOVEMBER, parameters);
    byYear.set(year, factor);
  }
  return factor;
}

/** Σ over the days of a month of weekday and special factors, by the month's own factor but in November. */
function monthSum(year: number, month: number, parameters: DemandParameters): number {
  const curve = hourOfWeekCurve(parameters);
  const level = month === NOVEMBER ? 1 : monthFactor(month, parameters);
  const end = Date.UTC(year, month + 1, 1) / DAY_MS;
  let total = 0;
  for (let day = Date.UTC(year, month, 1) / DAY_MS; day < end; day++) {
    const from = weekdayOf(day) * 24;
    const weekday = curve.slice(from, from + 24).reduce((sum, factor) => sum + factor, 0) / 24;
    total += weekday * specialFactor(day, parameters) * level;
  }
  return total;
}

/** Black Friday's days and the days of the year that are far from ordinary. */
function specialFactor(day: number, parameters: DemandParameters): number {
  const special: Readonly<Record<string, number>> = parameters.specialDays;
  const friday: Readonly<Record<string, number>> = parameters.blackFriday;
  return (friday[String(daysFromBlackFriday(day))] ?? 1) * (special[dateText(day).slice(5)] ?? 1);
}

/** Demand of a local day by the season, against an ordinary day: month, Black Friday's week, Christmas. */
export function seasonFactor(day: number, parameters: DemandParameters = demandParameters): number {
  const date = new Date(day * DAY_MS);
  const month = date.getUTCMonth();
  const factor =
    month === NOVEMBER ? novemberFactor(date.getUTCFullYear(), parameters) : monthFactor(month, parameters);
  return factor * (parameters.ordinaryWeekday[weekdayOf(day)] ?? 1) * specialFactor(day, parameters);
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
