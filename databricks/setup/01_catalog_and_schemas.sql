-- Without the bundle: makes the catalog and the schemas above raw. Run in the SQL editor as one who may create catalogs.
CREATE CATALOG IF NOT EXISTS lakehouse
COMMENT 'Loja de tênis, da origem (raw, carregada pelo Hevo) aos indicadores (gold)';

CREATE SCHEMA IF NOT EXISTS lakehouse.bronze
COMMENT 'Tabelas da origem sem as colunas do Hevo e sem linhas apagadas; dados pessoais em claro';

CREATE SCHEMA IF NOT EXISTS lakehouse.silver
COMMENT 'Dimensões e fatos descritos por nome; dados pessoais mascarados';

CREATE SCHEMA IF NOT EXISTS lakehouse.gold
COMMENT 'Indicadores prontos para painéis';
