CREATE OR REFRESH MATERIALIZED VIEW gold.clientes_novos_recorrentes (
  CONSTRAINT chave_presente EXPECT (mes IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT soma_confere EXPECT (clientes = clientes_novos + clientes_recorrentes)
)
COMMENT 'Por mês: clientes que compraram pela primeira vez e os que já tinham comprado em mês anterior, com a receita de cada grupo. Só vendas (pagas, nem canceladas nem devolvidas).'
AS
WITH primeiras AS (
  SELECT id_cliente, min(mes_pedido) AS primeiro_mes
  FROM silver.fact_pedido
  WHERE valido
  GROUP BY id_cliente
)
SELECT
  p.mes_pedido AS mes,
  count(DISTINCT p.id_cliente) AS clientes,
  count(DISTINCT CASE WHEN f.primeiro_mes = p.mes_pedido THEN p.id_cliente END) AS clientes_novos,
  count(DISTINCT CASE WHEN f.primeiro_mes < p.mes_pedido THEN p.id_cliente END) AS clientes_recorrentes,
  CAST(coalesce(sum(p.total) FILTER (WHERE f.primeiro_mes = p.mes_pedido), 0) AS DECIMAL(18, 2)) AS receita_novos,
  CAST(coalesce(sum(p.total) FILTER (WHERE f.primeiro_mes < p.mes_pedido), 0) AS DECIMAL(18, 2)) AS receita_recorrentes
FROM silver.fact_pedido p
JOIN primeiras f ON f.id_cliente = p.id_cliente
WHERE p.valido
GROUP BY p.mes_pedido
