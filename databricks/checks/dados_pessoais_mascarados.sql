-- Nenhum dado pessoal em claro na camada silver.
SELECT id_cliente, 'e-mail' AS coluna
FROM silver.dim_cliente
WHERE email_mascarado NOT LIKE '_***@%' OR length(email_hash) <> 64
UNION ALL
SELECT id_cliente, 'CPF'
FROM silver.dim_cliente
WHERE cpf_mascarado NOT LIKE '***.***.***-__'
