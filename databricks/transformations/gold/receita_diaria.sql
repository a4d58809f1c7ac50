CREATE OR REFRESH MATERIALIZED VIEW gold.receita_diaria (
  CONSTRAINT chave_presente EXPECT (dia IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT receita_confere EXPECT (receita = receita_bruta + frete - desconto)
)
COMMENT 'Receita por dia de São Paulo. Pedidos pagos, nem cancelados nem devolvidos; receita = produtos + frete - desconto. Clientes distintos não se somam entre linhas.'
AS
SELECT
  dia_pedido AS dia,
  count(*) AS pedidos,
  count(DISTINCT id_cliente) AS clientes,
  CAST(sum(unidades) AS BIGINT) AS unidades,
  CAST(sum(subtotal) AS DECIMAL(18, 2)) AS receita_bruta,
  CAST(sum(valor_desconto) AS DECIMAL(18, 2)) AS desconto,
  CAST(sum(frete) AS DECIMAL(18, 2)) AS frete,
  CAST(sum(total) AS DECIMAL(18, 2)) AS receita,
  CAST(try_divide(sum(total), count(*)) AS DECIMAL(12, 2)) AS ticket_medio
FROM silver.fact_pedido
WHERE valido
GROUP BY dia_pedido
