import { OperatorError } from '../../lib/errors.ts';
import { closingBracket, isSymbol, isWord, lineOf, significant, type Token, tokenize } from './lexer.ts';
import { type TableName, tableReferences } from './references.ts';

/** What happens to a row that an expectation finds wrong: kept and counted, dropped, or the update fails. */
export type Violation = 'count' | 'drop' | 'fail';

export interface Expectation {
  readonly name: string;
  /** A Databricks SQL condition over the columns of the view. */
  readonly condition: string;
  readonly onViolation: Violation;
}

/** One file of `databricks/transformations`, read. */
export interface Transformation {
  readonly file: string;
  readonly schema: string;
  readonly table: string;
  readonly expectations: readonly Expectation[];
  readonly clusterBy: readonly string[];
  readonly comment: string | null;
  /** The query, in Databricks SQL. */
  readonly body: string;
  /** The tables that the query reads, each once. */
  readonly reads: readonly TableName[];
}

/**
 * Reads the statement of a transformation:
 *
 *     CREATE OR REFRESH MATERIALIZED VIEW schema.table [(CONSTRAINT name EXPECT (condition)
 *       [ON VIOLATION DROP ROW | ON VIOLATION FAIL UPDATE], …)] [CLUSTER BY (column, …)] [COMMENT 'text'] AS query
 *
 * Translators hand such a statement back unread, hence this small grammar. Throws an OperatorError that names file
 * and line.
 */
export function parseTransformation(file: string, sql: string): Transformation {
  const cursor = new Cursor(file, sql);
  cursor.expect('CREATE', 'OR', 'REFRESH', 'MATERIALIZED', 'VIEW');
  const schema = cursor.identifier('the schema of the view');
  cursor.symbol('.');
  const table = cursor.identifier('the name of the view');
  const expectations = cursor.isSymbol('(') ? readExpectations(cursor) : [];
  let clusterBy: string[] = [];
  let comment: string | null = null;
  for (;;) {
    if (cursor.accept('CLUSTER')) {
      cursor.expect('BY');
      clusterBy = cursor.list(() => cursor.identifier('a column to cluster by'));
    } else if (cursor.accept('COMMENT')) {
      comment = cursor.string('the comment');
    } else break;
  }
  cursor.expect('AS');
  const body = cursor.rest();
  const reads = tableReferences(body, file);
  const unique = new Map(
    reads.map(({ schema: of, table: name }) => [`${of}.${name}`, { schema: of, table: name }]),
  );
  return { file, schema, table, expectations, clusterBy, comment, body, reads: [...unique.values()] };
}

function readExpectations(cursor: Cursor): Expectation[] {
  return cursor.list(() => {
    cursor.expect('CONSTRAINT');
    const name = cursor.identifier('the name of the expectation');
    cursor.expect('EXPECT');
    const condition = cursor.bracketed();
    let onViolation: Violation = 'count';
    if (cursor.accept('ON')) {
      cursor.expect('VIOLATION');
      if (cursor.accept('DROP')) {
        cursor.expect('ROW');
        onViolation = 'drop';
      } else {
        cursor.expect('FAIL', 'UPDATE');
        onViolation = 'fail';
      }
    }
    return { name, condition, onViolation };
  });
}

/** Walks over the tokens of one file. */
class Cursor {
  readonly #file: string;
  readonly #sql: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(file: string, sql: string) {
    this.#file = file;
    this.#sql = sql;
    this.#tokens = significant(tokenize(sql, file));
  }

  isSymbol(symbol: string): boolean {
    return isSymbol(this.#tokens[this.#at], symbol);
  }

  accept(word: string): boolean {
    if (!isWord(this.#tokens[this.#at], word)) return false;
    this.#at += 1;
    return true;
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) this.#fail(word);
  }

  symbol(symbol: string): void {
    if (!this.isSymbol(symbol)) this.#fail(symbol);
    this.#at += 1;
  }

  identifier(what: string): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word' && token?.kind !== 'quoted') return this.#fail(what);
    this.#at += 1;
    return token.kind === 'quoted' ? token.value : token.text;
  }

  string(what: string): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'string') return this.#fail(what);
    this.#at += 1;
    return token.text
      .slice(1, -1)
      .replaceAll(/\\(.)|''/g, (all, escaped: string | undefined) => escaped ?? all[0] ?? '');
  }

  /** `( item, item )` */
  list<Item>(item: () => Item): Item[] {
    this.symbol('(');
    const items = [item()];
    while (this.isSymbol(',')) {
      this.symbol(',');
      items.push(item());
    }
    this.symbol(')');
    return items;
  }

  /** What stands inside the brackets that open here. */
  bracketed(): string {
    const open = this.#tokens[this.#at];
    if (!isSymbol(open, '(')) this.#fail('(');
    const closing = closingBracket(this.#tokens, this.#at);
    const close = this.#tokens[closing];
    if (open === undefined || close === undefined) return this.#fail('a closing bracket');
    this.#at = closing + 1;
    return this.#sql.slice(open.end, close.start).trim();
  }

  /** Everything from here on, without a closing semicolon. */
  rest(): string {
    const first = this.#tokens[this.#at];
    if (first === undefined) return this.#fail('a query');
    const tail = this.#tokens.slice(this.#at);
    const semicolon = tail.findIndex((token) => isSymbol(token, ';'));
    if (semicolon >= 0 && semicolon < tail.length - 1) {
      this.#at += semicolon + 1;
      return this.#fail('the end of the file: one statement a file');
    }
    const end = semicolon < 0 ? this.#sql.length : (tail[semicolon]?.start ?? 0);
    return this.#sql.slice(first.start, end).trim();
  }

  #fail(wanted: string): never {
    const token = this.#tokens[this.#at];
    const line = lineOf(this.#sql, token?.start ?? this.#sql.length);
    throw new OperatorError(
      `${this.#file}, line ${line}: expected ${wanted}, found ${token === undefined ? 'the end' : token.text}`,
      {
        fix: 'write CREATE OR REFRESH MATERIALIZED VIEW schema.table (CONSTRAINT … EXPECT (…)) CLUSTER BY (…) COMMENT … AS SELECT …',
      },
    );
  }
}
