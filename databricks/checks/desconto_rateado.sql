-- O rateio distribui o desconto inteiro, e itens mais frete fazem o total do pedido.
WITH itens AS (
  SELECT id_pedido, sum(desconto_rateado) AS desconto, sum(receita) AS receita
  FROM silver.fact_item_pedido
  GROUP BY id_pedido
)
SELECT p.id_pedido, p.valor_desconto, i.desconto, p.total, i.receita
FROM silver.fact_pedido p
JOIN itens i ON i.id_pedido = p.id_pedido
WHERE i.desconto <> p.valor_desconto OR i.receita + p.frete <> p.total
