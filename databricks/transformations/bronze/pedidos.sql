CREATE OR REFRESH MATERIALIZED VIEW bronze.pedidos (
  CONSTRAINT chave_presente EXPECT (id IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT total_confere EXPECT (total = subtotal + frete - valor_desconto),
  CONSTRAINT data_plausivel EXPECT (year(data_pedido) BETWEEN 2000 AND 2100),
  CONSTRAINT entrega_com_data EXPECT ((id_entregue = 1) = (data_entrega IS NOT NULL))
)
COMMENT 'Pedidos, como na origem, horários em UTC; linhas que a origem apagou ficam de fora.'
AS
SELECT
  CAST(id AS BIGINT) AS id,
  CAST(id_cliente AS BIGINT) AS id_cliente,
  CAST(data_pedido AS TIMESTAMP) AS data_pedido,
  CAST(id_canalvenda AS INT) AS id_canalvenda,
  CAST(id_forma_pagamento AS INT) AS id_forma_pagamento,
  CAST(parcelas AS INT) AS parcelas,
  CAST(id_status AS INT) AS id_status,
  CAST(subtotal AS DECIMAL(12, 2)) AS subtotal,
  CAST(frete AS DECIMAL(12, 2)) AS frete,
  CAST(valor_desconto AS DECIMAL(12, 2)) AS valor_desconto,
  CAST(total AS DECIMAL(12, 2)) AS total,
  CAST(endereco_entrega AS STRING) AS endereco_entrega,
  CAST(data_prevista AS DATE) AS data_prevista,
  CAST(data_aprovacao AS TIMESTAMP) AS data_aprovacao,
  CAST(data_envio AS TIMESTAMP) AS data_envio,
  CAST(data_entrega AS TIMESTAMP) AS data_entrega,
  CAST(id_entregue AS INT) AS id_entregue,
  CAST(criado_em AS TIMESTAMP) AS criado_em,
  CAST(atualizado_em AS TIMESTAMP) AS atualizado_em
FROM raw.pedidos
WHERE coalesce(lower(CAST(__hevo__marked_deleted AS STRING)), 'false') NOT IN ('true', '1')
