import { sql } from 'kysely';
import type { Db } from '../db/pool.ts';
import { eventOfCode, type OrderEvent } from './lifecycle.ts';

export interface StoryStep {
  readonly event: OrderEvent | 'placed';
  /** Business time. */
  readonly atMs: number;
  /** Wall clock at which the next step is due; null for every other. */
  readonly dueAtMs: number | null;
  readonly planned: boolean;
}

/** An order as it may be shown to anybody: the person behind it is masked. Money is numeric(12,2) text. */
export interface Story {
  readonly id: number;
  readonly status: string;
  readonly customer: { readonly id: number; readonly name: string; readonly city: string };
  readonly channel: string;
  readonly payment: string;
  readonly installments: number;
  readonly subtotal: string;
  readonly freight: string;
  readonly discount: string;
  readonly total: string;
  readonly promisedOn: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly items: readonly {
    readonly productId: number;
    readonly name: string;
    readonly quantity: number;
    readonly unitPrice: string;
    readonly subtotal: string;
  }[];
  readonly timeline: readonly StoryStep[];
}

interface Row {
  id: number;
  status: string;
  customer_id: number;
  nome: string;
  sobrenome: string;
  cidade: string;
  estado: string;
  channel: string;
  payment: string;
  parcelas: number;
  subtotal: string;
  frete: string;
  valor_desconto: string;
  total: string;
  data_prevista: string;
  data_pedido: Date;
  data_aprovacao: Date | null;
  data_envio: Date | null;
  data_entrega: Date | null;
  criado_em: Date;
  atualizado_em: Date;
  due_at: Date | null;
  next_events: number[] | null;
  next_at: Date[] | null;
  items: Story['items'] | null;
}

/** Reads an order, its items, what happened to it and what is planned; null when there is no such order. */
export async function readStory(db: Db, id: number): Promise<Story | null> {
  const result = await sql<Row>`
    SELECT p.*, s.nome AS status, c.id AS customer_id, c.nome, c.sobrenome, c.cidade, c.estado,
      v.nome AS channel, f.nome AS payment, o.due_at, o.next_events, o.next_at,
      (SELECT json_agg(json_build_object('productId', i.id_produto, 'name', r.nome, 'quantity', i.quantidade,
          'unitPrice', i.preco_unitario::text, 'subtotal', i.subtotal::text) ORDER BY i.id)
        FROM public.itenspedido i JOIN public.produtos r ON r.id = i.id_produto WHERE i.id_pedido = p.id) AS items
    FROM public.pedidos p
    JOIN public.status s ON s.id = p.id_status
    JOIN public.clientes c ON c.id = p.id_cliente
    JOIN public.canalvenda v ON v.id = p.id_canalvenda
    JOIN public.formapagamento f ON f.id = p.id_forma_pagamento
    LEFT JOIN simulator.order_schedule o ON o.order_id = p.id
    WHERE p.id = ${id}`.execute(db);
  const row = result.rows[0];
  return row === undefined ? null : storyOf(row);
}

function storyOf(row: Row): Story {
  return {
    id: row.id,
    status: row.status,
    customer: {
      id: row.customer_id,
      name: `${masked(row.nome)} ${masked(row.sobrenome)}`,
      city: `${row.cidade}, ${row.estado}`,
    },
    channel: row.channel,
    payment: row.payment,
    installments: row.parcelas,
    subtotal: row.subtotal,
    freight: row.frete,
    discount: row.valor_desconto,
    total: row.total,
    promisedOn: row.data_prevista,
    createdAtMs: row.criado_em.getTime(),
    updatedAtMs: row.atualizado_em.getTime(),
    items: row.items ?? [],
    timeline: [...past(row), ...planned(row)],
  };
}

function past(row: Row): StoryStep[] {
  const steps: StoryStep[] = [];
  const add = (event: StoryStep['event'], at: Date | null) => {
    if (at !== null) steps.push({ event, atMs: at.getTime(), dueAtMs: null, planned: false });
  };
  add('placed', row.data_pedido);
  add('approved', row.data_aprovacao);
  add('shipped', row.data_envio);
  add('delivered', row.data_entrega);
  // the table keeps no business time of these two: when the row was written is what is known
  if (row.status === 'Cancelado') add('cancelled', row.atualizado_em);
  if (row.status === 'Devolvido') add('returned', row.atualizado_em);
  return steps;
}

function planned(row: Row): StoryStep[] {
  return (row.next_events ?? []).map((code, index) => ({
    event: eventOfCode(code),
    atMs: row.next_at?.[index]?.getTime() ?? 0,
    dueAtMs: index === 0 ? (row.due_at?.getTime() ?? null) : null,
    planned: true,
  }));
}

/** `Maria` → `M••••`: as many dots for everybody. */
function masked(name: string): string {
  return `${name.slice(0, 1)}••••`;
}
