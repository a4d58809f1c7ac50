import { byId, make, setText } from './dom.js';
import * as format from './format.js';
import { hasString, t } from './i18n.js';

const MAX_ROWS = 60;

const KINDS = {
  'order.placed': 'placed',
  'customer.registered': 'placed',
  'product.launched': 'placed',
  'order.cancelled': 'ended',
  'order.returned': 'ended',
  'order.purged': 'ended',
  'customer.erased': 'ended',
  'product.discontinued': 'ended',
  'traffic.paused': 'warned',
  'database.lost': 'warned',
  'slot.lag': 'warned',
};

function describe({ event, message, fields }) {
  const known = hasString('event', event);
  const title = known ? t(`event.${event}`, fields) : (message ?? event);
  const details = [];
  if (event === 'order.placed') {
    if (fields.total != null) details.push(format.money(fields.total));
    if (fields.items != null)
      details.push(fields.items === 1 ? t('item') : t('items', { count: fields.items }));
    if (fields.channel != null) details.push(fields.channel);
  }
  return { title, details: details.join(' · ') };
}

/** The latest events, newest first; an order's opens its story. Holds still while somebody reads further down. */
export function createTicker(openStory) {
  const list = byId('ticker');
  let lastSeq = 0;
  let entries = [];

  function row(entry) {
    const { title, details } = describe(entry);
    const what = make('span', { class: 'what' }, title, details ? make('small', {}, ` · ${details}`) : null);
    const time = make('time', { datetime: new Date(entry.atMs).toISOString() }, format.clock(entry.atMs));
    const { orderId } = entry.fields;
    const kind = KINDS[entry.event] ?? (entry.event.startsWith('order.') ? 'moved' : 'other');
    const isOrder = orderId != null && entry.event.startsWith('order.');
    const inner = make(
      isOrder ? 'button' : 'div',
      { class: 'event', 'data-kind': kind, type: isOrder ? 'button' : null },
      make('i', { 'aria-hidden': 'true' }),
      what,
      time,
    );
    if (isOrder) inner.addEventListener('click', () => openStory(orderId));
    return make('li', {}, inner);
  }

  function add(entry) {
    const item = row(entry);
    item.classList.add('new');
    list.prepend(item);
  }

  function trim() {
    entries = entries.slice(-MAX_ROWS);
    while (list.children.length > MAX_ROWS) {
      if (list.lastElementChild.contains(document.activeElement)) break;
      list.lastElementChild.remove();
    }
  }

  return {
    add(events) {
      const fresh = events.filter(({ seq }) => seq > lastSeq);
      if (fresh.length === 0) return;
      const missed = lastSeq === 0 ? 0 : fresh[0].seq - lastSeq - 1;
      const reading = list.scrollTop > 8;
      const heightBefore = list.scrollHeight;
      if (missed > 0) {
        const note = make(
          'div',
          { class: 'event' },
          make('i', { 'aria-hidden': 'true' }),
          make('span', { class: 'what note' }, t('leftOut', { count: format.count(missed) })),
        );
        list.prepend(make('li', {}, note));
      }
      for (const entry of fresh) add(entry);
      entries.push(...fresh);
      lastSeq = fresh.at(-1).seq;
      trim();
      if (reading) list.scrollTop += list.scrollHeight - heightBefore;
    },
    /** A daemon that was started again counts from one. */
    restart() {
      lastSeq = 0;
      entries = [];
      list.replaceChildren();
    },
    relabel() {
      list.replaceChildren(...entries.map(row).reverse());
      setText(byId('find-id'), '');
    },
  };
}
