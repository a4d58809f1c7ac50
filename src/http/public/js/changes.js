import { byId, keyed, make, setText, setWidth } from './dom.js';
import * as format from './format.js';

const OPS = ['I', 'U', 'D'];

/** The shop's own tables first; the lookups, which never change, need no place. */
const ORDER = ['pedidos', 'itenspedido', 'clientes', 'produtos', 'cdc_heartbeat'];
const place = ({ table }) => (ORDER.indexOf(table) + ORDER.length + 1) % (ORDER.length + 1);

function row(table) {
  const stack = make(
    'div',
    { class: 'stack' },
    ...OPS.map((op) => make('span', { class: `part op-${op.toLowerCase()}` })),
  );
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, table),
    make('td', { class: 'bar', 'aria-hidden': 'true' }, stack),
    ...OPS.map(() => make('td', { class: 'num' })),
  );
}

/** Changes a second by table and operation; tables stay once they were seen, so that nothing jumps. */
export function createChanges() {
  const body = byId('changes').tBodies[0];
  const seen = new Map();

  return {
    update(rates) {
      for (const entry of seen.values()) entry.I = entry.U = entry.D = 0;
      for (const { table, op, perSecond } of rates) {
        if (!seen.has(table)) seen.set(table, { table, I: 0, U: 0, D: 0 });
        seen.get(table)[op] = perSecond;
      }
      const tables = [...seen.values()].sort((a, b) => place(a) - place(b));
      const sums = tables.map(({ I, U, D }) => I + U + D);
      const most = Math.max(0.001, ...sums);
      setText(byId('changes-total'), format.perSecond(sums.reduce((all, one) => all + one, 0)));
      keyed(
        body,
        tables,
        ({ table }) => table,
        ({ table }) => row(table),
        (tr, entry) => {
          OPS.forEach((op, i) => {
            setWidth(tr.children[1].firstElementChild.children[i], entry[op] / most);
            const cell = tr.children[2 + i];
            setText(cell, entry[op] > 0 ? format.perSecond(entry[op]) : '·');
            cell.classList.toggle('none', entry[op] === 0);
          });
        },
      );
    },
  };
}
