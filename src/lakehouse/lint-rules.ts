import { closingBracket, isSymbol, isWord, type Token } from './transform/lexer.ts';

/** Where a statement comes from: some traps matter in a pipeline alone. */
export type StatementKind = 'transformation' | 'check' | 'dataset';

export interface LintRule {
  readonly name: string;
  /** Why this must not be written, and what to write. */
  readonly reason: string;
  /** Default: everywhere. */
  readonly only?: readonly StatementKind[];
  /** The offending tokens. Gets the tokens without comments. */
  find(tokens: readonly Token[], file: string): Token[];
}

/** A call of one of the functions, with what it is given. */
interface Call {
  readonly token: Token;
  readonly index: number;
  readonly close: number;
  readonly argumentCount: number;
}

function calls(tokens: readonly Token[], ...names: readonly string[]): Call[] {
  const found: Call[] = [];
  tokens.forEach((token, index) => {
    if (!isWord(token, ...names) || !isSymbol(tokens[index + 1], '(')) return;
    const close = closingBracket(tokens, index + 1);
    found.push({ token, index, close, argumentCount: countArguments(tokens.slice(index + 2, close)) });
  });
  return found;
}

function countArguments(inside: readonly Token[]): number {
  let depth = 0;
  let count = inside.length === 0 ? 0 : 1;
  for (const token of inside) {
    if (isSymbol(token, '(')) depth += 1;
    if (isSymbol(token, ')')) depth -= 1;
    if (depth === 0 && isSymbol(token, ',')) count += 1;
  }
  return count;
}

const called =
  (...names: readonly string[]) =>
  (tokens: readonly Token[]): Token[] =>
    calls(tokens, ...names).map((call) => call.token);

const words =
  (...names: readonly string[]) =>
  (tokens: readonly Token[]): Token[] =>
    tokens.filter((token) => isWord(token, ...names));

/** `CAST(try_divide(…) AS DECIMAL…)`: nothing between the quotient and its rounding. */
function castToDecimal(tokens: readonly Token[], call: Call): boolean {
  return (
    isSymbol(tokens[call.index - 1], '(') &&
    isWord(tokens[call.index - 2], 'CAST') &&
    isWord(tokens[call.close + 1], 'AS') &&
    isWord(tokens[call.close + 2], 'DECIMAL')
  );
}

/** Where Databricks and DuckDB give different answers, and nothing says so. */
const differences: readonly LintRule[] = [
  {
    name: 'three-argument-datediff',
    reason:
      'counts elapsed units on Databricks and crossed boundaries on DuckDB: write datediff(end, start) in days, or the difference of unix_micros',
    find: (tokens) => [
      ...calls(tokens, 'DATEDIFF', 'DATE_DIFF')
        .filter((call) => call.argumentCount !== 2)
        .map((call) => call.token),
      ...called('TIMESTAMPDIFF', 'TIMEDIFF')(tokens),
    ],
  },
  {
    name: 'day-of-week',
    reason:
      "numbers the days differently: write pmod(datediff(d, DATE'2024-01-01'), 7) + 1, where Monday is 1",
    find: (tokens) => [
      ...called('DAYOFWEEK', 'WEEKDAY', 'DAYNAME')(tokens),
      ...words('DAYOFWEEK_ISO', 'DOW', 'ISODOW')(tokens),
    ],
  },
  {
    name: 'date-format-e',
    reason: 'names of days (E) follow other patterns and languages: write CASE over the number of the day',
    find: (tokens) =>
      calls(tokens, 'DATE_FORMAT', 'TO_CHAR')
        .filter((call) =>
          tokens
            .slice(call.index, call.close)
            .some((token) => token.kind === 'string' && /[EuFa]/.test(token.text)),
        )
        .map((call) => call.token),
  },
  {
    name: 'null-concat',
    reason: 'concat and || give NULL with a NULL on one engine and not on the other: write concat_ws',
    find: (tokens) => [...called('CONCAT')(tokens), ...tokens.filter((token) => isSymbol(token, '||'))],
  },
  {
    name: 'percentile',
    reason:
      'interpolates or approximates, and through floats for decimals: write percentile_disc over a whole number, and cast the result',
    find: called('PERCENTILE', 'PERCENTILE_APPROX', 'APPROX_PERCENTILE', 'PERCENTILE_CONT', 'MEDIAN'),
  },
  {
    name: 'months-between',
    reason: 'counts times of day on Databricks alone: write (year - year) * 12 + month - month over dates',
    find: called('MONTHS_BETWEEN'),
  },
  {
    name: 'hidden-cast-error',
    reason:
      'try_cast and :: turn a value that does not fit into NULL or differ in it: write CAST, and expect NULL by a constraint',
    find: (tokens) => [
      ...called('TRY_CAST', 'TRY_TO_NUMBER', 'TRY_TO_TIMESTAMP')(tokens),
      ...tokens.filter((token) => isSymbol(token, '::')),
    ],
  },
  {
    name: 'decimal-division',
    reason: 'DuckDB divides decimals as DOUBLE: write CAST(try_divide(a, b) AS DECIMAL(p, s))',
    find: (tokens) => tokens.filter((token) => isSymbol(token, '/')),
  },
  {
    name: 'uncast-quotient',
    reason:
      'a quotient has other digits on each engine: put CAST(… AS DECIMAL(p, s)) right around try_divide',
    find: (tokens) =>
      calls(tokens, 'TRY_DIVIDE')
        .filter((call) => !castToDecimal(tokens, call))
        .map((call) => call.token),
  },
  {
    name: 'float',
    reason:
      'money and rates are DECIMAL; avg gives a DOUBLE on DuckDB: write CAST(try_divide(sum(x), count(*)) AS DECIMAL(p, s))',
    find: (tokens) => [...called('AVG', 'MEAN')(tokens), ...words('DOUBLE', 'FLOAT', 'REAL')(tokens)],
  },
  {
    name: 'count-if',
    reason: 'is BIGINT on Databricks and HUGEINT on DuckDB: write count(*) FILTER (WHERE …)',
    find: called('COUNT_IF'),
  },
  {
    name: 'double-quotes',
    reason: 'make a string on Databricks and a name elsewhere: write single quotes, or backticks for a name',
    find: (tokens) => tokens.filter((token) => token.kind === 'string' && token.text.startsWith('"')),
  },
];

/** What one of the engines, or the translator, cannot do. */
const impossibilities: readonly LintRule[] = [
  {
    name: 'trunc-date',
    reason: "trunc(d, 'MM') is unknown to DuckDB: write CAST(date_trunc('MONTH', d) AS DATE)",
    find: called('TRUNC'),
  },
  {
    name: 'bracketed-now',
    reason: 'current_timestamp() with brackets is unknown to DuckDB: write current_timestamp',
    find: called('CURRENT_TIMESTAMP', 'CURRENT_DATE', 'NOW'),
  },
  {
    name: 'anti-join',
    reason: 'LEFT ANTI and LEFT SEMI JOIN are not translated: write NOT EXISTS or EXISTS',
    find: words('ANTI', 'SEMI'),
  },
  {
    name: 'untranslatable',
    reason: 'has no counterpart in DuckDB, or another meaning',
    find: (tokens) => [
      ...called('UNIX_TIMESTAMP', 'STACK', 'POSEXPLODE', 'XXHASH64', 'HASH')(tokens),
      ...words('MERGE', 'IDENTITY')(tokens),
    ],
  },
];

/** What does not belong into a pipeline of materialized views over tables that are updated in place. */
const pipelines: readonly LintRule[] = [
  {
    name: 'clock-in-view',
    reason:
      'current_date and current_timestamp force a full refresh and make yesterday unrepeatable: take the date from the data',
    only: ['transformation'],
    find: words('CURRENT_DATE', 'CURRENT_TIMESTAMP', 'NOW', 'LOCALTIMESTAMP', 'CURDATE'),
  },
  {
    name: 'window-without-partition',
    reason: 'OVER without PARTITION BY forces a full refresh: partition it, or allow it with a reason',
    only: ['transformation'],
    find: (tokens) =>
      calls(tokens, 'OVER')
        .filter((call) => !isWord(tokens[call.index + 2], 'PARTITION'))
        .map((call) => call.token),
  },
  {
    name: 'pivot',
    reason: 'PIVOT is not supported in a pipeline: write sum(…) FILTER (WHERE …)',
    only: ['transformation'],
    find: words('PIVOT', 'UNPIVOT'),
  },
  {
    name: 'streaming-read',
    reason: 'raw is updated in place: a streaming read fails on updates, or skips them in silence',
    find: (tokens) => [...words('STREAM', 'STREAMING')(tokens), ...called('READ_STREAM')(tokens)],
  },
  {
    name: 'live-prefix',
    reason: 'LIVE. is of the old publishing mode: write schema.table',
    find: (tokens) => tokens.filter((token, i) => isWord(token, 'LIVE') && isSymbol(tokens[i + 1], '.')),
  },
  {
    name: 'raw-above-bronze',
    reason: 'only bronze knows raw, and the columns that the loader adds',
    only: ['transformation'],
    find: (tokens, file) =>
      file.startsWith('bronze/')
        ? []
        : tokens.filter(
            (token, i) =>
              (isWord(token, 'RAW') && isSymbol(tokens[i + 1], '.')) || /^__hevo_/i.test(token.value),
          ),
  },
];

export const lintRules: readonly LintRule[] = [...differences, ...impossibilities, ...pipelines];
