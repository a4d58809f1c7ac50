-- With and without the bundle: the schema that the loader fills. Give the loader's own user USE SCHEMA, CREATE TABLE,
-- SELECT and MODIFY on it. No bundle owns it, so that no `bundle destroy` can take it away.
CREATE SCHEMA IF NOT EXISTS lakehouse.raw
COMMENT 'Tabelas da origem como o Hevo as deixa: atualizadas no lugar, linhas apagadas marcadas em __hevo__marked_deleted';

GRANT USE CATALOG ON CATALOG lakehouse TO `data_engineers`;
GRANT USE SCHEMA, SELECT, MODIFY, CREATE TABLE ON SCHEMA lakehouse.raw TO `data_engineers`;
