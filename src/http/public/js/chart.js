import { byId, keyed, make, setText } from './dom.js';
import * as format from './format.js';
import { t } from './i18n.js';

const WINDOW_S = 15 * 60;
const MIN_WINDOW_S = 90;
const MAX_POINTS = 450;
const TABLE_ROWS = 15;

/** The moving chart of orders a minute, and the same figures as a table. Keeps a quarter of an hour, no more. */
export function createChart() {
  const box = byId('chart');
  const times = [];
  const achieved = [];
  const target = [];
  let uPlot = null;
  let plot = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function range(_plot, _min, max) {
    const top = Math.max(1, max ?? 1) * 1.18;
    return [0, top];
  }

  function draw() {
    plot?.destroy();
    plot = null;
    if (uPlot === null) return;
    const ink = colour('--ink-3');
    const line = colour('--line');
    const accent = colour('--accent');
    const axis = { stroke: ink, font: `11px ${colour('--sans')}`, ticks: { show: false } };
    const options = {
      width: Math.max(200, box.clientWidth),
      height: Math.max(150, box.clientHeight),
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { points: { size: 7 }, drag: { x: false, y: false } },
      scales: { x: { time: true, range: () => xRange() }, y: { range } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          values: (_u, splits) => splits.map(timeLabel(splits)),
          space: 64,
        },
        {
          ...axis,
          grid: { stroke: line, width: 1 },
          size: 52,
          values: (_u, splits) => splits.map((value) => format.rate(value)),
          space: 44,
        },
      ],
      series: [
        {},
        {
          stroke: ink,
          width: 1.5,
          dash: [5, 5],
          points: { show: false },
          paths: uPlot.paths.stepped({ align: 1 }),
        },
        { stroke: accent, width: 2, fill: `${accent}1f`, points: { show: false } },
      ],
      hooks: { setCursor: [showAt] },
    };
    plot = new uPlot(options, [times, target, achieved], box);
  }

  /** Minutes, or seconds while the splits are closer than that. */
  const timeLabel = (splits) => {
    const label = splits.length > 1 && splits[1] - splits[0] < 60 ? format.clock : format.clockShort;
    return (second) => label(second * 1000);
  };

  function xRange() {
    const last = times.at(-1) ?? Date.now() / 1000;
    const first = Math.max(times[0] ?? last, last - WINDOW_S);
    return [Math.min(first, last - MIN_WINDOW_S), last];
  }

  /** While the pointer is on the chart the big figure shows that moment. */
  let hovered = null;
  function showAt(u) {
    const index = u.cursor.idx;
    hovered = index == null || u.cursor.left < 0 ? null : index;
    box.title =
      hovered === null
        ? ''
        : `${format.clock(times[hovered] * 1000)} · ${format.rate(achieved[hovered])} / ${format.rate(target[hovered])}`;
  }

  function push([atMs, got, wanted]) {
    if (atMs / 1000 <= (times.at(-1) ?? 0)) return;
    times.push(atMs / 1000);
    achieved.push(got);
    target.push(wanted);
    const surplus = times.length - MAX_POINTS;
    if (surplus > 0) for (const list of [times, achieved, target]) list.splice(0, surplus);
  }

  function refresh() {
    plot?.setData([times, target, achieved]);
    box.dataset.points = String(times.length);
    describe();
    fillTable();
  }

  function describe() {
    if (times.length === 0) return;
    const minutes = Math.max(1, Math.round((times.at(-1) - times[0]) / 60));
    box.setAttribute(
      'aria-label',
      t('chartLabel', {
        minutes,
        achieved: format.rate(achieved.at(-1)),
        target: format.rate(target.at(-1)),
        low: format.rate(Math.min(...achieved)),
        high: format.rate(Math.max(...achieved)),
      }),
    );
  }

  function fillTable() {
    const details = byId('chart-table');
    if (!details.open) return;
    const rows = [];
    let minute = null;
    for (let i = times.length - 1; i >= 0 && rows.length < TABLE_ROWS; i--) {
      const own = Math.floor(times[i] / 60);
      if (own !== minute)
        rows.push({ atMs: times[i] * 1000, got: achieved[i], wanted: target[i], minute: own });
      minute = own;
    }
    keyed(
      details.querySelector('tbody'),
      rows,
      (row) => row.minute,
      () => make('tr', {}, make('td'), make('td'), make('td')),
      (tr, row) => {
        setText(tr.children[0], format.clockShort(row.atMs));
        setText(tr.children[1], format.rate(row.got));
        setText(tr.children[2], format.rate(row.wanted));
      },
    );
  }

  new ResizeObserver(() => {
    if (plot && box.clientWidth > 0)
      plot.setSize({ width: Math.max(200, box.clientWidth), height: Math.max(150, box.clientHeight) });
  }).observe(box);
  byId('chart-table').addEventListener('toggle', fillTable);

  // a browser in which the chart cannot be drawn still has the page, and the figures as a table
  import('/vendor/uplot.js').then(
    (library) => {
      uPlot = library.default;
      draw();
      refresh();
    },
    () => {
      byId('chart-table').open = true;
    },
  );

  return {
    reset(points) {
      for (const list of [times, achieved, target]) list.length = 0;
      for (const point of points) push(point);
      refresh();
    },
    add(point) {
      push(point);
      refresh();
    },
    redraw() {
      draw();
      refresh();
    },
  };
}
