import { make } from './dom.js';
import * as format from './format.js';
import { locale, t } from './i18n.js';

const COLOURS = 8;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const seriesColour = (index) => `--s${(index % COLOURS) + 1}`;
const unique = (values) => [...new Set(values)];
const isDay = (value) => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);

/** Money above a thousand without cents, in the short form on axes; other figures with at most two digits. */
function figure(field, value, short = false) {
  if (value == null) return '–';
  const compact = short && Math.abs(value) >= 10_000;
  const money = field?.currency === true;
  return new Intl.NumberFormat(locale(), {
    ...(money ? { style: 'currency', currency: 'BRL' } : {}),
    ...(compact ? { notation: 'compact' } : {}),
    maximumFractionDigits: compact ? 1 : money && Math.abs(value) >= 1000 ? 0 : 2,
    minimumFractionDigits: 0,
  }).format(value);
}

/** A month where every day is the first of one, else the day. */
function label(value, monthly) {
  if (!isDay(value)) return value == null ? '–' : String(value);
  if (!monthly) return format.day(value);
  const date = Date.parse(`${value}T12:00:00Z`);
  return new Intl.DateTimeFormat(locale(), { month: 'short', year: 'numeric', timeZone: 'UTC' }).format(date);
}

const areMonths = (values) =>
  values.length > 0 && values.every((value) => isDay(value) && value.endsWith('-01'));

function counter({ roles, rows }) {
  const row = rows[0] ?? {};
  const value = row[roles.value.name];
  const box = make(
    'div',
    { class: 'counter' },
    make('p', { class: 'value' }, figure(roles.value, value, true)),
  );
  if (roles.target !== undefined) {
    const before = row[roles.target.name];
    const change = before > 0 && value != null ? value / before - 1 : null;
    const delta =
      change === null
        ? null
        : make('span', { class: 'delta' }, `${change >= 0 ? '+' : '−'}${format.percent(Math.abs(change))} `);
    const text = t('lakehouse.before', { value: figure(roles.target, before, true) });
    box.append(make('p', { class: 'before' }, delta, text));
  }
  return { element: box };
}

function keys(names) {
  if (names.length < 2) return null;
  return make(
    'ul',
    { class: 'keys' },
    ...names.map((name, index) => {
      const swatch = make('span', { class: 'swatch', 'aria-hidden': 'true' });
      swatch.style.background = `var(${seriesColour(index)})`;
      return make('li', {}, swatch, name);
    }),
  );
}

/** One row for each x, its parts by colour: as long as the figure, beside the figure itself. */
function bars({ roles, rows }) {
  const { x, y, color } = roles;
  const xs = unique(rows.map((row) => row[x.name]));
  const monthly = areMonths(xs);
  const parts = color === undefined ? [''] : unique(rows.map((row) => row[color.name]));
  const monthlyParts = areMonths(parts);
  const sums = xs.map((at) => {
    const own = rows.filter((row) => row[x.name] === at);
    return { at, own, total: own.reduce((sum, row) => sum + (row[y.name] ?? 0), 0) };
  });
  const largest = Math.max(...sums.map((sum) => sum.total), 0);
  // by size where x has no order of its own
  if (color !== undefined && !monthly) sums.sort((a, b) => b.total - a.total);
  const grid = make('div', { class: 'rows', role: 'list', tabindex: '0' });
  for (const { at, own, total } of sums) {
    const track = make('div', { class: 'track', 'aria-hidden': 'true' });
    for (const [index, part] of parts.entries()) {
      const value = own
        .filter((row) => color === undefined || row[color.name] === part)
        .reduce((sum, row) => sum + (row[y.name] ?? 0), 0);
      if (value <= 0 || largest <= 0) continue;
      const bar = make('span', {
        title: `${part === '' ? '' : `${label(part, monthlyParts)}: `}${figure(y, value)}`,
      });
      bar.style.width = `${(value / largest) * 100}%`;
      bar.style.background = `var(${seriesColour(index)})`;
      track.append(bar);
    }
    grid.append(
      make('span', { class: 'label' }, label(at, monthly)),
      track,
      make('span', { class: 'amount' }, figure(y, total, true)),
    );
  }
  const legend = keys(parts.map((part) => label(part, monthlyParts)));
  return { element: legend === null ? grid : make('div', { class: 'legended' }, legend, grid) };
}

/** Figures over time, a line for each colour. */
function lines({ roles, rows, title }, uPlot) {
  const { x, y, color } = roles;
  const times = unique(rows.map((row) => row[x.name])).sort();
  const names = color === undefined ? [''] : unique(rows.map((row) => row[color.name]));
  const at = new Map(
    rows.map((row) => [`${row[x.name]} ${color === undefined ? '' : row[color.name]}`, row[y.name]]),
  );
  const monthly = areMonths(times);
  const data = [
    times.map((time) => Date.parse(`${time}T12:00:00Z`) / 1000),
    ...names.map((name) => times.map((time) => at.get(`${time} ${name}`) ?? null)),
  ];
  const box = make('div', { class: 'plot', role: 'img', 'aria-label': title });
  const legend = keys(names.map((name) => label(name, false)));
  const element = legend === null ? box : make('div', { class: 'legended' }, legend, box);
  if (uPlot === null) return { element };
  const axis = { stroke: colour('--ink-3'), font: `11px ${colour('--sans')}`, ticks: { show: false } };
  const day = (second) => new Date(second * 1000).toISOString().slice(0, 10);
  const short = new Intl.DateTimeFormat(locale(), {
    month: 'short',
    ...(monthly ? { year: '2-digit' } : { day: '2-digit' }),
    timeZone: 'UTC',
  });
  let plot = null;
  const draw = () => {
    const options = {
      width: Math.max(160, box.clientWidth),
      height: Math.max(140, box.clientHeight),
      padding: [8, 30, 0, 0],
      legend: { show: false },
      tzDate: (second) => uPlot.tzDate(new Date(second * 1000), 'Etc/UTC'),
      cursor: { points: { size: 7 }, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, Math.max(1e-9, max ?? 1) * 1.12] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          space: 70,
          ...(monthly ? { splits: () => data[0] } : {}),
          values: (_u, splits) => splits.map((second) => short.format(second * 1000)),
        },
        {
          ...axis,
          grid: { stroke: colour('--line'), width: 1 },
          size: 66,
          space: 40,
          values: (_u, splits) => splits.map((value) => figure(y, value, true)),
        },
      ],
      series: [
        {},
        ...names.map((_, index) => ({
          stroke: colour(seriesColour(index)),
          width: 2,
          spanGaps: true,
          points: { show: times.length < 15, size: 6, fill: colour(seriesColour(index)) },
          ...(names.length === 1 ? { fill: `${colour(seriesColour(index))}1c` } : {}),
        })),
      ],
      hooks: {
        setCursor: [
          (u) => {
            const index = u.cursor.idx;
            if (index == null || u.cursor.left < 0) return;
            const figures = names.map(
              (name, n) => `${name === '' ? '' : `${name} `}${figure(y, data[n + 1][index])}`,
            );
            box.title = `${label(day(data[0][index]), monthly)} · ${figures.join(' · ')}`;
          },
        ],
      },
    };
    plot?.destroy();
    plot = new uPlot(options, data, box);
  };
  const observer = new ResizeObserver(() => {
    if (plot === null) draw();
    else plot.setSize({ width: Math.max(160, box.clientWidth), height: Math.max(140, box.clientHeight) });
  });
  observer.observe(box);
  return {
    element,
    destroy: () => {
      observer.disconnect();
      plot?.destroy();
    },
  };
}

/** A matrix whose cells are the stronger the higher their figure. */
function matrix({ roles, rows }) {
  const { x, y, color } = roles;
  const xs = unique(rows.map((row) => row[x.name])).sort((a, b) => a - b);
  const ys = unique(rows.map((row) => row[y.name])).sort();
  // a cohort's own month is 100 % by definition and would leave the others pale
  const largest = Math.max(...rows.map((row) => row[color.name] ?? 0).filter((value) => value < 100), 1);
  const head = make(
    'tr',
    {},
    make('th', { scope: 'col' }, y.label),
    ...xs.map((at) => make('th', { scope: 'col' }, String(at))),
  );
  const body = ys.map((own) => {
    const cells = xs.map((at) => {
      const value = rows.find((row) => row[x.name] === at && row[y.name] === own)?.[color.name];
      const cell = make('td', {}, value == null ? '' : figure(color, value));
      if (value != null) {
        const strength = Math.round(Math.min(1, value / largest) * 55) + 6;
        cell.style.background = `color-mix(in srgb, var(--s1) ${strength}%, transparent)`;
      }
      return cell;
    });
    return make('tr', {}, make('th', { scope: 'row' }, own), ...cells);
  });
  const table = make('table', {}, make('thead', {}, head), make('tbody', {}, ...body));
  return { element: make('div', { class: 'matrix', tabindex: '0' }, table) };
}

function list({ columns, rows }) {
  const isNumber = (field) => rows.some((row) => typeof row[field.name] === 'number');
  const numeric = new Set(columns.filter(isNumber).map((field) => field.name));
  const kind = (field) => (numeric.has(field.name) ? 'num' : null);
  const months = new Set(
    columns.filter((field) => areMonths(rows.map((row) => row[field.name]))).map((field) => field.name),
  );
  // figures of one column stand below each other: the same digits for all
  const isFraction = (value) => typeof value === 'number' && value % 1 !== 0;
  const fractional = new Set(
    columns.filter((field) => rows.some((row) => isFraction(row[field.name]))).map((field) => field.name),
  );
  const cell = (field, value) => {
    if (typeof value !== 'number') return label(value, months.has(field.name));
    if (/^id_/.test(field.name)) return String(value);
    const digits = fractional.has(field.name) ? 2 : 0;
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat(locale(), options).format(value);
  };
  const head = make(
    'tr',
    {},
    ...columns.map((field) => make('th', { scope: 'col', class: kind(field) }, field.label)),
  );
  const body = rows.map((row) =>
    make(
      'tr',
      {},
      ...columns.map((field) => make('td', { class: kind(field) }, cell(field, row[field.name]))),
    ),
  );
  const table = make('table', {}, make('thead', {}, head), make('tbody', {}, ...body));
  return { element: make('div', { class: 'list', tabindex: '0' }, table) };
}

const kinds = { counter, bar: bars, line: lines, heatmap: matrix, table: list };

/** A card for the widget, and how to take it away again. */
export function drawWidget(widget, uPlot) {
  const drawn = (kinds[widget.kind] ?? list)(widget, uPlot);
  const id = `w-${widget.name}`;
  const card = make(
    'section',
    { class: 'card', 'aria-labelledby': id },
    make('h2', { id }, widget.title),
    drawn.element,
  );
  if (widget.description !== null) card.append(make('p', { class: 'note' }, widget.description));
  card.style.setProperty('--span', String(widget.position.width));
  return { card, destroy: drawn.destroy ?? (() => {}) };
}
