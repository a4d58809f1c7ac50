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

/** Table `canalvenda`. */
const CHANNELS = ['', 'Loja Física', 'E-commerce', 'Marketplace', 'Telefone', 'WhatsApp'];

function describe({ event, message, fields }) {
  const known = hasString('event', event);
  const title = known ? t(`event.${event}`, fields) : (message ?? event);
  const details = [];
  if (event === 'order.placed') {
    if (fields.total != null) details.push(format.money(fields.total));
    if (fields.items != null)
      details.push(fields.items === 1 ? t('item') : t('items', { count: fields.items }));
    if (fields.channel != null) details.push(CHANNELS[fields.channel] ?? fields.channel);
  }
  return { title, details: details.join(' · ') };
}

/** The latest events, newest first; an order's opens its story. Holds still while somebody reads further down. */
export function createTicker(openStory) {
  const list = byId('ticker');
  const held = byId('held');
  let lastSeq = 0;
  let entries = [];
  let waiting = [];
  let waitingCount = 0;

  function row(entry) {
    const { title, details } = describe(entry);
    const what = make('span', { class: 'what' }, title, details ? make('small', {}, ` · ${details}`) : null);
    const time = make('time', { datetime: new Date(entry.atMs).toISOString() }, format.clock(entry.atMs));
    const { orderId } = entry.fields;
    const kind = KINDS[entry.event] ?? (entry.event.startsWith('order.') ? 'moved' : 'other');
    // a deleted order has no story any more
    const isOrder = orderId != null && entry.event.startsWith('order.') && entry.event !== 'order.purged';
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
      list.lastElementChild.remove();
    }
  }

  /** Nobody can click on what moves: the list holds still under a pointer and around the focus. */
  const holds = () => list.matches(':hover') || list.contains(document.activeElement);

  function showHeld() {
    held.hidden = waitingCount === 0;
    setText(held, t('held', { count: format.count(waitingCount) }));
  }

  function release() {
    if (waitingCount === 0 || holds()) return;
    const events = waiting;
    waiting = [];
    waitingCount = 0;
    showHeld();
    put(events);
  }
  list.addEventListener('pointerleave', () => setTimeout(release, 0));
  list.addEventListener('focusout', () => setTimeout(release, 0));

  function put(events) {
    const fresh = events.filter(({ seq }) => seq > lastSeq);
    if (fresh.length === 0) return;
    const missed = lastSeq === 0 ? 0 : fresh[0].seq - lastSeq - 1;
    const reading = list.scrollTop > 8;
    const heightBefore = list.scrollHeight;
    if (missed > 0) {
      const text = make('span', { class: 'what note' }, t('leftOut', { count: format.count(missed) }));
      list.prepend(
        make('li', {}, make('div', { class: 'event' }, make('i', { 'aria-hidden': 'true' }), text)),
      );
    }
    for (const entry of fresh) add(entry);
    entries.push(...fresh);
    lastSeq = fresh.at(-1).seq;
    trim();
    if (reading) list.scrollTop += list.scrollHeight - heightBefore;
  }

  return {
    add(events) {
      if (!holds()) {
        put([...waiting, ...events]);
        waiting = [];
        waitingCount = 0;
      } else {
        waiting = [...waiting, ...events].slice(-MAX_ROWS);
        waitingCount += events.length;
      }
      showHeld();
    },
    /** A daemon that was started again counts from one. */
    restart() {
      lastSeq = 0;
      entries = [];
      waiting = [];
      waitingCount = 0;
      list.replaceChildren();
    },
    relabel() {
      list.replaceChildren(...entries.map(row).reverse());
    },
  };
}
