-- Pedidos cujo cliente não existe em bronze.
SELECT p.id AS id_pedido, p.id_cliente
FROM bronze.pedidos p
LEFT JOIN bronze.clientes c ON c.id = p.id_cliente
WHERE c.id IS NULL
