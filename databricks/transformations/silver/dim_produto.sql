CREATE OR REFRESH MATERIALIZED VIEW silver.dim_produto (
  CONSTRAINT chave_presente EXPECT (id_produto IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT descricoes_presentes EXPECT (categoria IS NOT NULL AND marca IS NOT NULL AND genero IS NOT NULL)
)
CLUSTER BY (id_produto)
COMMENT 'Um produto por linha, com categoria, marca e gênero por nome, preço, custo e estoque atuais.'
AS
SELECT
  p.id AS id_produto,
  p.sku,
  p.nome,
  p.descricao,
  ca.nome AS categoria,
  m.nome AS marca,
  p.modelo,
  g.nome AS genero,
  p.cor,
  p.tamanho,
  p.preco,
  p.preco_custo,
  p.margem,
  p.estoque,
  CAST(p.estoque * p.preco_custo AS DECIMAL(18, 2)) AS valor_estoque_custo,
  CAST(p.estoque * p.preco AS DECIMAL(18, 2)) AS valor_estoque_venda,
  p.criado_em,
  p.atualizado_em
FROM bronze.produtos p
LEFT JOIN bronze.categorias ca ON ca.id = p.id_categoria
LEFT JOIN bronze.marcas m ON m.id = p.id_marca
LEFT JOIN bronze.generoproduto g ON g.id = p.id_genero
