CREATE OR REFRESH MATERIALIZED VIEW bronze.produtos (
  CONSTRAINT chave_presente EXPECT (id IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT preco_positivo EXPECT (preco > 0 AND preco_custo > 0),
  CONSTRAINT estoque_nao_negativo EXPECT (estoque >= 0)
)
COMMENT 'Produtos, como na origem; linhas que a origem apagou ficam de fora.'
AS
SELECT
  CAST(id AS BIGINT) AS id,
  CAST(sku AS STRING) AS sku,
  CAST(nome AS STRING) AS nome,
  CAST(descricao AS STRING) AS descricao,
  CAST(preco AS DECIMAL(12, 2)) AS preco,
  CAST(preco_custo AS DECIMAL(12, 2)) AS preco_custo,
  CAST(margem AS DECIMAL(12, 2)) AS margem,
  CAST(tamanho AS INT) AS tamanho,
  CAST(estoque AS INT) AS estoque,
  CAST(id_categoria AS INT) AS id_categoria,
  CAST(id_marca AS INT) AS id_marca,
  CAST(modelo AS STRING) AS modelo,
  CAST(id_genero AS INT) AS id_genero,
  CAST(cor AS STRING) AS cor,
  CAST(criado_em AS TIMESTAMP) AS criado_em,
  CAST(atualizado_em AS TIMESTAMP) AS atualizado_em
FROM raw.produtos
WHERE coalesce(lower(CAST(__hevo__marked_deleted AS STRING)), 'false') NOT IN ('true', '1')
