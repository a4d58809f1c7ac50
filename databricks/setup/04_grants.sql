-- Without the bundle: who reads what. Privileges on a schema hold for all its tables, those of tomorrow included.
GRANT USE CATALOG ON CATALOG lakehouse TO `data_engineers`;
GRANT USE CATALOG ON CATALOG lakehouse TO `data_analysts`;
GRANT USE CATALOG ON CATALOG lakehouse TO `data_scientists`;
GRANT USE CATALOG ON CATALOG lakehouse TO `business_users`;

-- data_engineers: all layers (raw: 02_raw.sql)
GRANT USE SCHEMA, SELECT, MODIFY, CREATE TABLE, CREATE MATERIALIZED VIEW, REFRESH ON SCHEMA lakehouse.bronze TO `data_engineers`;
GRANT USE SCHEMA, SELECT, MODIFY, CREATE TABLE, CREATE MATERIALIZED VIEW, REFRESH ON SCHEMA lakehouse.silver TO `data_engineers`;
GRANT USE SCHEMA, SELECT, MODIFY, CREATE TABLE, CREATE MATERIALIZED VIEW, REFRESH ON SCHEMA lakehouse.gold TO `data_engineers`;

-- data_analysts: bronze up
GRANT USE SCHEMA, SELECT ON SCHEMA lakehouse.bronze TO `data_analysts`;
GRANT USE SCHEMA, SELECT ON SCHEMA lakehouse.silver TO `data_analysts`;
GRANT USE SCHEMA, SELECT ON SCHEMA lakehouse.gold TO `data_analysts`;

-- data_scientists: silver up
GRANT USE SCHEMA, SELECT ON SCHEMA lakehouse.silver TO `data_scientists`;
GRANT USE SCHEMA, SELECT ON SCHEMA lakehouse.gold TO `data_scientists`;

-- business_users: gold
GRANT USE SCHEMA, SELECT ON SCHEMA lakehouse.gold TO `business_users`;
