-- lint: allow window-without-partition (as notas comparam todos os clientes entre si: a atualização é completa)
-- Nota 5 é a melhor nas três dimensões: a ordem é crescente, e quem comprou por último, mais vezes ou mais valor fica no fim.
CREATE OR REFRESH MATERIALIZED VIEW gold.rfm_clientes (
  CONSTRAINT chave_presente EXPECT (id_cliente IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT notas_de_1_a_5 EXPECT (nota_recencia BETWEEN 1 AND 5 AND nota_frequencia BETWEEN 1 AND 5 AND nota_valor BETWEEN 1 AND 5)
)
CLUSTER BY (id_cliente)
COMMENT 'RFM por cliente em referencia_dia, o último dia com venda nos dados. Notas de 1 a 5, 5 é a melhor; empates decididos pela chave.'
AS
WITH vendas AS (
  SELECT id_cliente, dia_pedido, total
  FROM silver.fact_pedido
  WHERE valido
),
referencia AS (
  SELECT max(dia_pedido) AS referencia_dia
  FROM vendas
),
por_cliente AS (
  SELECT id_cliente, max(dia_pedido) AS ultima_compra, count(*) AS frequencia, CAST(sum(total) AS DECIMAL(18, 2)) AS valor
  FROM vendas
  GROUP BY id_cliente
),
notas AS (
  SELECT
    c.id_cliente,
    r.referencia_dia,
    c.ultima_compra,
    datediff(r.referencia_dia, c.ultima_compra) AS recencia_dias,
    c.frequencia,
    c.valor,
    ntile(5) OVER (ORDER BY c.ultima_compra, c.id_cliente) AS nota_recencia,
    ntile(5) OVER (ORDER BY c.frequencia, c.id_cliente) AS nota_frequencia,
    ntile(5) OVER (ORDER BY c.valor, c.id_cliente) AS nota_valor
  FROM por_cliente c
  CROSS JOIN referencia r
)
SELECT
  id_cliente,
  referencia_dia,
  ultima_compra,
  CAST(recencia_dias AS INT) AS recencia_dias,
  frequencia,
  valor,
  CAST(nota_recencia AS INT) AS nota_recencia,
  CAST(nota_frequencia AS INT) AS nota_frequencia,
  CAST(nota_valor AS INT) AS nota_valor,
  CASE
    WHEN nota_recencia >= 4 AND nota_frequencia >= 4 AND nota_valor >= 4 THEN 'Campeões'
    WHEN nota_recencia >= 3 AND nota_frequencia >= 4 THEN 'Fiéis'
    WHEN nota_recencia >= 4 AND frequencia = 1 THEN 'Recém-chegados'
    WHEN nota_recencia >= 3 THEN 'Promissores'
    WHEN nota_frequencia >= 4 OR nota_valor >= 4 THEN 'Em risco'
    ELSE 'Adormecidos'
  END AS segmento
FROM notas
