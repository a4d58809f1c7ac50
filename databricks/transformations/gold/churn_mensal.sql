CREATE OR REFRESH MATERIALIZED VIEW gold.churn_mensal (
  CONSTRAINT chave_presente EXPECT (mes IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT soma_confere EXPECT (clientes_mes_anterior = clientes_retidos + clientes_perdidos)
)
COMMENT 'Por mês: dos clientes que compraram no mês anterior, quantos voltaram e quantos não. O último mês ainda não terminou: mes_completo falso.'
AS
WITH compras AS (
  SELECT DISTINCT id_cliente, mes_pedido AS mes
  FROM silver.fact_pedido
  WHERE valido
),
ultimo AS (
  SELECT max(mes) AS mes
  FROM compras
),
base AS (
  SELECT id_cliente, CAST(add_months(mes, 1) AS DATE) AS mes
  FROM compras
)
SELECT
  b.mes,
  count(*) AS clientes_mes_anterior,
  count(c.id_cliente) AS clientes_retidos,
  count(*) - count(c.id_cliente) AS clientes_perdidos,
  CAST(try_divide(100.00 * (count(*) - count(c.id_cliente)), count(*)) AS DECIMAL(5, 2)) AS taxa_churn_pct,
  b.mes < u.mes AS mes_completo
FROM base b
CROSS JOIN ultimo u
LEFT JOIN compras c ON c.id_cliente = b.id_cliente AND c.mes = b.mes
WHERE b.mes <= u.mes
GROUP BY b.mes, u.mes
