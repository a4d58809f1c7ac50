-- Contém dados pessoais em claro: por isso só data_engineers e data_analysts leem a camada bronze.
CREATE OR REFRESH MATERIALIZED VIEW bronze.clientes (
  CONSTRAINT chave_presente EXPECT (id IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT estado_valido EXPECT (estado IS NOT NULL AND length(estado) = 2),
  CONSTRAINT email_com_arroba EXPECT (email IS NOT NULL AND email LIKE '%@%'),
  CONSTRAINT data_plausivel EXPECT (year(data_cadastro) BETWEEN 2000 AND 2100)
)
COMMENT 'Clientes, como na origem, com dados pessoais em claro; linhas que a origem apagou ficam de fora.'
AS
SELECT
  CAST(id AS BIGINT) AS id,
  CAST(nome AS STRING) AS nome,
  CAST(sobrenome AS STRING) AS sobrenome,
  CAST(id_genero AS INT) AS id_genero,
  CAST(id_estadocivil AS INT) AS id_estadocivil,
  CAST(email AS STRING) AS email,
  CAST(cpf AS STRING) AS cpf,
  CAST(telefone AS STRING) AS telefone,
  CAST(endereco AS STRING) AS endereco,
  CAST(bairro AS STRING) AS bairro,
  CAST(cidade AS STRING) AS cidade,
  CAST(estado AS STRING) AS estado,
  CAST(cep AS STRING) AS cep,
  CAST(data_cadastro AS DATE) AS data_cadastro,
  CAST(id_emailmarketing AS INT) AS id_emailmarketing,
  CAST(criado_em AS TIMESTAMP) AS criado_em,
  CAST(atualizado_em AS TIMESTAMP) AS atualizado_em
FROM raw.clientes
WHERE coalesce(lower(CAST(__hevo__marked_deleted AS STRING)), 'false') NOT IN ('true', '1')
