/**
 * Functions of Databricks that DuckDB lacks or computes otherwise, as temporary macros: they live with the connection
 * and never enter a database file.
 *
 * `exact_divide` stands for `try_divide`: DuckDB divides decimals as DOUBLE, where 246.91 / 2 may round to either
 * cent. It keeps six digits, cut off and not rounded, so that the cast around it (to five digits at most) rounds once,
 * half away from zero, as Databricks and PostgreSQL do. Operands: up to four decimal places. Both are counted in
 * ten-thousandths as whole numbers, exactly: a DOUBLE holds them below 2^53, and larger ones go the slow way.
 */
const macros: readonly (readonly [signature: string, body: string])[] = [
  ['tenthousandths(a)', 'CAST(round(CAST(a AS DOUBLE) * 10000) AS BIGINT)'],
  ['tenthousandths_wide(a)', 'CAST(CAST(a AS DECIMAL(33,4)) * 10000 AS HUGEINT)'],
  [
    'quotient(x, y)',
    'CAST(x // y AS DECIMAL(20,0)) + CAST(((x % y) * 1000000) // y AS DECIMAL(6,0)) * CAST(0.000001 AS DECIMAL(7,6))',
  ],
  [
    'exact_divide(a, b)',
    `CASE WHEN b = 0 THEN NULL
      WHEN abs(a) < 900000000000 AND abs(b) < 900000000 THEN quotient(tenthousandths(a), tenthousandths(b))
      ELSE quotient(tenthousandths_wide(a), tenthousandths_wide(b)) END`,
  ],
  ['from_utc_timestamp(t, zone)', 'CAST(t AS TIMESTAMPTZ) AT TIME ZONE zone'],
  ['unix_micros(t)', 'epoch_us(t)'],
  ['unix_seconds(t)', 'CAST(floor(epoch(t)) AS BIGINT)'],
  ['pmod(a, n)', '((a % n) + n) % n'],
  ['sha2(s, bits)', "CASE WHEN bits IN (0, 256) THEN sha256(s) ELSE error('sha2: only 256 bits') END"],
  ['array_join(list, separator)', 'array_to_string(list, separator)'],
  ['element_at(list, nth)', 'list_extract(list, nth)'],
  ['get_json_object(json, path)', 'json_extract_string(json, path)'],
  [
    'conv(digits, from_base, to_base)',
    `CASE WHEN from_base = 16 AND to_base = 10 THEN CAST(CAST('0x' || digits AS UBIGINT) AS VARCHAR) ELSE error('conv: only from 16 to 10') END`,
  ],
  [
    'sequence(first, last, step)',
    'CAST(generate_series(CAST(first AS TIMESTAMP), CAST(last AS TIMESTAMP), step) AS DATE[])',
  ],
];

/** Creates the macros on one connection. */
export const macrosSql = macros
  .map(([signature, body]) => `CREATE OR REPLACE TEMP MACRO ${signature} AS ${body};`)
  .join('\n');
