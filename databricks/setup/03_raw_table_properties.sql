-- With and without the bundle, once the loader has made the tables: what incremental refresh of the materialized views
-- wants of them. Without it they still refresh, in full.

ALTER TABLE lakehouse.raw.clientes SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.produtos SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.pedidos SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.itenspedido SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.status SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.formapagamento SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.canalvenda SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.categorias SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.marcas SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.generocliente SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.generoproduto SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.estadocivil SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.emailmarketing SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);

ALTER TABLE lakehouse.raw.entregue SET TBLPROPERTIES (
  'delta.enableRowTracking' = 'true',
  'delta.enableChangeDataFeed' = 'true',
  'delta.enableDeletionVectors' = 'true'
);
