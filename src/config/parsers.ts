import { z } from 'zod';

/**
 * Turns the text of a variable into a value. Every parser says in its error what would be right, so that the
 * operator reads one sentence and knows what to type.
 */
export type Parser<T> = z.ZodType<T, string>;

function parser<T>(expected: string, parse: (text: string) => T | undefined): Parser<T> {
  return z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value === undefined) {
      context.addIssue({ code: 'custom', message: expected, input: text });
      return z.NEVER;
    }
    return value;
  });
}

/** ASCII digits only: Number() also takes '', '0x1f', '1e3' and ' 7 '. */
const PLAIN_NUMBER = /^\d+(\.\d+)?$/;

export function number(min: number, max: number): Parser<number> {
  return parser(`a number from ${min} to ${max}`, (text) => {
    if (!PLAIN_NUMBER.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  });
}

export function integer(min: number, max: number): Parser<number> {
  return parser(`a whole number from ${min} to ${max}`, (text) => {
    if (!/^\d{1,15}$/.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  });
}

export function oneOf<const T extends string>(...values: readonly T[]): Parser<T> {
  return parser(`one of ${values.join(', ')}`, (text) => values.find((value) => value === text));
}

export function boolean(): Parser<boolean> {
  return parser('true or false', (text) => {
    if (/^(true|yes|on|1)$/i.test(text)) return true;
    if (/^(false|no|off|0)$/i.test(text)) return false;
    return undefined;
  });
}

export function text(expected: string, pattern: RegExp): Parser<string> {
  return parser(expected, (value) => (pattern.test(value) ? value : undefined));
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};

/** A size in bytes, written as PostgreSQL writes it: `512MB`, `1GB`; 0 means off. Units are powers of 1024. */
export function size(): Parser<number> {
  return parser('a size such as 512MB or 1GB, or 0 for off', (value) => {
    const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT]?B|)$/i.exec(value);
    const unit = SIZE_UNITS[match?.[2]?.toUpperCase() ?? '?'];
    if (!match || unit === undefined) return undefined;
    const bytes = Math.round(Number(match[1]) * unit);
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  });
}

export function databaseUrl(): Parser<string> {
  return parser('a URL such as postgresql://user:password@host:5432/database', (value) => {
    if (!/^postgres(ql)?:\/\//.test(value) || !URL.canParse(value)) return undefined;
    const url = new URL(value);
    return url.hostname !== '' && url.pathname.length > 1 ? value : undefined;
  });
}

/** Validated by node-cron's own parser, handed in so that this file stays free of it. */
export function cron(validate: (expression: string) => boolean): Parser<string> {
  return parser('a cron expression of five or six fields, such as */5 * * * * *', (value) =>
    value !== '' && validate(value) ? value : undefined,
  );
}
