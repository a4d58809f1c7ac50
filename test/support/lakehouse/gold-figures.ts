/**
 * Every gold table, computed by PostgreSQL from the source tables alone: numeric arithmetic, no silver in between.
 * Columns stand in the order of the gold table.
 */
const SALE = `
  v AS (
    SELECT p.*, (p.data_pedido AT TIME ZONE 'America/Sao_Paulo')::date AS dia,
      date_trunc('month', p.data_pedido AT TIME ZONE 'America/Sao_Paulo')::date AS mes,
      (SELECT sum(quantidade) FROM public.itenspedido i WHERE i.id_pedido = p.id) AS unidades
    FROM public.pedidos p WHERE p.data_aprovacao IS NOT NULL AND p.id_status NOT IN (5, 6)
  )`;
const EVERY = `
  t AS (
    SELECT p.*, (p.data_pedido AT TIME ZONE 'America/Sao_Paulo')::date AS dia,
      date_trunc('month', p.data_pedido AT TIME ZONE 'America/Sao_Paulo')::date AS mes
    FROM public.pedidos p
  )`;
const REGION = `
  uf AS (
    SELECT id, estado,
      CASE WHEN estado IN ('AC','AM','AP','PA','RO','RR','TO') THEN 'Norte'
        WHEN estado IN ('AL','BA','CE','MA','PB','PE','PI','RN','SE') THEN 'Nordeste'
        WHEN estado IN ('DF','GO','MS','MT') THEN 'Centro-Oeste'
        WHEN estado IN ('ES','MG','RJ','SP') THEN 'Sudeste' ELSE 'Sul' END AS regiao
    FROM public.clientes
  )`;
const MACRO = `CASE WHEN regiao IN ('Norte', 'Nordeste') THEN 'Norte-Nordeste' ELSE 'Centro-Sul' END`;
const MONEY = `count(*), count(DISTINCT id_cliente), sum(unidades), sum(subtotal), sum(valor_desconto), sum(frete),
  sum(subtotal + frete - valor_desconto), round(sum(total) / count(*), 2)`;
/** Each item's share of its order's discount: the rounded running sum, less the one before. */
const ITEM = `
  share AS (
    SELECT i.*, p.valor_desconto, p.subtotal AS subtotal_pedido, p.id_status, p.data_aprovacao,
      (p.data_pedido AT TIME ZONE 'America/Sao_Paulo')::date AS dia,
      round(p.valor_desconto * sum(i.subtotal) OVER w / p.subtotal, 2) AS ate_aqui
    FROM public.itenspedido i JOIN public.pedidos p ON p.id = i.id_pedido
    WINDOW w AS (PARTITION BY i.id_pedido ORDER BY i.id)
  ), item AS (
    SELECT s.*, date_trunc('month', dia)::date AS mes,
      s.subtotal - (ate_aqui - coalesce(lag(ate_aqui) OVER (PARTITION BY id_pedido ORDER BY id), 0)) AS receita,
      data_aprovacao IS NOT NULL AND id_status NOT IN (5, 6) AS valido
    FROM share s
  )`;

const byItems = (table: string, key: string) => `
  WITH ${ITEM}, g AS (
    SELECT i.mes, k.nome, count(DISTINCT id_pedido) AS pedidos, sum(quantidade) AS unidades, sum(i.subtotal) AS bruta,
      sum(i.receita) AS receita, sum(i.receita) - sum(quantidade * preco_custo) AS lucro
    FROM item i JOIN public.produtos p ON p.id = i.id_produto JOIN public.${table} k ON k.id = p.${key}
    WHERE valido GROUP BY i.mes, k.nome)
  SELECT mes, nome, pedidos, unidades, bruta, bruta - receita, receita, lucro,
    round(receita * 100 / (SELECT sum(receita) FROM g h WHERE h.mes = g.mes), 2), round(lucro * 100 / receita, 2) FROM g`;

const delivery = (keys: string) => `
  WITH ${EVERY}, ${REGION}, d AS (
    SELECT t.*, estado, regiao, ${MACRO} AS macro, floor(extract(epoch FROM data_entrega - data_pedido)) AS s,
      floor(extract(epoch FROM data_entrega - data_envio)) AS transporte, data_prevista - dia AS prometidos,
      (data_entrega AT TIME ZONE 'America/Sao_Paulo')::date > data_prevista AS atrasado
    FROM t JOIN uf ON uf.id = t.id_cliente WHERE data_entrega IS NOT NULL AND id_canalvenda <> 1)
  SELECT ${keys}, count(*), round(sum(s) / (86400 * count(*)), 2),
    round((percentile_disc(0.9) WITHIN GROUP (ORDER BY s)) / 86400, 2), round(sum(transporte) / (86400 * count(*)), 2),
    round(sum(prometidos)::numeric / count(*), 2), count(*) FILTER (WHERE atrasado),
    round(100.0 * count(*) FILTER (WHERE atrasado) / count(*), 2),
    round(100.0 * count(*) FILTER (WHERE NOT atrasado) / count(*), 2)
  FROM d GROUP BY ${keys}`;

export const goldFigures: Readonly<Record<string, string>> = {
  receita_diaria: `WITH ${SALE} SELECT dia, ${MONEY} FROM v GROUP BY dia`,
  receita_mensal: `WITH ${SALE} SELECT mes, ${MONEY} FROM v GROUP BY mes`,
  receita_por_canal: `WITH ${SALE} SELECT mes, k.nome, ${MONEY} FROM v JOIN public.canalvenda k ON k.id = id_canalvenda
    GROUP BY mes, k.nome`,
  receita_por_pagamento: `WITH ${SALE} SELECT mes, k.nome, round(avg(parcelas), 2), ${MONEY}
    FROM v JOIN public.formapagamento k ON k.id = id_forma_pagamento GROUP BY mes, k.nome`,
  receita_por_regiao: `WITH ${SALE}, ${REGION} SELECT mes, ${MACRO}, regiao, estado, ${MONEY}
    FROM v JOIN uf ON uf.id = id_cliente GROUP BY mes, regiao, estado`,
  receita_por_categoria: byItems('categorias', 'id_categoria'),
  receita_por_marca: byItems('marcas', 'id_marca'),
  resumo_executivo: `
    WITH ${EVERY}, d AS (SELECT max(dia) AS ate FROM t), ${SALE},
    f AS (SELECT id_cliente, min(dia) AS primeira FROM v GROUP BY id_cliente),
    w AS (SELECT n, (SELECT ate FROM d) - 29 - 30 * n AS de, (SELECT ate FROM d) - 30 * n AS ate FROM generate_series(0, 1) AS n),
    m AS (SELECT n, coalesce((SELECT sum(total) FROM v WHERE dia BETWEEN w.de AND w.ate), 0)::numeric(18,2) AS receita,
      (SELECT count(*) FROM v WHERE dia BETWEEN w.de AND w.ate) AS pedidos,
      (SELECT count(DISTINCT id_cliente) FROM v WHERE dia BETWEEN w.de AND w.ate) AS ativos,
      (SELECT count(*) FROM f WHERE primeira BETWEEN w.de AND w.ate) AS novos,
      (SELECT round(100.0 * count(*) FILTER (WHERE id_status = 5) / count(*), 2) FROM t WHERE dia BETWEEN w.de AND w.ate) AS taxa
      FROM w)
    SELECT (SELECT ate FROM d), a.receita, b.receita, a.pedidos, b.pedidos, round(a.receita / a.pedidos, 2),
      round(b.receita / b.pedidos, 2), a.ativos, b.ativos, a.novos, b.novos, a.taxa, b.taxa
    FROM m a JOIN m b ON a.n = 0 AND b.n = 1`,
  clientes_novos_recorrentes: `
    WITH ${SALE}, x AS (SELECT v.*, EXISTS (SELECT 1 FROM v a WHERE a.id_cliente = v.id_cliente AND a.mes < v.mes) AS velho FROM v)
    SELECT mes, count(DISTINCT id_cliente), count(DISTINCT id_cliente) FILTER (WHERE NOT velho),
      count(DISTINCT id_cliente) FILTER (WHERE velho), coalesce(sum(total) FILTER (WHERE NOT velho), 0)::numeric(18,2),
      coalesce(sum(total) FILTER (WHERE velho), 0)::numeric(18,2) FROM x GROUP BY mes`,
  churn_mensal: `
    WITH ${SALE}, m AS (SELECT DISTINCT mes FROM v), c AS (
      SELECT n.mes, x.id_cliente, EXISTS (SELECT 1 FROM v WHERE v.id_cliente = x.id_cliente AND v.mes = n.mes) AS voltou
      FROM (SELECT generate_series(min(mes) + interval '1 month', max(mes), interval '1 month')::date AS mes FROM m) n
      JOIN (SELECT DISTINCT id_cliente, mes FROM v) x ON x.mes = n.mes - interval '1 month')
    SELECT mes, count(*), count(*) FILTER (WHERE voltou), count(*) FILTER (WHERE NOT voltou),
      round(100.0 * count(*) FILTER (WHERE NOT voltou) / count(*), 2), mes < (SELECT max(mes) FROM m) FROM c GROUP BY mes`,
  retencao_coorte: `
    WITH ${SALE}, k AS (SELECT id_cliente, min(mes) AS coorte FROM v GROUP BY id_cliente)
    SELECT coorte, (extract(year FROM age(mes, coorte)) * 12 + extract(month FROM age(mes, coorte)))::int,
      (SELECT count(*) FROM k o WHERE o.coorte = k.coorte), count(DISTINCT v.id_cliente),
      round(100.0 * count(DISTINCT v.id_cliente) / (SELECT count(*) FROM k o WHERE o.coorte = k.coorte), 2)
    FROM v JOIN k ON k.id_cliente = v.id_cliente GROUP BY coorte, mes`,
  rfm_clientes: `
    WITH ${SALE}, c AS (SELECT id_cliente, max(dia) AS ultima, count(*) AS f, sum(total) AS m FROM v GROUP BY id_cliente),
    n AS (SELECT c.*, (SELECT max(dia) FROM v) AS ate, 6 - ntile(5) OVER (ORDER BY ultima DESC, id_cliente DESC) AS invertida,
      ntile(5) OVER (ORDER BY ultima, id_cliente) AS r5, ntile(5) OVER (ORDER BY f, id_cliente) AS f5,
      ntile(5) OVER (ORDER BY m, id_cliente) AS m5 FROM c)
    SELECT id_cliente, ate, ultima, ate - ultima, f, m, r5, f5, m5,
      CASE WHEN r5 > 3 AND f5 > 3 AND m5 > 3 THEN 'Campeões' WHEN r5 > 2 AND f5 > 3 THEN 'Fiéis'
        WHEN r5 > 3 AND f = 1 THEN 'Recém-chegados' WHEN r5 > 2 THEN 'Promissores'
        WHEN greatest(f5, m5) > 3 THEN 'Em risco' ELSE 'Adormecidos' END FROM n`,
  entrega_por_regiao: delivery('mes, regiao'),
  entrega_por_estado: delivery('macro, regiao, estado'),
  funil_pedidos: `
    WITH ${EVERY} SELECT mes, count(*), count(data_aprovacao), count(data_envio), count(data_entrega),
      count(*) FILTER (WHERE id_status = 5), count(*) FILTER (WHERE id_status = 6),
      round(100.0 * count(data_aprovacao) / count(*), 2), round(100.0 * count(data_entrega) / count(*), 2),
      round(100.0 * count(*) FILTER (WHERE id_status = 5) / count(*), 2) FROM t GROUP BY mes`,
  cancelamentos: `
    WITH ${EVERY} SELECT mes, c.nome, f.nome, count(*), count(*) FILTER (WHERE id_status = 5),
      count(*) FILTER (WHERE id_status = 5 AND data_aprovacao IS NULL), count(*) FILTER (WHERE id_status = 6),
      sum(CASE id_status WHEN 5 THEN total ELSE 0 END)::numeric(18,2), sum(CASE id_status WHEN 6 THEN total ELSE 0 END)::numeric(18,2),
      round(100.0 * count(*) FILTER (WHERE id_status = 5) / count(*), 2),
      round(100.0 * count(*) FILTER (WHERE id_status = 6) / count(*), 2)
    FROM t JOIN public.canalvenda c ON c.id = id_canalvenda JOIN public.formapagamento f ON f.id = id_forma_pagamento
    GROUP BY mes, c.nome, f.nome`,
  giro_estoque: `
    WITH ${EVERY}, q AS (
      SELECT p.id, coalesce((SELECT sum(quantidade) FROM public.itenspedido i JOIN t ON t.id = i.id_pedido
        WHERE i.id_produto = p.id AND t.data_aprovacao IS NOT NULL AND t.id_status NOT IN (5, 6)
          AND t.dia > (SELECT max(dia) FROM t) - 30), 0) AS n FROM public.produtos p)
    SELECT p.id, sku, p.nome, c.nome, m.nome, estoque, (estoque * preco_custo)::numeric(18,2), n,
      round(n::numeric / nullif(estoque, 0), 2), round(30.0 * estoque / nullif(n, 0), 2), estoque = 0
    FROM public.produtos p JOIN q ON q.id = p.id JOIN public.categorias c ON c.id = id_categoria
    JOIN public.marcas m ON m.id = id_marca`,
  ranking_produtos: `
    WITH ${ITEM}, g AS (
      SELECT id_produto, count(DISTINCT id_pedido) FILTER (WHERE valido) AS pedidos,
        coalesce(sum(quantidade) FILTER (WHERE valido), 0) AS unidades,
        coalesce(sum(receita) FILTER (WHERE valido), 0)::numeric(18,2) AS receita,
        coalesce(sum(quantidade) FILTER (WHERE id_status = 6), 0) AS devolvidas FROM item GROUP BY id_produto),
    h AS (SELECT g.*, sku, p.nome AS produto, c.nome AS categoria, m.nome AS marca,
        (receita - unidades * preco_custo)::numeric(18,2) AS lucro FROM g JOIN public.produtos p ON p.id = id_produto
      JOIN public.categorias c ON c.id = id_categoria JOIN public.marcas m ON m.id = id_marca)
    SELECT id_produto, sku, produto, categoria, marca, pedidos, unidades, receita, lucro, devolvidas,
      round(100.0 * devolvidas / nullif(unidades + devolvidas, 0), 2),
      (SELECT count(*) FROM h o WHERE (o.receita, -o.id_produto) >= (h.receita, -h.id_produto)),
      (SELECT count(*) FROM h o WHERE o.categoria = h.categoria AND (o.receita, -o.id_produto) >= (h.receita, -h.id_produto))
    FROM h`,
};
