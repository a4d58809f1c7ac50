-- Dados pessoais mascarados de forma fixa: quem precisa deles em claro lê bronze.clientes.
CREATE OR REFRESH MATERIALIZED VIEW silver.dim_cliente (
  CONSTRAINT chave_presente EXPECT (id_cliente IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT regiao_conhecida EXPECT (regiao <> 'Não informada')
)
CLUSTER BY (id_cliente)
COMMENT 'Um cliente por linha: nome, perfil, estado, região do IBGE e macrorregião comercial; sobrenome, e-mail, CPF e telefone mascarados.'
AS
WITH estados AS (
  SELECT uf, nome_estado, regiao
  FROM (VALUES
    ('AC', 'Acre', 'Norte'), ('AM', 'Amazonas', 'Norte'), ('AP', 'Amapá', 'Norte'), ('PA', 'Pará', 'Norte'),
    ('RO', 'Rondônia', 'Norte'), ('RR', 'Roraima', 'Norte'), ('TO', 'Tocantins', 'Norte'),
    ('AL', 'Alagoas', 'Nordeste'), ('BA', 'Bahia', 'Nordeste'), ('CE', 'Ceará', 'Nordeste'),
    ('MA', 'Maranhão', 'Nordeste'), ('PB', 'Paraíba', 'Nordeste'), ('PE', 'Pernambuco', 'Nordeste'),
    ('PI', 'Piauí', 'Nordeste'), ('RN', 'Rio Grande do Norte', 'Nordeste'), ('SE', 'Sergipe', 'Nordeste'),
    ('DF', 'Distrito Federal', 'Centro-Oeste'), ('GO', 'Goiás', 'Centro-Oeste'),
    ('MS', 'Mato Grosso do Sul', 'Centro-Oeste'), ('MT', 'Mato Grosso', 'Centro-Oeste'),
    ('ES', 'Espírito Santo', 'Sudeste'), ('MG', 'Minas Gerais', 'Sudeste'), ('RJ', 'Rio de Janeiro', 'Sudeste'),
    ('SP', 'São Paulo', 'Sudeste'),
    ('PR', 'Paraná', 'Sul'), ('RS', 'Rio Grande do Sul', 'Sul'), ('SC', 'Santa Catarina', 'Sul')
  ) AS e(uf, nome_estado, regiao)
)
SELECT
  c.id AS id_cliente,
  c.nome,
  concat_ws('', left(c.sobrenome, 1), '***') AS sobrenome_mascarado,
  g.nome AS genero,
  ec.nome AS estado_civil,
  concat_ws('', left(c.email, 1), '***@', split_part(c.email, '@', 2)) AS email_mascarado,
  sha2(lower(c.email), 256) AS email_hash,
  concat_ws('', '***.***.***-', right(c.cpf, 2)) AS cpf_mascarado,
  concat_ws('', '*****-', right(c.telefone, 4)) AS telefone_mascarado,
  c.cidade,
  c.estado,
  coalesce(e.nome_estado, c.estado) AS nome_estado,
  coalesce(e.regiao, 'Não informada') AS regiao,
  CASE
    WHEN e.regiao IN ('Norte', 'Nordeste') THEN 'Norte-Nordeste'
    WHEN e.regiao IN ('Sul', 'Sudeste', 'Centro-Oeste') THEN 'Centro-Sul'
    ELSE 'Não informada'
  END AS macrorregiao,
  left(c.cep, 5) AS cep_prefixo,
  c.data_cadastro,
  coalesce(em.nome = 'Sim', FALSE) AS aceita_email_marketing,
  c.criado_em,
  c.atualizado_em
FROM bronze.clientes c
LEFT JOIN bronze.generocliente g ON g.id = c.id_genero
LEFT JOIN bronze.estadocivil ec ON ec.id = c.id_estadocivil
LEFT JOIN bronze.emailmarketing em ON em.id = c.id_emailmarketing
LEFT JOIN estados e ON e.uf = c.estado
