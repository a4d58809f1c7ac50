-- Pedidos sem itens, cujo subtotal não é a soma dos itens, ou cujo total não fecha.
SELECT id_pedido, quantidade_itens, subtotal, subtotal_itens, frete, valor_desconto, total
FROM silver.fact_pedido
WHERE quantidade_itens = 0 OR subtotal <> subtotal_itens OR total <> subtotal + frete - valor_desconto
