-- Itens cujo pedido ainda não chegou, ou já foi apagado: passageiro durante uma carga, nunca depois dela.
SELECT i.id AS id_item, i.id_pedido
FROM bronze.itenspedido i
LEFT JOIN bronze.pedidos p ON p.id = i.id_pedido
WHERE p.id IS NULL
