-- A receita é a mesma vista por dia, mês, região, canal, pagamento; por categoria e marca, menos o frete.
WITH totais AS (
  SELECT 'dia' AS visao, sum(receita) AS receita, sum(frete) AS frete FROM gold.receita_diaria
  UNION ALL SELECT 'mes', sum(receita), sum(frete) FROM gold.receita_mensal
  UNION ALL SELECT 'regiao', sum(receita), sum(frete) FROM gold.receita_por_regiao
  UNION ALL SELECT 'canal', sum(receita), sum(frete) FROM gold.receita_por_canal
  UNION ALL SELECT 'pagamento', sum(receita), sum(frete) FROM gold.receita_por_pagamento
  UNION ALL SELECT 'categoria', sum(receita), 0 FROM gold.receita_por_categoria
  UNION ALL SELECT 'marca', sum(receita), 0 FROM gold.receita_por_marca
),
esperado AS (
  SELECT sum(total) AS receita, sum(frete) AS frete
  FROM silver.fact_pedido
  WHERE valido
)
SELECT t.visao, t.receita, e.receita AS receita_esperada
FROM totais t
CROSS JOIN esperado e
WHERE (t.visao NOT IN ('categoria', 'marca') AND t.receita <> e.receita)
  OR (t.visao IN ('categoria', 'marca') AND t.receita <> e.receita - e.frete)
