-- valido: pago e nem cancelado nem devolvido; é o que as tabelas gold chamam de venda.
CREATE OR REFRESH MATERIALIZED VIEW silver.fact_pedido (
  CONSTRAINT chave_presente EXPECT (id_pedido IS NOT NULL) ON VIOLATION FAIL UPDATE,
  CONSTRAINT descricoes_presentes EXPECT (status IS NOT NULL AND canal_venda IS NOT NULL AND forma_pagamento IS NOT NULL),
  CONSTRAINT tem_itens EXPECT (quantidade_itens > 0),
  CONSTRAINT itens_conferem EXPECT (subtotal = subtotal_itens),
  CONSTRAINT duracoes_nao_negativas EXPECT (
    coalesce(segundos_aprovacao, 0) >= 0 AND coalesce(segundos_preparo, 0) >= 0
    AND coalesce(segundos_transporte, 0) >= 0
  )
)
CLUSTER BY (dia_pedido)
COMMENT 'Um pedido por linha: descrições, valores, datas em UTC e dias de São Paulo, durações em segundos, prazo prometido contra o real.'
AS
WITH itens AS (
  SELECT
    id_pedido,
    count(*) AS quantidade_itens,
    sum(quantidade) AS unidades,
    sum(subtotal) AS subtotal_itens
  FROM bronze.itenspedido
  GROUP BY id_pedido
),
pedidos AS (
  SELECT
    p.*,
    CAST(from_utc_timestamp(p.data_pedido, 'America/Sao_Paulo') AS DATE) AS dia_pedido,
    CAST(from_utc_timestamp(p.data_entrega, 'America/Sao_Paulo') AS DATE) AS dia_entrega,
    hour(from_utc_timestamp(p.data_pedido, 'America/Sao_Paulo')) AS hora_pedido
  FROM bronze.pedidos p
)
SELECT
  p.id AS id_pedido,
  p.id_cliente,
  p.data_pedido,
  p.dia_pedido,
  CAST(date_trunc('MONTH', p.dia_pedido) AS DATE) AS mes_pedido,
  p.hora_pedido,
  p.id_status,
  s.nome AS status,
  cv.nome AS canal_venda,
  fp.nome AS forma_pagamento,
  p.parcelas,
  coalesce(c.estado, '??') AS estado,
  coalesce(c.regiao, 'Não informada') AS regiao,
  coalesce(c.macrorregiao, 'Não informada') AS macrorregiao,
  CAST(coalesce(i.quantidade_itens, 0) AS INT) AS quantidade_itens,
  CAST(coalesce(i.unidades, 0) AS INT) AS unidades,
  CAST(coalesce(i.subtotal_itens, 0) AS DECIMAL(18, 2)) AS subtotal_itens,
  p.subtotal,
  p.frete,
  p.valor_desconto,
  p.total,
  p.data_aprovacao,
  p.data_envio,
  p.data_entrega,
  p.data_prevista,
  p.dia_entrega,
  (unix_micros(p.data_aprovacao) - unix_micros(p.data_pedido)) DIV 1000000 AS segundos_aprovacao,
  (unix_micros(p.data_envio) - unix_micros(p.data_aprovacao)) DIV 1000000 AS segundos_preparo,
  (unix_micros(p.data_entrega) - unix_micros(p.data_envio)) DIV 1000000 AS segundos_transporte,
  (unix_micros(p.data_entrega) - unix_micros(p.data_pedido)) DIV 1000000 AS segundos_entrega,
  datediff(p.data_prevista, p.dia_pedido) AS dias_prometidos,
  datediff(p.dia_entrega, p.data_prevista) AS dias_atraso,
  p.dia_entrega > p.data_prevista AS atrasado,
  p.data_aprovacao IS NOT NULL AS aprovado,
  p.data_envio IS NOT NULL AS enviado,
  coalesce(e.nome = 'Sim', FALSE) AS entregue,
  p.id_status = 5 AS cancelado,
  p.id_status = 6 AS devolvido,
  p.data_aprovacao IS NOT NULL AND p.id_status NOT IN (5, 6) AS valido,
  p.criado_em,
  p.atualizado_em
FROM pedidos p
LEFT JOIN itens i ON i.id_pedido = p.id
LEFT JOIN bronze.status s ON s.id = p.id_status
LEFT JOIN bronze.canalvenda cv ON cv.id = p.id_canalvenda
LEFT JOIN bronze.formapagamento fp ON fp.id = p.id_forma_pagamento
LEFT JOIN bronze.entregue e ON e.id = p.id_entregue
LEFT JOIN silver.dim_cliente c ON c.id_cliente = p.id_cliente
