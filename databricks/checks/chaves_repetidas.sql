-- Chaves repetidas em raw: o carregador teria anexado em vez de atualizar.
WITH chaves AS (
  SELECT 'clientes' AS tabela, id FROM raw.clientes
  UNION ALL SELECT 'produtos', id FROM raw.produtos
  UNION ALL SELECT 'pedidos', id FROM raw.pedidos
  UNION ALL SELECT 'itenspedido', id FROM raw.itenspedido
)
SELECT tabela, id, count(*) AS vezes
FROM chaves
GROUP BY tabela, id
HAVING count(*) > 1
