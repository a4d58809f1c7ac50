import { blackFriday, dateText } from '../../src/orders/model/calendar.ts';
import { PaymentMethod } from '../../src/orders/model/payment.ts';
import { dailyCounts, hourOfWeekCounts, stateCounts } from './measure-demand.ts';
import {
  daysByState,
  handoverDays,
  lateByState,
  lifeCdf,
  shippedOrders,
  totalDays,
  transportDays,
} from './measure-life.ts';
import { freightByState, histogram, instalmentBands, ticketOf, vectorOf } from './measure-money.ts';
import { gapsAfterFirst, unitsByModel } from './measure-people.ts';
import type { Sample } from './sample.ts';
import { logNormalCdf, quantile, sum } from './statistics.ts';
import { barChart, lineChart } from './svg.ts';
import { targets } from './targets.ts';

export interface Plot {
  /** File name without its ending. */
  readonly name: string;
  readonly caption: string;
  readonly svg: string;
}

const percent = (value: number) => `${Math.round(value * 1000) / 10} %`;
const shares = (values: readonly number[]) => values.map((value) => value / sum(values));

/** The pictures of the report. Pure. */
export function plots(sample: Sample): Plot[] {
  return [...demandPlots(sample), ...lifePlots(sample), ...moneyPlots(sample), ...peoplePlots(sample)];
}

function demandPlots(sample: Sample): Plot[] {
  const { olist } = targets;
  const week = shares(hourOfWeekCounts(sample).flat());
  const target = shares(olist.weekday_x_hour_mon_sun.counts.flat());
  const names = Object.keys(olist.orders_by_state.counts);
  const byState: Readonly<Record<string, number>> = olist.orders_by_state.counts;
  const counts = stateCounts(sample);
  const daily = [...dailyCounts(sample)];
  const first = daily[0]?.[0] ?? 0;
  const friday = daily.find(([day]) => day === blackFriday(Number(dateText(day).slice(0, 4))));
  const months = daily.filter(([day]) => dateText(day).endsWith('-01')).map(([day]) => day - first);
  const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  return [
    {
      name: 'week',
      caption: 'Orders by hour of the week',
      svg: lineChart({
        title: 'Orders by hour of the week',
        subtitle: 'share of all orders; target: Olist, 98,207 orders',
        x: {
          label: 'hour of the week, local time',
          min: 0,
          max: 167,
          ticks: weekdays.map((_, i) => i * 24),
          format: (v) => weekdays[v / 24] ?? '',
        },
        y: { label: 'share of orders', min: 0, format: percent },
        series: [
          { name: 'target', colour: 'target', kind: 'line', points: target.map((v, i) => [i, v]) },
          { name: 'measured', colour: 'measured', kind: 'line', points: week.map((v, i) => [i, v]) },
        ],
      }),
    },
    {
      name: 'year',
      caption: 'Orders a day over sixty weeks',
      svg: lineChart({
        title: 'Orders a day over sixty weeks',
        subtitle: 'weekdays, the luck of single days, Black Friday, Christmas',
        x: {
          label: 'first of the month',
          min: 0,
          max: daily.length,
          ticks: months,
          format: (v) => dateText(first + v).slice(2, 7),
        },
        y: { label: 'orders a day', min: 0 },
        series: [
          {
            name: 'measured',
            colour: 'measured',
            kind: 'line',
            points: daily.map(([day, count]) => [day - first, count]),
          },
        ],
        notes: friday ? [{ x: friday[0] - first - 34, y: friday[1] * 0.96, text: 'Black Friday' }] : [],
      }),
    },
    {
      name: 'states',
      caption: 'Orders by state',
      svg: barChart({
        title: 'Orders by state',
        subtitle: 'share of all orders; target: Olist, 99,441 orders',
        yLabel: 'share of orders',
        labels: names,
        target: shares(names.map((name) => byState[name] ?? 0)),
        measured: shares(names.map((name) => counts[name] ?? 0)),
        format: percent,
      }),
    },
  ];
}

/** Quantiles of a sample against those of a distribution function, found by bisection. */
function quantilePairs(values: readonly number[], cdf: (x: number) => number): [number, number][] {
  const probabilities = [
    0.02,
    0.05,
    ...Array.from({ length: 18 }, (_, i) => 0.1 + i * 0.045),
    0.95,
    0.97,
    0.99,
  ];
  return probabilities.map((p) => {
    let [low, high] = [1e-6, 1e4];
    for (let i = 0; i < 80; i++) {
      const middle = Math.sqrt(low * high);
      if (cdf(middle) < p) low = middle;
      else high = middle;
    }
    return [low, quantile(values, p)];
  });
}

function lifePlots(sample: Sample): Plot[] {
  const shipped = shippedOrders(sample);
  const days = daysByState(shipped);
  const late = lateByState(shipped);
  const pairs = (values: (o: (typeof shipped)[number]) => number, cdf: (x: number) => number) =>
    quantilePairs(shipped.map(values), cdf);
  return [
    {
      name: 'delivery-quantiles',
      caption: 'Quantiles of hand-over, transport and the whole delivery',
      svg: lineChart({
        title: 'Delivery by quantiles',
        subtitle: '2 % to 99 %; on the line: as Olist’s fits (log-normal, Burr XII, Burr XII)',
        x: { label: 'days, Olist', scale: 'log', min: 0.15, max: 60 },
        y: { label: 'days, measured', scale: 'log', min: 0.15, max: 60 },
        series: [
          {
            name: 'equal',
            colour: 'target',
            kind: 'dashes',
            points: [
              [0.15, 0.15],
              [60, 60],
            ],
          },
          { name: 'hand-over', colour: 'third', kind: 'dots', points: pairs(handoverDays, lifeCdf.handover) },
          {
            name: 'transport',
            colour: 'second',
            kind: 'dots',
            points: pairs(transportDays, lifeCdf.transport),
          },
          {
            name: 'order to customer',
            colour: 'measured',
            kind: 'dots',
            points: pairs(totalDays, lifeCdf.total),
          },
        ],
      }),
    },
    {
      name: 'delivery-states',
      caption: 'Mean days to delivery by state',
      svg: barChart({
        title: 'Days from order to delivery by state',
        subtitle: 'means in whole days; target: Olist',
        yLabel: 'days',
        labels: days.map((state) => state.state),
        target: days.map((state) => state.target),
        measured: days.map((state) => state.measured),
      }),
    },
    {
      name: 'late-states',
      caption: 'Late deliveries by state',
      svg: barChart({
        title: 'Late deliveries by state',
        subtitle: 'share delivered after the promised date; small states have few orders',
        yLabel: 'share late',
        labels: late.map((state) => state.state),
        target: late.map((state) => state.target),
        measured: late.map((state) => (Number.isNaN(state.measured) ? 0 : state.measured)),
        format: percent,
      }),
    },
  ];
}

function moneyPlots(sample: Sample): Plot[] {
  const credit = sample.orders.filter((order) => order.paymentMethodId === PaymentMethod.credit);
  const counts = histogram(
    credit.map((order) => order.installments),
    24,
  );
  const bands = instalmentBands(credit);
  const freight = freightByState(sample);
  const tickets = sample.orders.map(ticketOf);
  const { mu, sigma } = targets.ticket;
  const cdf = logNormalCdf(mu, sigma);
  const values = Array.from({ length: 60 }, (_, i) => 60 * 40 ** (i / 59));
  const sorted = Float64Array.from(tickets).sort();
  const below = (value: number) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] ?? 0) <= value) low = middle + 1;
      else high = middle;
    }
    return low / sorted.length;
  };
  return [
    {
      name: 'ticket',
      caption: 'Order totals',
      svg: lineChart({
        title: 'Order totals',
        subtitle: 'cumulated share of orders; target: log-normal, median R$ 280, sigma 0.5 (assumption)',
        x: { label: 'order total in R$', scale: 'log', min: 60, max: 2400 },
        y: { label: 'share of orders up to it', min: 0, max: 1, format: percent },
        series: [
          { name: 'target', colour: 'target', kind: 'line', points: values.map((v) => [v, cdf(v)]) },
          { name: 'measured', colour: 'measured', kind: 'line', points: values.map((v) => [v, below(v)]) },
        ],
      }),
    },
    {
      name: 'instalments',
      caption: 'Card payments by instalments',
      svg: barChart({
        title: 'Card payments by number of instalments',
        subtitle: `share of credit card orders; means by value band: ${bands.map((b) => `${b.measured.toFixed(1)} (${b.target.toFixed(1)})`).join(', ')}`,
        yLabel: 'share of card orders',
        labels: Array.from({ length: 12 }, (_, i) => String(i + 1)),
        target: shares(vectorOf(targets.olist.payments.card_installments, 24)).slice(0, 12),
        measured: shares(counts).slice(0, 12),
        format: percent,
      }),
    },
    {
      name: 'freight-states',
      caption: 'Freight by state',
      svg: barChart({
        title: 'Freight an item by state',
        subtitle: 'mean in R$, free parcels included; target: Olist',
        yLabel: 'R$ an item',
        labels: freight.map((state) => state.state),
        target: freight.map((state) => state.target),
        measured: freight.map((state) => state.measured),
      }),
    },
  ];
}

function peoplePlots(sample: Sample): Plot[] {
  const units = unitsByModel(sample);
  const reference = (rank: number) => (units[4] ?? 1) * ((5 + 4) / (rank + 4)) ** 0.9;
  const gaps = gapsAfterFirst(sample);
  const knots: [number, number][] = [
    [targets.gapDays.p50, 0.5],
    [targets.gapDays.p75, 0.75],
    [targets.gapDays.p95, 0.95],
    [443.75, 0.99],
  ];
  const levels = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  return [
    {
      name: 'popularity',
      caption: 'Units sold by model',
      svg: lineChart({
        title: 'Units sold by model',
        subtitle: 'models by rank; line: Zipf–Mandelbrot with exponent 0.9',
        x: { label: 'rank', scale: 'log', min: 1, max: units.length },
        y: {
          label: 'units',
          scale: 'log',
          min: Math.max(1, (units.at(-1) ?? 1) * 0.7),
          max: (units[0] ?? 1) * 1.3,
        },
        series: [
          {
            name: 'target',
            colour: 'target',
            kind: 'line',
            points: units.map((_, i) => [i + 1, reference(i + 1)]),
          },
          {
            name: 'measured',
            colour: 'measured',
            kind: 'dots',
            points: units.map((value, i) => [i + 1, value]),
          },
        ],
      }),
    },
    {
      name: 'repeat-gaps',
      caption: 'Days to the second purchase',
      svg: lineChart({
        title: 'Days from the first to the second purchase',
        subtitle:
          'cumulated share of those who return; dots: quantiles of Olist (a quarter returns on the same day)',
        x: { label: 'days', min: 0, max: 500 },
        y: { label: 'share returned by then', min: 0, max: 1, format: percent },
        series: [
          { name: 'target', colour: 'target', kind: 'dots', points: knots },
          {
            name: 'measured',
            colour: 'measured',
            kind: 'line',
            points: levels.map((p) => [Math.min(500, quantile(gaps, p)), p]),
          },
        ],
      }),
    },
  ];
}
