-- Do primeiro dia do mês mais antigo ao último do ano da data mais recente, ambas tiradas dos pedidos: sem current_date().
CREATE OR REFRESH MATERIALIZED VIEW silver.dim_data (
  CONSTRAINT chave_presente EXPECT (data IS NOT NULL) ON VIOLATION FAIL UPDATE
)
COMMENT 'Um dia por linha, no calendário de São Paulo; semana de segunda (1) a domingo (7); feriados nacionais de data fixa.'
AS
WITH limites AS (
  SELECT
    CAST(date_trunc('MONTH', min(CAST(from_utc_timestamp(data_pedido, 'America/Sao_Paulo') AS DATE))) AS DATE) AS inicio,
    make_date(year(greatest(max(data_prevista), max(CAST(from_utc_timestamp(data_pedido, 'America/Sao_Paulo') AS DATE)))), 12, 31) AS fim
  FROM bronze.pedidos
),
dias AS (
  SELECT explode(sequence(inicio, fim, INTERVAL 1 DAY)) AS data
  FROM limites
  WHERE inicio IS NOT NULL
),
numerados AS (
  SELECT data, month(data) AS mes, day(data) AS dia, pmod(datediff(data, DATE'2024-01-01'), 7) + 1 AS dia_semana
  FROM dias
)
SELECT
  data,
  year(data) AS ano,
  quarter(data) AS trimestre,
  mes,
  CASE mes
    WHEN 1 THEN 'Janeiro' WHEN 2 THEN 'Fevereiro' WHEN 3 THEN 'Março' WHEN 4 THEN 'Abril' WHEN 5 THEN 'Maio'
    WHEN 6 THEN 'Junho' WHEN 7 THEN 'Julho' WHEN 8 THEN 'Agosto' WHEN 9 THEN 'Setembro' WHEN 10 THEN 'Outubro'
    WHEN 11 THEN 'Novembro' ELSE 'Dezembro'
  END AS nome_mes,
  date_format(data, 'yyyy-MM') AS ano_mes,
  dia,
  dia_semana,
  CASE dia_semana
    WHEN 1 THEN 'Segunda' WHEN 2 THEN 'Terça' WHEN 3 THEN 'Quarta' WHEN 4 THEN 'Quinta' WHEN 5 THEN 'Sexta'
    WHEN 6 THEN 'Sábado' ELSE 'Domingo'
  END AS nome_dia_semana,
  dia_semana >= 6 AS fim_de_semana,
  CAST(date_trunc('MONTH', data) AS DATE) AS inicio_mes,
  last_day(data) AS fim_mes,
  coalesce(
    (mes = 1 AND dia = 1) OR (mes = 4 AND dia = 21) OR (mes = 5 AND dia = 1) OR (mes = 9 AND dia = 7)
    OR (mes = 10 AND dia = 12) OR (mes = 11 AND dia IN (2, 15, 20)) OR (mes = 12 AND dia = 25),
    FALSE
  ) AS feriado_nacional_fixo
FROM numerados
