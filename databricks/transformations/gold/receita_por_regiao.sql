CREATE OR REFRESH MATERIALIZED VIEW gold.receita_por_regiao (
  CONSTRAINT chave_presente EXPECT (mes IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT receita_confere EXPECT (receita = receita_bruta + frete - desconto)
)
COMMENT 'Receita por mês e estado do cliente, com região do IBGE e macrorregião comercial. Pedidos pagos, nem cancelados nem devolvidos; receita = produtos + frete - desconto. Clientes distintos não se somam entre linhas.'
AS
SELECT
  mes_pedido AS mes,
  macrorregiao,
  regiao,
  estado,
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
GROUP BY mes_pedido, macrorregiao, regiao, estado
