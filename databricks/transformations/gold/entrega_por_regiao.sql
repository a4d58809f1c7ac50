CREATE OR REFRESH MATERIALIZED VIEW gold.entrega_por_regiao (
  CONSTRAINT chave_presente EXPECT (regiao IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT taxa_de_0_a_100 EXPECT (atraso_pct BETWEEN 0 AND 100)
)
COMMENT 'Prazos e atrasos por mês do pedido e região. Só pedidos entregues, fora a Loja Física, que entrega no balcão; atrasada: dia da entrega em São Paulo depois do prometido. Médias e percentis não se somam entre linhas.'
AS
SELECT
  mes_pedido AS mes,
  regiao,
  count(*) AS entregas,
  CAST(try_divide(CAST(sum(segundos_entrega) AS DECIMAL(18, 0)), 86400 * count(*)) AS DECIMAL(9, 2)) AS dias_entrega_media,
  CAST(try_divide(CAST(percentile_disc(0.9) WITHIN GROUP (ORDER BY segundos_entrega) AS DECIMAL(18, 0)), 86400) AS DECIMAL(9, 2)) AS dias_entrega_p90,
  CAST(try_divide(CAST(sum(segundos_transporte) AS DECIMAL(18, 0)), 86400 * count(*)) AS DECIMAL(9, 2)) AS dias_transporte_media,
  CAST(try_divide(CAST(sum(dias_prometidos) AS DECIMAL(18, 0)), count(*)) AS DECIMAL(9, 2)) AS dias_prometidos_media,
  count(*) FILTER (WHERE atrasado) AS atrasadas,
  CAST(try_divide(100.00 * count(*) FILTER (WHERE atrasado), count(*)) AS DECIMAL(5, 2)) AS atraso_pct,
  CAST(try_divide(100.00 * count(*) FILTER (WHERE NOT atrasado), count(*)) AS DECIMAL(5, 2)) AS no_prazo_pct
FROM silver.fact_pedido
WHERE entregue AND canal_venda <> 'Loja Física'
GROUP BY mes_pedido, regiao
