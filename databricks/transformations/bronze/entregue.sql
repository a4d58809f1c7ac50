CREATE OR REFRESH MATERIALIZED VIEW bronze.entregue (
  CONSTRAINT chave_presente EXPECT (id IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT nome_presente EXPECT (nome IS NOT NULL AND trim(nome) <> '')
)
COMMENT 'Pedido entregue (Sim, Não), como na origem; linhas que a origem apagou ficam de fora.'
AS
SELECT
  CAST(id AS INT) AS id,
  CAST(nome AS STRING) AS nome,
  CAST(criado_em AS TIMESTAMP) AS criado_em,
  CAST(atualizado_em AS TIMESTAMP) AS atualizado_em
FROM raw.entregue
-- o tipo desta coluna varia entre os produtos do Hevo (booleano, inteiro); NULL e falso querem dizer: viva
WHERE coalesce(lower(CAST(__hevo__marked_deleted AS STRING)), 'false') NOT IN ('true', '1')
