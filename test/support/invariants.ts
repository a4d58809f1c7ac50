import { sql } from 'kysely';
import type { Db } from '../../src/db/pool.ts';
import { publishedTables } from '../../src/db/schema.ts';
import {
  eventCode,
  lifecycle,
  OrderState,
  type OrderStateName,
  orderEvents,
} from '../../src/orders/lifecycle.ts';

/** Each finds rows that must not be: the name of the rule, and SQL that returns the keys that break it. */
const RULES: readonly (readonly [name: string, query: string])[] = [
  [
    'an order has items, and its subtotal is their sum',
    `SELECT p.id FROM pedidos p LEFT JOIN itenspedido i ON i.id_pedido = p.id GROUP BY p.id HAVING count(i.id) = 0 OR p.subtotal <> sum(i.subtotal)`,
  ],
  [
    'an item is quantity times price',
    `SELECT id FROM itenspedido WHERE subtotal <> quantidade * preco_unitario OR quantidade < 1`,
  ],
  [
    'total = subtotal + frete - valor_desconto',
    `SELECT id FROM pedidos WHERE total <> subtotal + frete - valor_desconto OR total < 0`,
  ],
  [
    'dates are ordered, and none is without the one before',
    `SELECT id FROM pedidos WHERE data_aprovacao < data_pedido OR data_envio < data_aprovacao OR data_entrega < data_envio
      OR (data_envio IS NOT NULL AND data_aprovacao IS NULL) OR (data_entrega IS NOT NULL AND data_envio IS NULL)`,
  ],
  [
    'the status agrees with the dates',
    `SELECT id FROM pedidos WHERE NOT CASE id_status
      WHEN 1 THEN data_aprovacao IS NULL WHEN 2 THEN data_aprovacao IS NOT NULL AND data_envio IS NULL
      WHEN 3 THEN data_envio IS NOT NULL AND data_entrega IS NULL WHEN 4 THEN data_entrega IS NOT NULL
      WHEN 5 THEN data_envio IS NULL ELSE data_entrega IS NOT NULL END`,
  ],
  [
    'id_entregue is Sim exactly when delivered',
    `SELECT id FROM pedidos WHERE (id_entregue = 1) <> (data_entrega IS NOT NULL)`,
  ],
  [
    'nobody orders in the future',
    `SELECT id FROM pedidos WHERE data_pedido > clock_timestamp() + interval '1 s'`,
  ],
  [
    'nobody orders before registering',
    `SELECT p.id FROM pedidos p JOIN clientes c ON c.id = p.id_cliente WHERE (p.data_pedido AT TIME ZONE 'America/Sao_Paulo')::date < c.data_cadastro`,
  ],
  ['stock is not negative', `SELECT id FROM produtos WHERE estoque < 0`],
  [
    'stock = initial + restocked + returned - sold',
    `SELECT p.id FROM produtos p LEFT JOIN simulator.stock_book b ON b.product_id = p.id
      LEFT JOIN (SELECT i.id_produto, sum(i.quantidade) AS units FROM itenspedido i JOIN pedidos o ON o.id = i.id_pedido
        WHERE o.id_status NOT IN (5, 6) GROUP BY i.id_produto) s ON s.id_produto = p.id
      WHERE p.estoque IS DISTINCT FROM b.initial + b.restocked - b.retired - coalesce(s.units, 0)`,
  ],
  [
    'margem agrees with the prices',
    `SELECT id FROM produtos WHERE margem <> round((preco - preco_custo) * 100 / preco, 2)`,
  ],
  [
    'an order on its way has a schedule',
    `SELECT id FROM pedidos p WHERE id_status IN (1, 2, 3) AND NOT EXISTS (SELECT FROM simulator.order_schedule s WHERE s.order_id = p.id)`,
  ],
  [
    'a schedule has an order',
    `SELECT order_id AS id FROM simulator.order_schedule s WHERE NOT EXISTS (SELECT FROM pedidos p WHERE p.id = s.order_id)`,
  ],
  [
    'the next event of a schedule is legal in the order’s state',
    `SELECT s.order_id AS id FROM simulator.order_schedule s JOIN pedidos p ON p.id = s.order_id
      WHERE (p.id_status, s.next_events[1]) NOT IN (${legalPairs()})`,
  ],
  [
    'the dates of a schedule ascend',
    `SELECT order_id AS id FROM simulator.order_schedule WHERE next_at[1] > next_at[2] OR next_at[2] > next_at[3]`,
  ],
  [
    'a deleted row has a tombstone, and only it',
    `SELECT t.key AS id FROM simulator.tombstones t JOIN pedidos p ON t.table_name = 'pedidos' AND p.id = t.key`,
  ],
];

function legalPairs(): string {
  return (Object.keys(OrderState) as OrderStateName[])
    .flatMap((state) =>
      orderEvents
        .filter((event) => lifecycle[state][event] !== 'illegal')
        .map((event) => `(${OrderState[state]}, ${eventCode(event)})`),
    )
    .join(', ');
}

/** Every invariant of the shop, by SQL: a sentence for each that is broken, with some keys. Empty: all hold. */
export async function checkInvariants(db: Db): Promise<string[]> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const broken: string[] = [];
      for (const [name, query] of RULES) {
        const rows = await sql<{ id: number }>`SELECT id FROM (${sql.raw(query)}) bad LIMIT 6`.execute(trx);
        if (rows.rows.length > 0)
          broken.push(`${name}: broken by ${rows.rows.map((row) => row.id).join(', ')}`);
      }
      for (const table of publishedTables) {
        const { rows } = await sql<{ ledger: number; rows: number }>`
          SELECT coalesce((SELECT sum(CASE op WHEN 'I' THEN row_count WHEN 'D' THEN -row_count ELSE 0 END) FROM (
              SELECT op, row_count FROM simulator.ledger WHERE table_name = ${table}
              UNION ALL SELECT op, row_count FROM simulator.ledger_totals WHERE table_name = ${table}) noted), 0)::int AS ledger,
            (SELECT count(*) FROM public.${sql.id(table)})::int AS rows`.execute(trx);
        const [count] = rows;
        if (count === undefined || count.ledger !== count.rows)
          broken.push(`the ledger says ${count?.ledger} rows in ${table}, there are ${count?.rows}`);
      }
      return broken;
    });
}
