CREATE OR REFRESH MATERIALIZED VIEW gold.funil_pedidos (
  CONSTRAINT chave_presente EXPECT (mes IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT funil_decresce EXPECT (realizados >= aprovados AND aprovados >= enviados AND enviados >= entregues)
)
COMMENT 'Funil por mês do pedido: realizados, aprovados, enviados, entregues; cancelados e devolvidos à parte. Pedidos não pagos são apagados na origem algum tempo depois de cancelados e saem daqui também.'
AS
SELECT
  mes_pedido AS mes,
  count(*) AS realizados,
  count(*) FILTER (WHERE aprovado) AS aprovados,
  count(*) FILTER (WHERE enviado) AS enviados,
  count(*) FILTER (WHERE entregue) AS entregues,
  count(*) FILTER (WHERE cancelado) AS cancelados,
  count(*) FILTER (WHERE devolvido) AS devolvidos,
  CAST(try_divide(100.00 * count(*) FILTER (WHERE aprovado), count(*)) AS DECIMAL(5, 2)) AS aprovacao_pct,
  CAST(try_divide(100.00 * count(*) FILTER (WHERE entregue), count(*)) AS DECIMAL(5, 2)) AS entrega_pct,
  CAST(try_divide(100.00 * count(*) FILTER (WHERE cancelado), count(*)) AS DECIMAL(5, 2)) AS cancelamento_pct
FROM silver.fact_pedido
GROUP BY mes_pedido
