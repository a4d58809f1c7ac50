CREATE OR REFRESH MATERIALIZED VIEW bronze.itenspedido (
  CONSTRAINT chave_presente EXPECT (id IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT subtotal_confere EXPECT (subtotal = quantidade * preco_unitario),
  CONSTRAINT quantidade_positiva EXPECT (quantidade > 0)
)
COMMENT 'Itens dos pedidos, como na origem; linhas que a origem apagou ficam de fora.'
AS
SELECT
  CAST(id AS BIGINT) AS id,
  CAST(id_pedido AS BIGINT) AS id_pedido,
  CAST(id_produto AS BIGINT) AS id_produto,
  CAST(quantidade AS INT) AS quantidade,
  CAST(preco_unitario AS DECIMAL(12, 2)) AS preco_unitario,
  CAST(subtotal AS DECIMAL(12, 2)) AS subtotal,
  CAST(criado_em AS TIMESTAMP) AS criado_em,
  CAST(atualizado_em AS TIMESTAMP) AS atualizado_em
FROM raw.itenspedido
WHERE coalesce(lower(CAST(__hevo__marked_deleted AS STRING)), 'false') NOT IN ('true', '1')
