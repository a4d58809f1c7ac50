/** Plain charts as SVG text: light, legible, without scripts or fonts from elsewhere. */

const WIDTH = 720;
const HEIGHT = 380;
const MARGIN = { top: 64, right: 24, bottom: 52, left: 64 };
const COLOURS = { target: '#5b6675', measured: '#d9480f', second: '#1864ab', third: '#2b8a3e' } as const;
export type Colour = keyof typeof COLOURS;

export interface Axis {
  readonly label: string;
  readonly scale?: 'linear' | 'log';
  readonly min?: number;
  readonly max?: number;
  readonly ticks?: readonly number[];
  readonly format?: (value: number) => string;
}

export interface Series {
  readonly name: string;
  readonly colour: Colour;
  readonly kind: 'line' | 'dots' | 'dashes' | 'steps';
  readonly points: readonly (readonly [number, number])[];
}

export interface Note {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly notes?: readonly Note[];
}

/** Curves and points over two axes. */
export function lineChart(chart: Chart): string {
  const all = chart.series.flatMap((series) => series.points);
  const x = scaleOf(
    chart.x,
    all.map(([value]) => value),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const y = scaleOf(
    chart.y,
    all.map(([, value]) => value),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const parts = [grid(chart, x, y)];
  for (const series of chart.series) parts.push(draw(series, x, y));
  for (const note of chart.notes ?? []) {
    parts.push(text(x.at(note.x), y.at(note.y) - 8, note.text, { anchor: 'middle', size: 11 }));
  }
  return frame(chart.title, chart.subtitle, parts.join(''), chart.series);
}

export interface BarChart {
  readonly title: string;
  readonly subtitle: string;
  readonly yLabel: string;
  readonly labels: readonly string[];
  readonly target: readonly number[];
  readonly measured: readonly number[];
  readonly format?: (value: number) => string;
}

/** Two bars beside each other for every label: target and measured. */
export function barChart(chart: BarChart): string {
  const y = scaleOf(
    { label: chart.yLabel, min: 0, ...(chart.format ? { format: chart.format } : {}) },
    [...chart.target, ...chart.measured],
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const inner = WIDTH - MARGIN.left - MARGIN.right;
  const slot = inner / chart.labels.length;
  const bar = Math.min(22, slot * 0.38);
  const parts = [horizontalGrid(y), axisLabel(chart.yLabel)];
  for (const [i, label] of chart.labels.entries()) {
    const middle = MARGIN.left + slot * (i + 0.5);
    const base = y.at(0);
    for (const [value, left, colour] of [
      [chart.target[i] ?? 0, middle - bar, COLOURS.target],
      [chart.measured[i] ?? 0, middle, COLOURS.measured],
    ] as const) {
      const top = y.at(value);
      parts.push(
        `<rect x="${n(left)}" y="${n(top)}" width="${n(bar)}" height="${n(Math.max(0, base - top))}" fill="${colour}"/>`,
      );
    }
    parts.push(
      text(middle, HEIGHT - MARGIN.bottom + 18, label, { anchor: 'middle', size: slot < 26 ? 10 : 12 }),
    );
  }
  return frame(chart.title, chart.subtitle, parts.join(''), [
    { name: 'target', colour: 'target', kind: 'line', points: [] },
    { name: 'measured', colour: 'measured', kind: 'line', points: [] },
  ]);
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
}

function scaleOf(axis: Axis, values: readonly number[], from: number, to: number): Scale {
  let [dataMin, dataMax] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    dataMin = Math.min(dataMin, value);
    dataMax = Math.max(dataMax, value);
  }
  const min = axis.min ?? dataMin;
  const max = axis.max ?? dataMax * (axis.scale === 'log' ? 1 : 1.05);
  const format = axis.format ?? ((value: number) => String(Math.round(value * 1000) / 1000));
  if (axis.scale === 'log') {
    const [low, high] = [Math.log(min), Math.log(max)];
    const at = (value: number) =>
      from + ((Math.log(Math.max(value, 1e-12)) - low) / (high - low)) * (to - from);
    return { at, ticks: axis.ticks ?? powersBetween(min, max), format };
  }
  const at = (value: number) => from + ((value - min) / (max - min)) * (to - from);
  return { at, ticks: axis.ticks ?? niceTicks(min, max), format };
}

function powersBetween(min: number, max: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
    for (const step of [1, 2, 5]) {
      const value = step * 10 ** power;
      if (value >= min && value <= max) ticks.push(value);
    }
  }
  return ticks;
}

function niceTicks(min: number, max: number): number[] {
  const rough = (max - min) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let value = Math.ceil(min / step) * step; value <= max + step * 1e-9; value += step) ticks.push(value);
  return ticks;
}

function grid(chart: Chart, x: Scale, y: Scale): string {
  const bottom = HEIGHT - MARGIN.bottom;
  const ticks = x.ticks
    .map((value) => {
      const at = n(x.at(value));
      return (
        `<path d="M${at} ${MARGIN.top}V${bottom}" stroke="#eef0f3"/>` +
        text(Number(at), bottom + 18, x.format(value), { anchor: 'middle', size: 12 })
      );
    })
    .join('');
  const label = text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - 12, chart.x.label, {
    anchor: 'middle',
    size: 12,
  });
  return ticks + horizontalGrid(y) + label + axisLabel(chart.y.label);
}

function horizontalGrid(y: Scale): string {
  return y.ticks
    .map(
      (value) =>
        `<path d="M${MARGIN.left} ${n(y.at(value))}H${WIDTH - MARGIN.right}" stroke="#e3e6ea"/>` +
        text(MARGIN.left - 8, y.at(value) + 4, y.format(value), { anchor: 'end', size: 12 }),
    )
    .join('');
}

function axisLabel(label: string): string {
  const middle = (MARGIN.top + HEIGHT - MARGIN.bottom) / 2;
  return `<text transform="translate(16 ${n(middle)}) rotate(-90)" text-anchor="middle" font-size="12">${escapeXml(label)}</text>`;
}

function draw(series: Series, x: Scale, y: Scale): string {
  const colour = COLOURS[series.colour];
  const points = series.points.map(([a, b]) => [x.at(a), y.at(b)] as const);
  if (series.kind === 'dots') {
    return points
      .map(([a, b]) => `<circle cx="${n(a)}" cy="${n(b)}" r="3" fill="${colour}" fill-opacity=".8"/>`)
      .join('');
  }
  const path = points
    .map(([a, b], i) =>
      i === 0 ? `M${n(a)} ${n(b)}` : series.kind === 'steps' ? `H${n(a)}V${n(b)}` : `L${n(a)} ${n(b)}`,
    )
    .join('');
  const dash = series.kind === 'dashes' ? ' stroke-dasharray="6 4"' : '';
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"${dash}/>`;
}

function frame(title: string, subtitle: string, body: string, series: readonly Series[]): string {
  let left = WIDTH - MARGIN.right;
  const legend = [...series]
    .reverse()
    .map(({ name, colour, kind }) => {
      const width = name.length * 6.4 + 26;
      left -= width;
      const mark =
        kind === 'dots'
          ? `<circle cx="${n(left + 8)}" cy="20" r="4" fill="${COLOURS[colour]}"/>`
          : `<path d="M${n(left)} 20h16" stroke="${COLOURS[colour]}" stroke-width="4"${kind === 'dashes' ? ' stroke-dasharray="5 3"' : ''}/>`;
      return mark + text(left + 21, 24, name, { anchor: 'start', size: 12 });
    })
    .join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
    `font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" fill="#20262e" role="img" aria-label="${escapeXml(title)}">` +
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>` +
    `<text x="16" y="25" font-size="16" font-weight="600">${escapeXml(title)}</text>` +
    `<text x="16" y="45" font-size="12" fill="#5b6675">${escapeXml(subtitle)}</text>` +
    `${legend}${body}</svg>\n`
  );
}

function text(
  x: number,
  y: number,
  content: string,
  { anchor, size }: { readonly anchor: string; readonly size: number },
): string {
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}" font-size="${size}">${escapeXml(content)}</text>`;
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeXml(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
