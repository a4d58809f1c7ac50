-- lint: allow window-without-partition (a posição geral compara todos os produtos: a atualização é completa)
CREATE OR REFRESH MATERIALIZED VIEW gold.ranking_produtos (
  CONSTRAINT chave_presente EXPECT (id_produto IS NOT NULL) ON VIOLATION FAIL UPDATE
)
CLUSTER BY (id_produto)
COMMENT 'Produtos por receita (itens menos desconto rateado, pedidos pagos nem cancelados nem devolvidos), posição geral e na categoria, e devoluções. Empates decididos pela chave.'
AS
WITH somas AS (
  SELECT
    id_produto,
    sku,
    produto,
    categoria,
    marca,
    count(DISTINCT CASE WHEN valido THEN id_pedido END) AS pedidos,
    CAST(coalesce(sum(quantidade) FILTER (WHERE valido), 0) AS BIGINT) AS unidades,
    CAST(coalesce(sum(receita) FILTER (WHERE valido), 0) AS DECIMAL(18, 2)) AS receita,
    CAST(coalesce(sum(receita - custo) FILTER (WHERE valido), 0) AS DECIMAL(18, 2)) AS lucro_bruto,
    CAST(coalesce(sum(quantidade) FILTER (WHERE devolvido), 0) AS BIGINT) AS unidades_devolvidas
  FROM silver.fact_item_pedido
  GROUP BY id_produto, sku, produto, categoria, marca
)
SELECT
  id_produto,
  sku,
  produto,
  categoria,
  marca,
  pedidos,
  unidades,
  receita,
  lucro_bruto,
  unidades_devolvidas,
  CAST(try_divide(100.00 * unidades_devolvidas, unidades + unidades_devolvidas) AS DECIMAL(5, 2)) AS devolucao_pct,
  CAST(row_number() OVER (ORDER BY receita DESC, id_produto) AS INT) AS posicao,
  CAST(row_number() OVER (PARTITION BY categoria ORDER BY receita DESC, id_produto) AS INT) AS posicao_categoria
FROM somas
