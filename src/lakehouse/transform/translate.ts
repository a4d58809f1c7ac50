import { Dialect, transpile } from '@polyglot-sql/sdk';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import { CATALOG } from '../raw-schema.ts';
import { significant, tokenize } from './lexer.ts';
import { qualify } from './references.ts';

export interface TranslateOptions {
  /** Named in errors. */
  readonly file: string;
  /** Default: `lakehouse`. */
  readonly catalog?: string;
  /** The schema of names that have none, as in the datasets of a dashboard. */
  readonly defaultSchema?: string;
}

/**
 * A Databricks query as DuckDB takes it, its tables in the attached `catalog`. Casts stay strict: the translator
 * would make every CAST a TRY_CAST, and a value that cannot be cast would turn into NULL in silence.
 */
export function translateQuery(sql: string, options: TranslateOptions): string {
  const { file } = options;
  const qualified = qualify(sql, file, options.catalog ?? CATALOG, options.defaultSchema);
  return translated(withExactDivision(qualified), file);
}

/** A condition over the columns of one table. */
export function translateCondition(condition: string, file: string): string {
  return translated(`SELECT ${withExactDivision(condition)}`, file).replace(/^SELECT /, '');
}

function translated(sql: string, file: string): string {
  let result: ReturnType<typeof transpile>;
  try {
    result = transpile(sql, Dialect.Databricks, Dialect.DuckDB, { unsupportedLevel: 'raise' });
  } catch (error) {
    throw untranslatable(file, messageOf(error), error);
  }
  const [text, ...more] = result.sql ?? [];
  if (!result.success || text === undefined)
    throw untranslatable(file, result.error ?? 'no statement', undefined);
  if (more.length > 0) throw untranslatable(file, 'more than one statement', undefined);
  return strictCasts(text);
}

function untranslatable(file: string, why: string, cause: unknown): OperatorError {
  return new OperatorError(`${file} cannot be translated for DuckDB: ${why}`, {
    fix: 'use SQL that both engines know; docs/lakehouse.md lists the traps',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** try_divide is translated with a DOUBLE division; the macro divides exactly. */
function withExactDivision(sql: string): string {
  return replaceWords(sql, 'TRY_DIVIDE', 'exact_divide');
}

function strictCasts(sql: string): string {
  return replaceWords(sql, 'TRY_CAST', 'CAST');
}

function replaceWords(sql: string, word: string, replacement: string): string {
  let text = sql;
  for (const token of significant(tokenize(sql)).reverse()) {
    if (token.kind === 'word' && token.value === word) {
      text = text.slice(0, token.start) + replacement + text.slice(token.end);
    }
  }
  return text;
}
