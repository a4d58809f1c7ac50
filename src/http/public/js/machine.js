import { byId, keyed, make, setText, setWidth } from './dom.js';
import * as format from './format.js';
import { t } from './i18n.js';

function facts(status) {
  const { database, traffic, pool } = status;
  const growth = database.growthBytesPerHour;
  return [
    ['size', format.size(database.sizeBytes)],
    ['growth', growth == null ? '–' : t('anHour', { size: format.size(growth) })],
    ['backlog', format.count(traffic.dueBacklog)],
    [
      'pool',
      pool
        ? t('poolValue', { used: format.count(pool.size - pool.idle), size: format.count(pool.size) })
        : '–',
    ],
  ];
}

function workerRow() {
  const bar = make(
    'td',
    { class: 'bar', 'aria-hidden': 'true' },
    make('div', { class: 'stack' }, make('span', { class: 'part share' })),
  );
  const name = make('th', { scope: 'row' }, make('span'), ' ', make('span', { class: 'note' }));
  return make('tr', {}, name, bar, make('td', { class: 'num' }), make('td', { class: 'num' }));
}

/** Workers and their shares; the database's size and growth. */
export function createMachine() {
  return {
    update(status, viewers) {
      keyed(
        byId('facts'),
        facts(status),
        ([name]) => name,
        () => make('div', {}, make('dt'), make('dd')),
        (div, [name, value]) => {
          setText(div.children[0], t(name));
          setText(div.children[1], value);
        },
      );
      keyed(
        byId('workers').tBodies[0],
        status.workers,
        ({ id }) => id,
        workerRow,
        (tr, worker) => {
          setText(tr.children[0].children[0], worker.name);
          setText(tr.children[0].children[1], worker.self && status.workers.length > 1 ? t('thisOne') : '');
          setWidth(tr.children[1].firstElementChild.firstElementChild, worker.share);
          setText(tr.children[2], format.percent(worker.share));
          setText(tr.children[3], format.rate(worker.placedPerMinute));
        },
      );
      const uptime = format.span(status.atMs - status.startedAtMs);
      setText(
        byId('foot'),
        `${t('uptime')} ${uptime} · ${t('foot', { version: status.version, viewers: format.count(viewers) })}`,
      );
    },
  };
}
