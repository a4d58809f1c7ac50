CREATE OR REFRESH MATERIALIZED VIEW gold.receita_por_marca (
  CONSTRAINT chave_presente EXPECT (mes IS NOT NULL) ON VIOLATION FAIL UPDATE
)
COMMENT 'Receita por mês e marca. Receita de produtos: itens menos desconto rateado, sem frete; pedidos pagos, nem cancelados nem devolvidos. Lucro ao preço de custo atual.'
AS
WITH somas AS (
  SELECT
    mes_pedido AS mes,
    marca,
    count(DISTINCT id_pedido) AS pedidos,
    CAST(sum(quantidade) AS BIGINT) AS unidades,
    CAST(sum(subtotal) AS DECIMAL(18, 2)) AS receita_bruta,
    CAST(sum(desconto_rateado) AS DECIMAL(18, 2)) AS desconto,
    CAST(sum(receita) AS DECIMAL(18, 2)) AS receita,
    CAST(sum(receita) - sum(custo) AS DECIMAL(18, 2)) AS lucro_bruto
  FROM silver.fact_item_pedido
  WHERE valido
  GROUP BY mes_pedido, marca
)
SELECT
  mes,
  marca,
  pedidos,
  unidades,
  receita_bruta,
  desconto,
  receita,
  lucro_bruto,
  CAST(try_divide(receita * 100, sum(receita) OVER (PARTITION BY mes)) AS DECIMAL(7, 2)) AS participacao_pct,
  CAST(try_divide(lucro_bruto * 100, receita) AS DECIMAL(7, 2)) AS margem_pct
FROM somas
