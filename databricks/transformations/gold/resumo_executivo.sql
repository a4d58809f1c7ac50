-- Os 30 dias que terminam no último dia com pedido (data tirada dos dados, não do relógio) e os 30 anteriores.
CREATE OR REFRESH MATERIALIZED VIEW gold.resumo_executivo (
  CONSTRAINT uma_referencia EXPECT (ate_dia IS NOT NULL)
)
COMMENT 'Uma linha: indicadores dos últimos 30 dias dos dados e dos 30 anteriores. Cancelamento: cancelados sobre realizados.'
AS
WITH referencia AS (
  SELECT max(dia_pedido) AS ate_dia
  FROM silver.fact_pedido
),
primeiras AS (
  SELECT id_cliente, min(dia_pedido) AS primeira_compra
  FROM silver.fact_pedido
  WHERE valido
  GROUP BY id_cliente
),
janela AS (
  SELECT p.*, r.ate_dia, datediff(r.ate_dia, p.dia_pedido) < 30 AS atual, pr.primeira_compra
  FROM silver.fact_pedido p
  CROSS JOIN referencia r
  LEFT JOIN primeiras pr ON pr.id_cliente = p.id_cliente
  WHERE datediff(r.ate_dia, p.dia_pedido) < 60
),
somas AS (
  SELECT
    ate_dia,
    CAST(coalesce(sum(total) FILTER (WHERE valido AND atual), 0) AS DECIMAL(18, 2)) AS receita,
    CAST(coalesce(sum(total) FILTER (WHERE valido AND NOT atual), 0) AS DECIMAL(18, 2)) AS receita_anterior,
    count(*) FILTER (WHERE valido AND atual) AS pedidos,
    count(*) FILTER (WHERE valido AND NOT atual) AS pedidos_anterior,
    count(*) FILTER (WHERE atual) AS realizados,
    count(*) FILTER (WHERE NOT atual) AS realizados_anterior,
    count(*) FILTER (WHERE cancelado AND atual) AS cancelados,
    count(*) FILTER (WHERE cancelado AND NOT atual) AS cancelados_anterior,
    count(DISTINCT CASE WHEN valido AND atual THEN id_cliente END) AS clientes_ativos,
    count(DISTINCT CASE WHEN valido AND NOT atual THEN id_cliente END) AS clientes_ativos_anterior,
    count(DISTINCT CASE WHEN valido AND atual AND datediff(ate_dia, primeira_compra) < 30 THEN id_cliente END) AS clientes_novos,
    count(DISTINCT CASE WHEN valido AND NOT atual AND datediff(ate_dia, primeira_compra) BETWEEN 30 AND 59 THEN id_cliente END) AS clientes_novos_anterior
  FROM janela
  GROUP BY ate_dia
)
SELECT
  ate_dia,
  receita,
  receita_anterior,
  pedidos,
  pedidos_anterior,
  CAST(try_divide(receita, pedidos) AS DECIMAL(12, 2)) AS ticket_medio,
  CAST(try_divide(receita_anterior, pedidos_anterior) AS DECIMAL(12, 2)) AS ticket_medio_anterior,
  clientes_ativos,
  clientes_ativos_anterior,
  clientes_novos,
  clientes_novos_anterior,
  CAST(try_divide(100.00 * cancelados, realizados) AS DECIMAL(5, 2)) AS taxa_cancelamento_pct,
  CAST(try_divide(100.00 * cancelados_anterior, realizados_anterior) AS DECIMAL(5, 2)) AS taxa_cancelamento_anterior_pct
FROM somas
