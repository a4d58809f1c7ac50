import type pg from 'pg';

/** Names with accents, quotes and a bar: what a checksum must not stumble over. */
const NAMES = ['João', 'Conceição', "D'Ávila", 'Ünal', 'Zoë | Ana', 'São José', 'Íris', 'Ágata'];

/**
 * A handful of customers, products and orders, by plain SQL: for tests that are about rows on their way and not about
 * how a shop sells.
 */
export async function seedTinyShop(pool: pg.Pool, orders = 60): Promise<void> {
  const lookups: Record<string, string[]> = {
    status: ['Pendente', 'Processando', 'Enviado', 'Entregue', 'Cancelado', 'Devolvido'],
    formapagamento: ['Cartão Crédito', 'Cartão Débito', 'PIX', 'Boleto Bancário'],
    canalvenda: ['Loja Física', 'E-commerce'],
    categorias: ['Casual', 'Corrida'],
    marcas: ['Nike', 'Mizuno'],
    generocliente: ['Masculino', 'Feminino', 'Outro'],
    generoproduto: ['Masculino', 'Feminino', 'Unissex'],
    estadocivil: ['Solteiro(a)', 'Viúvo(a)'],
    emailmarketing: ['Sim', 'Não'],
    entregue: ['Sim', 'Não'],
  };
  for (const [table, names] of Object.entries(lookups)) {
    await pool.query(
      `INSERT INTO public.${table} (id, nome) SELECT i, n FROM unnest($1::text[]) WITH ORDINALITY AS l (n, i)
       ON CONFLICT DO NOTHING`,
      [names],
    );
  }
  await pool.query(
    `INSERT INTO public.clientes (nome, sobrenome, id_genero, id_estadocivil, email, cpf, telefone, endereco, bairro, cidade,
       estado, cep, data_cadastro, id_emailmarketing)
     SELECT ($1::text[])[1 + i % 8], ($1::text[])[1 + i / 8 % 8], 1 + i % 3, 1 + i % 2, 'c' || i || '@exemplo.com.br',
       lpad(i::text, 11, '0'), '', 'Rua ' || i, 'Centro', 'São Paulo', 'SP', '01000-000', date '2024-01-01' + i, 1 + i % 2
     FROM generate_series(1, 40) i`,
    [NAMES],
  );
  await pool.query(
    `INSERT INTO public.produtos (sku, nome, descricao, preco, preco_custo, margem, tamanho, estoque, id_categoria, id_marca,
       modelo, id_genero, cor)
     SELECT 'SKU' || i, 'Tênis ' || i, repeat('descrição ', 1 + i % 5), p, c, round((p - c) * 100 / p, 2), 34 + i % 10,
       1000000, 1 + i % 2, 1 + i % 2, 'M' || i, 1 + i % 3, 'Branco'
     FROM generate_series(1, 60) i, LATERAL (SELECT (99.90 + i)::numeric(12,2) AS p, (40 + i)::numeric(12,2) AS c) money`,
  );
  for (let i = 0; i < orders; i++) await placeTinyOrder(pool);
}

/** One order with one to three items, in one transaction; its id. */
export async function placeTinyOrder(pool: pg.Pool): Promise<number> {
  const result = await pool.query<{ id: string }>(
    `WITH basket AS MATERIALIZED (
       SELECT id, preco, 1 + (random() * 2)::int AS quantity FROM public.produtos
       ORDER BY random() LIMIT 1 + (random() * 2)::int
     ), placed AS (
       INSERT INTO public.pedidos (id_cliente, data_pedido, id_canalvenda, id_forma_pagamento, parcelas, id_status, subtotal,
         frete, valor_desconto, total, endereco_entrega, data_prevista, id_entregue)
       SELECT (SELECT id FROM public.clientes ORDER BY random() LIMIT 1), clock_timestamp(), 2, 3, 1, 1, s, 19.90, 0.05,
         s + 19.85, 'Rua das Acácias, 7', current_date + 7, 2
       FROM (SELECT sum(preco * quantity) AS s FROM basket) sums RETURNING id
     ), sold AS (
       INSERT INTO public.itenspedido (id_pedido, id_produto, quantidade, preco_unitario, subtotal)
       SELECT placed.id, basket.id, quantity, preco, preco * quantity FROM placed, basket RETURNING id_produto, quantidade
     ), stock AS (
       UPDATE public.produtos p SET estoque = estoque - s.quantidade, atualizado_em = clock_timestamp()
       FROM (SELECT id_produto, sum(quantidade)::int AS quantidade FROM sold GROUP BY 1) s WHERE p.id = s.id_produto
     ) SELECT id FROM placed`,
  );
  return Number(result.rows[0]?.id);
}

/** Moves some open orders one step along, deletes the oldest cancelled ones, and one customer moves house. */
export async function stirTinyShop(pool: pg.Pool): Promise<void> {
  await pool.query(
    `UPDATE public.pedidos SET id_status = CASE WHEN id % 4 = 0 THEN 5 ELSE 2 END, atualizado_em = clock_timestamp(),
       data_aprovacao = CASE WHEN id % 4 = 0 THEN NULL ELSE clock_timestamp() END
     WHERE id IN (SELECT id FROM public.pedidos WHERE id_status = 1 ORDER BY random() LIMIT 3)`,
  );
  await pool.query(
    `UPDATE public.pedidos SET id_status = 3, data_envio = clock_timestamp(), atualizado_em = clock_timestamp()
     WHERE id IN (SELECT id FROM public.pedidos WHERE id_status = 2 ORDER BY random() LIMIT 2)`,
  );
  await pool.query(
    `WITH doomed AS (SELECT id FROM public.pedidos WHERE id_status = 5 ORDER BY id LIMIT 1 FOR UPDATE),
       items AS (DELETE FROM public.itenspedido WHERE id_pedido IN (SELECT id FROM doomed) RETURNING 1)
     DELETE FROM public.pedidos WHERE id IN (SELECT id FROM doomed) AND (SELECT count(*) FROM items) >= 0`,
  );
  await pool.query(
    `UPDATE public.clientes SET bairro = 'Bairro ' || (random() * 1000)::int, atualizado_em = clock_timestamp()
     WHERE id = (SELECT id FROM public.clientes ORDER BY random() LIMIT 1)`,
  );
}

/** Places and stirs until stopped, at about `ordersPerMinute`. */
export function tinyTraffic(pool: pg.Pool, ordersPerMinute: number): { stop(): Promise<number> } {
  let running = true;
  let placed = 0;
  const pauseMs = 60_000 / ordersPerMinute;
  const loop = (async () => {
    while (running) {
      const startedMs = performance.now();
      await placeTinyOrder(pool);
      placed += 1;
      if (placed % 3 === 0) await stirTinyShop(pool);
      await new Promise((resolve) => setTimeout(resolve, pauseMs - (performance.now() - startedMs)));
    }
  })();
  return {
    stop: async () => {
      running = false;
      await loop;
      return placed;
    },
  };
}
