import { OperatorError } from '../../lib/errors.ts';
import { isSymbol, isWord, lineOf, significant, type Token, tokenize } from './lexer.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** A table that a query reads, and where its name stands in the text. */
export interface TableReference extends TableName {
  readonly start: number;
  readonly end: number;
}

/** After these words inside a function's brackets, FROM names no table: extract(YEAR FROM d), trim(BOTH FROM s). */
const FUNCTIONS_WITH_FROM = ['EXTRACT', 'TRIM', 'SUBSTRING', 'OVERLAY', 'POSITION'];

/**
 * The tables behind FROM and JOIN. Names of common table expressions are left out. A name without a schema needs
 * `defaultSchema`; without that it is an error, as is a list of tables with commas.
 */
export function tableReferences(sql: string, file: string, defaultSchema?: string): TableReference[] {
  const tokens = significant(tokenize(sql, file));
  const local = commonTableExpressions(tokens);
  const references: TableReference[] = [];
  const fail = (token: Token, message: string, fix: string): never => {
    throw new OperatorError(`${file}, line ${lineOf(sql, token.start)}: ${message}`, { fix });
  };
  tokens.forEach((token, index) => {
    if (!isWord(token, 'FROM', 'JOIN') || insideFunctionWithFrom(tokens, index)) return;
    if (isWord(token, 'FROM') && isWord(tokens[index - 1], 'DISTINCT')) return;
    const parts = dottedName(tokens, index + 1);
    const [first] = parts;
    const last = parts.at(-1);
    if (first === undefined || last === undefined) return;
    if (isSymbol(tokens[index + parts.length * 2], '(')) return;
    const names = parts.map((part) => (part.kind === 'quoted' ? part.value : part.text));
    const table = names.at(-1) ?? '';
    const schema = names.at(-2) ?? defaultSchema;
    if (names.length === 1 && local.has(table.toLowerCase())) return;
    if (names.length > 2 || schema === undefined) {
      fail(
        first,
        `${names.join('.')} is neither a table expression of this query nor schema.table`,
        'write it as schema.table: the catalog comes from the pipeline',
      );
      return;
    }
    if (followedByComma(tokens, index + parts.length * 2)) {
      fail(last, 'tables listed with commas', 'write JOIN … ON or CROSS JOIN');
    }
    references.push({ schema, table, start: first.start, end: last.end });
  });
  return references;
}

/** Puts the catalog (quoted for DuckDB and Databricks alike: plain words) before every table that a query reads. */
export function qualify(sql: string, file: string, catalog: string, defaultSchema?: string): string {
  let text = sql;
  for (const reference of tableReferences(sql, file, defaultSchema).reverse()) {
    const name = [catalog, reference.schema, reference.table].map((part) => `\`${part}\``).join('.');
    text = text.slice(0, reference.start) + name + text.slice(reference.end);
  }
  return text;
}

/** Names before `AS (` where a query may follow: `WITH a AS (SELECT …), b AS (SELECT …)`. */
function commonTableExpressions(tokens: readonly Token[]): Set<string> {
  const names = new Set<string>();
  tokens.forEach((token, index) => {
    if (!isWord(token, 'AS') || !isSymbol(tokens[index + 1], '(')) return;
    if (!isWord(tokens[index + 2], 'SELECT', 'WITH', 'VALUES', 'FROM')) return;
    const name = tokens[index - 1];
    if (name?.kind === 'word') names.add(name.text.toLowerCase());
    if (name?.kind === 'quoted') names.add(name.value.toLowerCase());
  });
  return names;
}

function dottedName(tokens: readonly Token[], from: number): Token[] {
  const parts: Token[] = [];
  for (let i = from; ; i += 2) {
    const token = tokens[i];
    if (token?.kind !== 'word' && token?.kind !== 'quoted') break;
    if (isWord(token, 'SELECT', 'VALUES', 'LATERAL')) break;
    parts.push(token);
    if (!isSymbol(tokens[i + 1], '.')) break;
  }
  return parts;
}

function insideFunctionWithFrom(tokens: readonly Token[], index: number): boolean {
  let depth = 0;
  for (let i = index - 1; i >= 0; i--) {
    if (isSymbol(tokens[i], ')')) depth += 1;
    if (!isSymbol(tokens[i], '(')) continue;
    if (depth === 0) return isWord(tokens[i - 1], ...FUNCTIONS_WITH_FROM);
    depth -= 1;
  }
  return false;
}

/** `FROM a x, b`: a comma right after the table's name or alias. */
function followedByComma(tokens: readonly Token[], after: number): boolean {
  let next = after;
  if (isWord(tokens[next], 'AS')) next += 1;
  const alias = tokens[next];
  if (alias?.kind === 'word' && isSymbol(tokens[next + 1], ',')) return true;
  return isSymbol(alias, ',');
}
