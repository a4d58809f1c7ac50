import { z } from 'zod';
import { foreignCharacter } from '../lib/shown.ts';

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

/** As {@link parser}, for what is written in ASCII alone: look-alikes and other digits are named. */
function asciiParser<T>(expected: string, parse: (text: string) => T | undefined): Parser<T> {
  return z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    const foreign = foreignCharacter(text);
    const message = foreign === '' ? expected : `${expected} (${foreign} in it is not an ASCII character)`;
    context.addIssue({ code: 'custom', message, input: text });
    return z.NEVER;
  });
}

/** ASCII digits only: Number() also takes '', '0x1f', '1e3' and ' 7 '. */
const PLAIN_NUMBER = /^\d+(\.\d+)?$/;

export function number(min: number, max: number): Parser<number> {
  return asciiParser(`a number from ${min} to ${max}`, (text) => {
    if (!PLAIN_NUMBER.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  });
}

export function integer(min: number, max: number): Parser<number> {
  return asciiParser(`a whole number from ${min} to ${max}`, (text) => {
    if (!/^\d{1,15}$/.test(text)) return undefined;
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  });
}

export function oneOf<const T extends string>(...values: readonly T[]): Parser<T> {
  return asciiParser(`one of ${values.join(', ')}`, (text) => values.find((value) => value === text));
}

export function boolean(): Parser<boolean> {
  return asciiParser('true or false', (text) => {
    if (/^(true|yes|on|1)$/i.test(text)) return true;
    if (/^(false|no|off|0)$/i.test(text)) return false;
    return undefined;
  });
}

export function text(expected: string, pattern: RegExp): Parser<string> {
  return parser(expected, (value) => (pattern.test(value) ? value : undefined));
}

const CONTROL = /\p{Cc}/u;

/** Free text: a path, a password. A NUL ends a string in every protocol behind it, a newline is always a slip. */
export function line(maxLength: number): Parser<string> {
  return parser(`a text of at most ${maxLength} characters, without control characters`, (value) =>
    value !== '' && value.length <= maxLength && !CONTROL.test(value) ? value : undefined,
  );
}

/** PostgreSQL cuts longer names off (NAMEDATALEN), and then means another database or role. */
const NAME_BYTES = 63;

/** The name of a database or a role, unquoted, in any alphabet. */
export function isSqlName(value: string): boolean {
  return value !== '' && Buffer.byteLength(value) <= NAME_BYTES && !CONTROL.test(value);
}

export function sqlName(): Parser<string> {
  return parser(`a name of at most ${NAME_BYTES} bytes, without control characters`, (value) =>
    isSqlName(value) ? value : undefined,
  );
}

const HOST = /^(?:[a-z0-9_](?:[a-z0-9._-]{0,252})|[0-9a-f]*:[0-9a-f:.]+(?:%[\w.-]+)?)$/i;

/** A host name, an IPv4 or an IPv6 address. Names in other alphabets have an ASCII form (`xn--…`). */
export function isHost(value: string): boolean {
  return HOST.test(value);
}

export function host(): Parser<string> {
  return asciiParser('a host name or an IP address, without port or scheme', (value) => {
    const bare = value.replace(/^\[(.*)\]$/, '$1');
    return isHost(bare) ? bare : undefined;
  });
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
  return asciiParser('a size such as 512MB or 1GB, or 0 for off', (value) => {
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
  return asciiParser('a cron expression of five or six fields, such as */5 * * * * *', (value) =>
    value !== '' && validate(value) ? value : undefined,
  );
}
