CREATE OR REFRESH MATERIALIZED VIEW gold.retencao_coorte (
  CONSTRAINT chave_presente EXPECT (mes_coorte IS NOT NULL AND meses_desde >= 0) ON VIOLATION FAIL UPDATE
)
COMMENT 'Matriz de coortes: dos clientes cuja primeira venda foi em mes_coorte, quantos compraram meses_desde meses depois.'
AS
WITH compras AS (
  SELECT DISTINCT id_cliente, mes_pedido AS mes
  FROM silver.fact_pedido
  WHERE valido
),
coortes AS (
  SELECT id_cliente, min(mes) AS mes_coorte
  FROM compras
  GROUP BY id_cliente
),
tamanhos AS (
  SELECT mes_coorte, count(*) AS clientes_coorte
  FROM coortes
  GROUP BY mes_coorte
),
ativos AS (
  SELECT
    k.mes_coorte,
    (year(c.mes) - year(k.mes_coorte)) * 12 + month(c.mes) - month(k.mes_coorte) AS meses_desde,
    count(*) AS clientes_ativos
  FROM compras c
  JOIN coortes k ON k.id_cliente = c.id_cliente
  GROUP BY k.mes_coorte, (year(c.mes) - year(k.mes_coorte)) * 12 + month(c.mes) - month(k.mes_coorte)
)
SELECT
  a.mes_coorte,
  CAST(a.meses_desde AS INT) AS meses_desde,
  t.clientes_coorte,
  a.clientes_ativos,
  CAST(try_divide(100.00 * a.clientes_ativos, t.clientes_coorte) AS DECIMAL(5, 2)) AS taxa_retencao_pct
FROM ativos a
JOIN tamanhos t ON t.mes_coorte = a.mes_coorte
