import { nearest } from '../lib/edit-distance.ts';
import { shown } from '../lib/shown.ts';
import { type Option, type OptionName, type OptionValue, options } from './options.ts';

type NoDefault = {
  [N in OptionName]: (typeof options)[N]['default'] extends null ? N : never;
}[OptionName];

/** What each variable holds after parsing; those without a default may be undefined. */
export type RawValues = {
  readonly [N in OptionName]: OptionValue<N> | (N extends NoDefault ? undefined : never);
};

export interface ReadResult {
  readonly values: Partial<RawValues>;
  readonly errors: string[];
  readonly warnings: string[];
}

/** Parses every variable of the table; an empty or blank value of one counts as not set. */
export function readOptions(env: Readonly<Record<string, string | undefined>>): ReadResult {
  const values: Record<string, unknown> = {};
  const errors: string[] = [];
  for (const [name, option] of Object.entries(options) as [OptionName, Option<unknown>][]) {
    const given = env[name];
    const text = given === undefined || given.trim() === '' ? option.default : given;
    if (text === null) continue;
    const result = option.parser.safeParse(text);
    if (result.success) values[name] = result.data;
    else {
      const value = option.secret ? '(hidden)' : shown(text);
      errors.push(`${name}=${value} is not ${result.error.issues[0]?.message ?? 'valid'}`);
    }
  }
  return { values: values as Partial<RawValues>, errors, warnings: nearMisses(env) };
}

const PREFIX =
  /^(DB|ORDERS?|SEED|HISTORY|EMBEDDED|LIFECYCLE|TRAFFIC|CRON|LOG|HTTP|RETENTION|ARRIVALS?|RANDOM|PAYMENT|CONTROL|MAX)_?/;
/** Prefixes that are nobody's but ours: any unknown variable under them deserves a word. */
const OWN_PREFIX = /^(ORDERS?_|SEED_|HISTORY_|EMBEDDED_|LIFECYCLE_|TRAFFIC_)/;

/** Warnings for variables that look like ours but are not. */
export function nearMisses(env: Readonly<Record<string, string | undefined>>): string[] {
  const names = Object.keys(options);
  const warnings: string[] = [];
  for (const name of Object.keys(env).sort()) {
    if (name in options || !PREFIX.test(name.toUpperCase())) continue;
    const meant = nearest(name.toUpperCase(), names, 2);
    if (meant !== undefined) {
      warnings.push(`${name} is not a setting: did you mean ${meant}?`);
    } else if (OWN_PREFIX.test(name)) {
      warnings.push(`${name} is not a setting and was ignored; .env.example lists those that exist`);
    }
  }
  return warnings;
}
