CREATE OR REFRESH MATERIALIZED VIEW gold.cancelamentos (
  CONSTRAINT chave_presente EXPECT (mes IS NOT NULL AND canal_venda IS NOT NULL) ON VIOLATION FAIL UPDATE
)
COMMENT 'Cancelamentos e devoluções por mês do pedido, canal e forma de pagamento; taxas sobre os pedidos realizados que ainda existem na origem.'
AS
SELECT
  mes_pedido AS mes,
  canal_venda,
  forma_pagamento,
  count(*) AS realizados,
  count(*) FILTER (WHERE cancelado) AS cancelados,
  count(*) FILTER (WHERE cancelado AND NOT aprovado) AS cancelados_sem_pagamento,
  count(*) FILTER (WHERE devolvido) AS devolvidos,
  CAST(coalesce(sum(total) FILTER (WHERE cancelado), 0) AS DECIMAL(18, 2)) AS valor_cancelado,
  CAST(coalesce(sum(total) FILTER (WHERE devolvido), 0) AS DECIMAL(18, 2)) AS valor_devolvido,
  CAST(try_divide(100.00 * count(*) FILTER (WHERE cancelado), count(*)) AS DECIMAL(5, 2)) AS cancelamento_pct,
  CAST(try_divide(100.00 * count(*) FILTER (WHERE devolvido), count(*)) AS DECIMAL(5, 2)) AS devolucao_pct
FROM silver.fact_pedido
GROUP BY mes_pedido, canal_venda, forma_pagamento
