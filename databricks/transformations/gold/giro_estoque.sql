CREATE OR REFRESH MATERIALIZED VIEW gold.giro_estoque (
  CONSTRAINT chave_presente EXPECT (id_produto IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT estoque_nao_negativo EXPECT (estoque >= 0)
)
CLUSTER BY (id_produto)
COMMENT 'Por produto: estoque atual, unidades vendidas nos 30 dias até o último dia com pedido, giro (vendidas sobre estoque atual) e cobertura em dias ao ritmo desses 30 dias.'
AS
WITH referencia AS (
  SELECT max(dia_pedido) AS ate_dia
  FROM silver.fact_pedido
),
vendas AS (
  SELECT i.id_produto, CAST(sum(i.quantidade) AS BIGINT) AS unidades
  FROM silver.fact_item_pedido i
  CROSS JOIN referencia r
  WHERE i.valido AND datediff(r.ate_dia, i.dia_pedido) < 30
  GROUP BY i.id_produto
)
SELECT
  p.id_produto,
  p.sku,
  p.nome AS produto,
  p.categoria,
  p.marca,
  p.estoque,
  p.valor_estoque_custo,
  coalesce(v.unidades, 0) AS vendidas_30d,
  CAST(try_divide(1.00 * coalesce(v.unidades, 0), p.estoque) AS DECIMAL(12, 2)) AS giro_30d,
  CAST(try_divide(30.00 * p.estoque, v.unidades) AS DECIMAL(12, 2)) AS cobertura_dias,
  p.estoque = 0 AS sem_estoque
FROM silver.dim_produto p
LEFT JOIN vendas v ON v.id_produto = p.id_produto
