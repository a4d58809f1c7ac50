import { byId, make, setText, setWidth } from './dom.js';
import * as format from './format.js';
import { t } from './i18n.js';

/** The way of most orders, and where some of them end instead; each with the event that leads there. */
const MAIN = [
  ['Pendente', 'placed'],
  ['Processando', 'approved'],
  ['Enviado', 'shipped'],
  ['Entregue', 'delivered'],
];
const SIDE = [
  ['Devolvido', 'returned'],
  ['Cancelado', 'cancelled'],
];

function stage(tag, state) {
  const name = make('span', { class: 'name' }, state, ' ', make('span', { class: 'gloss' }));
  const meter = make('div', { class: 'meter', 'aria-hidden': 'true' }, make('span'));
  const moved = make('span', { class: 'moved' }, make('b'), ' ', make('span'));
  return make(
    tag,
    { class: 'stage', 'data-state': state },
    name,
    make('span', { class: 'count' }, '–'),
    meter,
    moved,
  );
}

export function createFunnel() {
  const list = byId('funnel');
  const stages = new Map();
  for (const [state] of MAIN) {
    stages.set(state, stage('li', state));
    list.append(stages.get(state));
  }
  const side = make('li', { class: 'side' });
  for (const [state] of SIDE) {
    stages.set(state, stage('div', state));
    side.append(stages.get(state));
  }
  list.append(side);

  function show(state, event, counts, moved, most) {
    const element = stages.get(state);
    const [name, figure, meter, line] = element.children;
    setText(name.lastElementChild, t(`stage.${state}`));
    setText(figure, counts ? format.count(counts[state] ?? 0) : '–');
    setWidth(meter.firstElementChild, counts ? (counts[state] ?? 0) / most : 0);
    setText(line.firstElementChild, `+${format.count(moved[event] ?? 0)}`);
    const purged =
      state === 'Cancelado' && moved.purged > 0
        ? `\n−${format.count(moved.purged)} ${t('moved.purged')}`
        : '';
    setText(line.lastElementChild, `${t(`moved.${event}`)}${purged}`);
  }

  return {
    update({ counts, movedLastMinute }) {
      const most = Math.max(1, ...Object.values(counts ?? {}));
      for (const [state, event] of [...MAIN, ...SIDE]) show(state, event, counts, movedLastMinute, most);
    },
  };
}
