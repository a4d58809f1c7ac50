import type pg from 'pg';

/**
 * A deterministic shop, written by SQL alone so that lakehouse figures are tested on data whose shape is known: all
 * states, channels and payments, every status, orders around midnight of São Paulo and of UTC, discounts that do not
 * divide evenly. About `orders` orders over 150 days that end on 2025-10-31.
 */
export async function fillSmallShop(client: pg.ClientBase, orders = 2000): Promise<void> {
  await client.query(`
    CREATE OR REPLACE FUNCTION pg_temp.r(salt text, n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('x' || substr(md5(salt || ':' || n), 1, 8))::bit(32)::bigint / 4294967296.0 $$`);
  const lookups: Readonly<Record<string, readonly string[]>> = {
    status: ['Pendente', 'Processando', 'Enviado', 'Entregue', 'Cancelado', 'Devolvido'],
    formapagamento: ['Cartão Crédito', 'Cartão Débito', 'PIX', 'Boleto Bancário'],
    canalvenda: ['Loja Física', 'E-commerce', 'Marketplace', 'Telefone', 'WhatsApp'],
    categorias: ['Casual', 'Esporte', 'Corrida', 'Basquete', 'Skate', 'Social'],
    marcas: ['Nike', 'Adidas', 'Puma', 'Mizuno', 'Asics', 'Vans', 'Converse', 'Olympikus'],
    generocliente: ['Masculino', 'Feminino', 'Outro'],
    generoproduto: ['Masculino', 'Feminino', 'Unissex'],
    estadocivil: ['Solteiro(a)', 'Casado(a)', 'Divorciado(a)', 'Viúvo(a)'],
    emailmarketing: ['Sim', 'Não'],
    entregue: ['Sim', 'Não'],
  };
  for (const [table, names] of Object.entries(lookups)) {
    await client.query(
      `INSERT INTO public.${table} (id, nome) SELECT ordinality, nome FROM unnest($1::text[]) WITH ORDINALITY AS n (nome)
       ON CONFLICT DO NOTHING`,
      [names],
    );
  }
  await client.query(CUSTOMERS);
  await client.query(PRODUCTS);
  await client.query(ORDERS, [orders]);
}

const CUSTOMERS = `
  INSERT INTO public.clientes (id, nome, sobrenome, id_genero, id_estadocivil, email, cpf, telefone, endereco, bairro,
    cidade, estado, cep, data_cadastro, id_emailmarketing)
  SELECT n, 'João ' || n, 'D''Ávila', 1 + n % 3, 1 + n % 4, 'cliente' || n || '@exemplo.com.br',
    to_char(n, 'FM000"."000"."000"-00"'), '(11) 9' || to_char(n, 'FM0000-0000'), 'Rua das Flores, ' || n, 'Centro', 'Cidade',
    (ARRAY['AC','AL','AM','AP','BA','CE','DF','ES','GO','MA','MG','MS','MT','PA','PB','PE','PI','PR','RJ','RN','RO','RR',
      'RS','SC','SE','SP','TO'])[1 + n % 27], to_char(n, 'FM00000"-000"'), '2024-01-01'::date + n::int % 400, 1 + n % 2
  FROM generate_series(1, 400) AS n`;

const PRODUCTS = `
  INSERT INTO public.produtos (id, sku, nome, descricao, preco, preco_custo, margem, tamanho, estoque, id_categoria,
    id_marca, modelo, id_genero, cor)
  SELECT n, 'SKU-' || n, 'Tênis ' || n, 'Descrição', preco, custo, round((preco - custo) * 100 / preco, 2), 34 + n % 12,
    CASE WHEN n % 13 = 0 THEN 0 ELSE n % 60 END, 1 + n % 6, 1 + n % 8, 'Modelo ' || n % 9, 1 + n % 3, 'Preto'
  FROM (SELECT n, round((99.90 + 800 * pg_temp.r('price', n))::numeric, 2) AS preco,
      round((50 + 40 * pg_temp.r('cost', n))::numeric, 2) AS custo
    FROM generate_series(1, 60) AS n) p`;

/** Items come first: an order's subtotal is theirs. */
const ORDERS = `
  WITH picked AS (
    SELECT o AS id_pedido, 1 + floor(60 * pg_temp.r('product' || k, o))::bigint AS id_produto,
      1 + floor(2 * pg_temp.r('quantity' || k, o))::int AS quantidade
    FROM generate_series(1, $1::int) AS o, generate_series(1, 3) AS k
    WHERE k <= 1 + floor(3 * pg_temp.r('items', o))
  ), item AS (
    SELECT id_pedido, id_produto, sum(quantidade)::int AS quantidade, preco
    FROM picked JOIN public.produtos ON id = id_produto GROUP BY id_pedido, id_produto, preco
  ), money AS (
    SELECT id_pedido AS id, sum(quantidade * preco) AS subtotal,
      CASE WHEN pg_temp.r('discounted', id_pedido) < 0.4
        THEN round(sum(quantidade * preco) * (pg_temp.r('discount', id_pedido) * 0.2)::numeric, 2) ELSE 0 END AS desconto,
      CASE WHEN id_pedido % 5 = 0 THEN 0 ELSE round((10 + 40 * pg_temp.r('freight', id_pedido))::numeric, 2) END AS frete
    FROM item GROUP BY id_pedido
  ), life AS (
    SELECT id, subtotal, desconto, frete, 1 + id % 5 AS canal,
      '2025-10-31 23:59:30-03'::timestamptz
        - CASE WHEN id % 7 = 0 THEN floor(150 * pg_temp.r('day', id)) * interval '1 day' + (id % 4) * interval '1 hour'
          ELSE 150 * pg_temp.r('day', id) * interval '1 day' END AS pedido,
      CASE WHEN id % 5 = 0 THEN (ARRAY[4, 4, 4, 6])[1 + floor(4 * pg_temp.r('status', id))::int]
        ELSE (ARRAY[1, 2, 3, 4, 4, 4, 4, 5, 5, 6])[1 + floor(10 * pg_temp.r('status', id))::int] END AS status,
      pg_temp.r('paid', id) < 0.5 AS pago
    FROM money
  ), dated AS (
    SELECT l.*, id % 5 = 0 AS balcao,
      CASE WHEN status = 1 OR status = 5 AND NOT pago THEN NULL
        WHEN id % 5 = 0 THEN pedido ELSE pedido + 30 * pg_temp.r('approve', id) * interval '1 hour' END AS aprovacao
    FROM life l
  ), sent AS (
    SELECT d.*, CASE WHEN status NOT IN (3, 4, 6) THEN NULL WHEN balcao THEN pedido
      ELSE aprovacao + (1 + 60 * pg_temp.r('ship', id)) * interval '1 hour' END AS envio
    FROM dated d
  ), written AS (
    INSERT INTO public.pedidos (id, id_cliente, data_pedido, id_canalvenda, id_forma_pagamento, parcelas, id_status,
      subtotal, frete, valor_desconto, total, endereco_entrega, data_prevista, data_aprovacao, data_envio, data_entrega,
      id_entregue)
    SELECT id, 1 + floor(380 * power(pg_temp.r('customer', id), 2))::bigint, pedido,
      CASE WHEN balcao THEN 1 ELSE 2 + id % 4 END, 1 + floor(4 * pg_temp.r('payment', id))::int,
      1 + floor(10 * pg_temp.r('parts', id))::int, status, subtotal, frete, desconto, subtotal + frete - desconto,
      'Rua das Flores', (pedido AT TIME ZONE 'America/Sao_Paulo')::date + CASE WHEN balcao THEN 0 ELSE 9 END, aprovacao,
      envio, CASE WHEN status NOT IN (4, 6) THEN NULL WHEN balcao THEN pedido
        ELSE envio + 12 * pg_temp.r('carry', id) * interval '1 day' END,
      CASE WHEN status IN (4, 6) THEN 1 ELSE 2 END
    FROM sent
    RETURNING id
  )
  INSERT INTO public.itenspedido (id, id_pedido, id_produto, quantidade, preco_unitario, subtotal)
  SELECT row_number() OVER (ORDER BY i.id_pedido, i.id_produto), i.id_pedido, i.id_produto, i.quantidade, i.preco,
    i.quantidade * i.preco
  FROM item i JOIN written w ON w.id = i.id_pedido`;
