-- O desconto do pedido é rateado pelo valor dos itens: cada item leva a diferença entre dois acumulados arredondados,
-- e assim a soma dos itens é exatamente o desconto do pedido.
CREATE OR REFRESH MATERIALIZED VIEW silver.fact_item_pedido (
  CONSTRAINT chave_presente EXPECT (id_item IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT produto_conhecido EXPECT (sku IS NOT NULL),
  CONSTRAINT receita_nao_negativa EXPECT (receita >= 0)
)
CLUSTER BY (dia_pedido)
COMMENT 'Um item de pedido por linha, com o produto e o pedido descritos, desconto rateado ao centavo, receita sem frete e custo ao preço de custo atual.'
AS
WITH acumulados AS (
  SELECT
    i.id AS id_item,
    i.id_pedido,
    i.id_produto,
    i.quantidade,
    i.preco_unitario,
    i.subtotal,
    p.id_cliente,
    p.dia_pedido,
    p.mes_pedido,
    p.canal_venda,
    p.estado,
    p.regiao,
    p.valido,
    p.cancelado,
    p.devolvido,
    p.valor_desconto AS desconto_pedido,
    p.subtotal_itens,
    CAST(sum(i.subtotal) OVER (
      PARTITION BY i.id_pedido ORDER BY i.id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS DECIMAL(14, 2)) AS acumulado
  FROM bronze.itenspedido i
  JOIN silver.fact_pedido p ON p.id_pedido = i.id_pedido
),
parcelas AS (
  SELECT
    a.*,
    CASE
      WHEN desconto_pedido > 0 THEN CAST(try_divide(desconto_pedido * acumulado, subtotal_itens) AS DECIMAL(12, 2))
      ELSE CAST(0 AS DECIMAL(12, 2))
    END AS desconto_acumulado
  FROM acumulados a
),
rateados AS (
  SELECT
    p.*,
    CAST(
      desconto_acumulado - coalesce(lag(desconto_acumulado) OVER (PARTITION BY id_pedido ORDER BY id_item), 0)
    AS DECIMAL(12, 2)) AS desconto_rateado
  FROM parcelas p
)
SELECT
  r.id_item,
  r.id_pedido,
  r.id_produto,
  r.id_cliente,
  r.dia_pedido,
  r.mes_pedido,
  r.canal_venda,
  r.estado,
  r.regiao,
  r.valido,
  r.cancelado,
  r.devolvido,
  d.sku,
  d.nome AS produto,
  d.categoria,
  d.marca,
  d.modelo,
  d.genero,
  r.quantidade,
  r.preco_unitario,
  r.subtotal,
  r.desconto_rateado,
  CAST(r.subtotal - r.desconto_rateado AS DECIMAL(12, 2)) AS receita,
  CAST(r.quantidade * d.preco_custo AS DECIMAL(12, 2)) AS custo
FROM rateados r
LEFT JOIN silver.dim_produto d ON d.id_produto = r.id_produto
