import { byId, make, setText } from './dom.js';
import * as format from './format.js';
import { applyLanguage, onLanguage, switchLanguage, t } from './i18n.js';
import { drawWidget } from './lakehouse-widgets.js';
import { createTheme } from './theme.js';

const POLL_MS = 4_000;
/** Without a refresh for this long the figures are called old. */
const STALE_MS = 120_000;

let published = null;
/** `none`: no lakehouse has run; `unreachable`: the daemon does not answer. */
let trouble = null;
let uPlot = null;
let drawn = [];
let drawnKey = '';

const chosen = () => {
  const names = published?.dashboards.map((dashboard) => dashboard.name) ?? [];
  const wanted = location.hash.slice(1);
  return names.includes(wanted) ? wanted : names.includes('executive') ? 'executive' : names[0];
};

function showState() {
  const pill = byId('state');
  const age = published === null ? null : Date.now() - published.refreshedAtMs;
  const state =
    trouble === 'unreachable'
      ? 'offline'
      : published === null
        ? 'waiting'
        : age > STALE_MS
          ? 'behind'
          : 'live';
  pill.dataset.state = state;
  const text = {
    offline: () => t('offline'),
    waiting: () => (trouble === 'none' ? '–' : t('connecting')),
    behind: () => t('lakehouse.stale', { age: format.span(age) }),
    live: () => t('lakehouse.fresh'),
  }[state]();
  setText(byId('state-text'), text);
  showFoot(age);
}

function showFoot(age) {
  if (published === null) return;
  const found = published.checks
    .filter((check) => check.rows > 0)
    .map((check) => check.file.replace(/\.sql$/, ''));
  const checks =
    found.length === 0
      ? t('lakehouse.healthy', { count: published.checks.length })
      : t('lakehouse.broken', { names: found.join(', ') });
  const refreshed = t('lakehouse.refreshed', {
    age: format.span(age),
    took: `${format.rate(published.refreshMs / 1000)} s`,
    tables: published.tables.length,
    asOf: published.dataAsOf === null ? '–' : format.moment(Date.parse(published.dataAsOf)),
  });
  setText(byId('foot'), `${refreshed} ${checks}`);
}

function showTabs() {
  const current = chosen();
  // the dashboards' files come by name; people read the overview first
  const order = ['executive', 'sales', 'customers', 'logistics'];
  const sorted = [...published.dashboards].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  byId('tabs').replaceChildren(
    ...sorted.map(({ name, title }) =>
      make('a', { href: `#${name}`, 'aria-current': name === current ? 'page' : null }, title),
    ),
  );
}

/** Draws again only what changed: the dashboard chosen, its figures, colours, or the language. */
function show({ force = false } = {}) {
  showState();
  const main = byId('main');
  if (published === null) {
    if (trouble === null) return;
    const detail = trouble === 'none' ? t('lakehouse.noneDetail') : t('bannerOfflineDetail', { time: '–' });
    main.replaceChildren(make('p', { class: 'empty' }, make('b', {}, t(`lakehouse.${trouble}`)), detail));
    return;
  }
  const name = chosen();
  const key = `${name} ${published.refreshedAtMs}`;
  if (!force && key === drawnKey) return;
  drawnKey = key;
  showTabs();
  for (const widget of drawn) widget.destroy();
  const dashboard = published.dashboards.find((candidate) => candidate.name === name);
  drawn = (dashboard?.widgets ?? []).map((widget) => drawWidget(widget, uPlot));
  main.dataset.dashboard = name;
  main.dataset.refreshed = String(published.refreshedAtMs);
  main.replaceChildren(...drawn.map((widget) => widget.card));
}

async function poll() {
  try {
    const response = await fetch('/api/lakehouse');
    if (response.status === 404) {
      trouble = 'none';
      published = null;
    } else if (response.ok) {
      published = await response.json();
      trouble = null;
    } else throw new Error(String(response.status));
  } catch {
    trouble = 'unreachable';
  }
  show();
  setTimeout(poll, POLL_MS);
}

const theme = createTheme(() => show({ force: true }));
byId('language').addEventListener('click', switchLanguage);
onLanguage(() => {
  setText(byId('language'), t('otherLanguage'));
  theme.apply();
});
addEventListener('hashchange', () => show());
setInterval(showState, 1_000);
applyLanguage();

// a browser in which charts cannot be drawn still has figures, bars and tables
import('/vendor/uplot.js')
  .then(
    (library) => {
      uPlot = library.default;
    },
    () => {},
  )
  .then(poll);
