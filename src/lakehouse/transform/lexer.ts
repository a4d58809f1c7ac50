import { OperatorError } from '../../lib/errors.ts';

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'symbol' | 'comment';

/** A piece of Databricks SQL; `text` is what stands in the file between `start` and `end`. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Words in upper case, quoted identifiers without their quotes, the rest as it stands. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['comment', /--[^\n]*|\/\*[\s\S]*?\*\//y],
  // Databricks: a backslash escapes inside a string, and double quotes make strings, too
  ['string', /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"/y],
  ['quoted', /`(?:[^`]|``)+`/y],
  ['number', /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['symbol', /<=>|<>|!=|<=|>=|\|\||::|->|[^\s]/y],
];

/** Splits SQL into tokens, comments included. Throws an OperatorError at an unclosed string or comment. */
export function tokenize(sql: string, file = 'the statement'): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    if (/\s/.test(sql[at] ?? '')) {
      at += 1;
      continue;
    }
    const token = tokenAt(sql, at);
    if (token.kind === 'symbol' && /^['"`]$/.test(token.text)) {
      throw new OperatorError(`${file}, line ${lineOf(sql, at)}: a quote ${token.text} is never closed`, {
        fix: 'close it',
      });
    }
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function tokenAt(sql: string, start: number): Token {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start;
    const text = pattern.exec(sql)?.[0];
    if (text === undefined) continue;
    const value =
      kind === 'word'
        ? text.toUpperCase()
        : kind === 'quoted'
          ? text.slice(1, -1).replaceAll('``', '`')
          : text;
    return { kind, text, value, start, end: start + text.length };
  }
  throw new Error('unreachable: the last pattern takes any character');
}

/** The line, counted from 1, on which a position lies. */
export function lineOf(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}

/** Without comments. */
export function significant(tokens: readonly Token[]): Token[] {
  return tokens.filter((token) => token.kind !== 'comment');
}

/** The index of the bracket that closes the one at `open`, or -1. */
export function closingBracket(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const token = tokens[i];
    if (token?.kind !== 'symbol') continue;
    if (token.text === '(') depth += 1;
    if (token.text === ')') {
      depth -= 1;
      if (depth === 0) return i;
    }
  }
  return -1;
}

export function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.value);
}

export function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === 'symbol' && token.text === symbol;
}
