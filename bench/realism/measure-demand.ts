import {
  blackFriday,
  dateText,
  dayOfDate,
  localDay,
  localHour,
  weekdayOf,
} from '../../src/orders/model/calendar.ts';
import { customerIdOf, type Sample, wholeDays } from './sample.ts';
import { mean, sum, totalVariation } from './statistics.ts';
import { distance, near, type Row, row, targets } from './targets.ts';

/** Orders of each local day, whole days only. */
export function dailyCounts(sample: Sample): Map<number, number> {
  const { first, last } = wholeDays(sample);
  const counts = new Map<number, number>();
  for (let day = first; day <= last; day++) counts.set(day, 0);
  for (const { placedAtMs } of sample.orders) {
    const day = localDay(placedAtMs);
    const count = counts.get(day);
    if (count !== undefined) counts.set(day, count + 1);
  }
  return counts;
}

/** Orders by weekday and hour: 7 × 24, Monday first. */
export function hourOfWeekCounts(sample: Sample): number[][] {
  const counts = Array.from({ length: 7 }, () => new Array<number>(24).fill(0));
  for (const { placedAtMs } of sample.orders) {
    const hours = counts[weekdayOf(localDay(placedAtMs))] ?? [];
    const hour = Math.floor(localHour(placedAtMs));
    hours[hour] = (hours[hour] ?? 0) + 1;
  }
  return counts;
}

export function stateCounts(sample: Sample): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const order of sample.orders) {
    const state = sample.people.get(customerIdOf(order))?.estado ?? '';
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** Where and when orders come. */
export function measureDemand(sample: Sample): Row[] {
  const { olist } = targets;
  const states = stateCounts(sample);
  const byState: Readonly<Record<string, number>> = olist.orders_by_state.counts;
  const names = Object.keys(byState);
  const matrix = hourOfWeekCounts(sample);
  const byHour = Array.from({ length: 24 }, (_, hour) => sum(matrix.map((hours) => hours[hour] ?? 0)));
  const byWeekday = matrix.map(sum);
  return [
    distance(
      'demand',
      'orders by state: TV from Olist',
      totalVariation(
        names.map((name) => states[name] ?? 0),
        names.map((name) => byState[name] ?? 0),
      ),
      0.03,
    ),
    distance(
      'demand',
      'hour of day: TV from Olist',
      totalVariation(byHour, olist.orders_by_hour.counts),
      0.03,
    ),
    distance(
      'demand',
      'weekday: TV from Olist',
      totalVariation(byWeekday, olist.orders_by_weekday_mon_sun.counts),
      0.02,
    ),
    distance(
      'demand',
      'hour × weekday: TV from Olist',
      totalVariation(matrix.flat(), olist.weekday_x_hour_mon_sun.counts.flat()),
      0.05,
    ),
    ...measureYear(dailyCounts(sample)),
  ];
}

/** The whole November that lies in the sample with the months around it. */
function november(daily: ReadonlyMap<number, number>): number {
  const years = [...new Set([...daily.keys()].map((day) => Number(dateText(day).slice(0, 4))))];
  const year = years.find(
    (candidate) => daily.has(dayOfDate(`${candidate}-10-01`)) && daily.has(dayOfDate(`${candidate}-12-31`)),
  );
  if (year === undefined) throw new Error('the sample holds no whole October to December');
  return year;
}

function measureYear(daily: ReadonlyMap<number, number>): Row[] {
  const year = november(daily);
  const between = (from: number, to: number) => {
    const counts: number[] = [];
    for (let day = from; day <= to; day++) counts.push(daily.get(day) ?? 0);
    return counts;
  };
  const month = (number: number) =>
    sum(
      between(dayOfDate(`${year}-${number}-01`), dayOfDate(`${year}-${number}-${number === 11 ? 30 : 31}`)),
    );
  const friday = blackFriday(year);
  const ordinaryDecember = mean(between(dayOfDate(`${year}-12-01`), dayOfDate(`${year}-12-23`)));
  const christmas = mean(between(dayOfDate(`${year}-12-24`), dayOfDate(`${year}-12-25`)));
  return [
    row('demand', 'day-to-day variance/mean at 120 orders a day', overdispersionAt(daily, 120), 1.8, 3.2, 2),
    near(
      'year',
      'November / mean of October and December',
      month(11) / ((month(10) + month(12)) / 2),
      targets.olist.daily_2017.nov_vs_mean_oct_dec,
      0.15,
      2,
    ),
    row(
      'year',
      'Black Friday / mean of the 28 days before',
      (daily.get(friday) ?? 0) / mean(between(friday - 28, friday - 1)),
      5,
      9,
      2,
    ),
    row('year', '24 and 25 December / mean of 1 to 23 December', christmas / ordinaryDecember, 0.2, 0.65, 2),
  ];
}

/**
 * Variance/mean of daily counts after taking out weekday, season (four weeks around) and special days, at a level of
 * `level` orders a day: 1 is Poisson; what is above comes from the luck of single days and grows with the level.
 */
export function overdispersionAt(daily: ReadonlyMap<number, number>, level: number): number {
  const days = [...daily.keys()].filter((day) => {
    const text = dateText(day).slice(5);
    const away = day - blackFriday(Number(dateText(day).slice(0, 4)));
    return !(away >= -2 && away <= 8) && !(text >= '12-23' || text <= '01-02');
  });
  const ordinary = new Set(days);
  const byWeekday = Array.from({ length: 7 }, (_, weekday) =>
    mean(days.filter((day) => weekdayOf(day) === weekday).map((day) => daily.get(day) ?? 0)),
  );
  const overall = mean(byWeekday);
  const flat = (day: number) => ((daily.get(day) ?? 0) * overall) / (byWeekday[weekdayOf(day)] ?? overall);
  const excess: number[] = [];
  for (const day of days) {
    const around: number[] = [];
    for (let other = day - 14; other <= day + 14; other++) if (ordinary.has(other)) around.push(flat(other));
    if (around.length < 20) continue;
    // a day is part of its own surroundings: n/(n−1) makes up for it
    const n = around.length;
    const expected = mean(around);
    excess.push((((flat(day) - expected) / expected) ** 2 * n) / (n - 1));
  }
  const relativeVariance = mean(excess);
  const counts = days.map((day) => daily.get(day) ?? 0);
  const poissonPart = mean(counts.map((count) => 1 / Math.max(count, 1)));
  return 1 + level * Math.max(0, relativeVariance - poissonPart);
}
