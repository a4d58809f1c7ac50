import { call } from './api.js';
import { byId, make, setText } from './dom.js';
import * as format from './format.js';
import { t } from './i18n.js';

const fact = (label, value) => make('div', {}, make('dt', {}, label), make('dd', {}, value));

function facts(order) {
  const { customer, payment, installments } = order;
  return make(
    'dl',
    { class: 'facts story-facts' },
    fact(t('customer'), customer.name),
    fact(t('city'), customer.city),
    fact(t('channel'), order.channel),
    fact(t('payment'), installments > 1 ? t('installments', { payment, count: installments }) : payment),
    fact(t('promised'), format.day(order.promisedOn)),
    fact(t('changed'), format.clock(order.updatedAtMs)),
  );
}

function itemsTable(order) {
  const line = (label, text, className) =>
    make(
      'tr',
      { class: className ?? null },
      make('th', { scope: 'row', colspan: '3' }, label),
      make('td', { class: 'num' }, text),
    );
  const head = make(
    'tr',
    {},
    make('th', { scope: 'col' }, t('product')),
    ...['quantity', 'price', 'sum'].map((key) => make('th', { scope: 'col', class: 'num' }, t(key))),
  );
  const rows = order.items.map((item) =>
    make(
      'tr',
      {},
      make('td', {}, item.name),
      make('td', { class: 'num' }, format.count(item.quantity)),
      make('td', { class: 'num' }, format.money(item.unitPrice)),
      make('td', { class: 'num' }, format.money(item.subtotal)),
    ),
  );
  const discount =
    Number(order.discount) > 0 ? line(t('discount'), format.money(-Number(order.discount))) : null;
  const sums = make(
    'tfoot',
    {},
    line(t('subtotal'), format.money(order.subtotal)),
    line(t('freight'), format.money(order.freight)),
    discount,
    line(t('total'), format.money(order.total), 'total'),
  );
  return make('table', { class: 'story-items' }, make('thead', {}, head), make('tbody', {}, ...rows), sums);
}

function timeline(order) {
  const steps = order.timeline.map((step, i) => {
    const due = step.dueAtMs == null ? t('planned') : dueText(step.dueAtMs - Date.now());
    const when = step.planned ? `${due} · ${format.moment(step.atMs)}` : format.moment(step.atMs);
    const next = order.timeline[i + 1];
    const className = step.planned ? 'step planned' : next?.planned ? 'step before-planned' : 'step';
    return make('li', { class: className }, make('b', {}, t(`step.${step.event}`)), make('span', {}, when));
  });
  return make('ol', { class: 'timeline' }, ...steps);
}

const dueText = (ms) => (ms <= 0 ? t('dueNow') : t('dueIn', { time: format.span(ms) }));

/** An order's whole story, in a dialog. */
export function createStory(lifecycleSpeed) {
  const dialog = byId('story');
  const body = byId('story-body');
  let asked = 0;

  async function open(id) {
    const own = ++asked;
    setText(byId('story-title'), t('orderTitle', { id }));
    body.replaceChildren(make('p', { class: 'note' }, '…'));
    if (!dialog.open) dialog.showModal();
    try {
      const order = await call('GET', `/api/orders/${id}`);
      if (own !== asked) return;
      const state = make('p', {}, make('span', { class: 'tag', 'data-kind': 'ok' }, order.status));
      const speed = lifecycleSpeed();
      const note = speed === 1 ? '' : t('ownTime', { speed: format.count(speed) });
      body.replaceChildren(
        state,
        facts(order),
        itemsTable(order),
        timeline(order),
        make('p', { class: 'note' }, note),
      );
    } catch (error) {
      if (own !== asked) return;
      const text = error.status === 404 ? t('orderGone', { id }) : error.message;
      body.replaceChildren(make('p', { role: 'alert' }, text));
    }
  }

  byId('story-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  byId('find').addEventListener('submit', (event) => {
    event.preventDefault();
    const id = Number(byId('find-id').value.replaceAll(/\D/g, ''));
    if (id > 0) open(id);
  });
  return { open };
}
