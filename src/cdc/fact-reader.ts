import { CompiledQuery } from 'kysely';
import type { Db } from '../db/pool.ts';
import { messageOf } from '../lib/errors.ts';
import type { Fact } from './facts.ts';

/** Runs one thin query. */
export type Ask = <Row>(text: string, parameters?: readonly unknown[]) => Promise<readonly Row[]>;

export function askOf(db: Db): Ask {
  return async <Row>(text: string, parameters: readonly unknown[] = []) => {
    const result = await db.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
    return result.rows;
  };
}

/** A fact, or why it could not be read. */
export async function fact<T>(read: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { known: true, value: await read() };
  } catch (error) {
    return { known: false, reason: messageOf(error) };
  }
}
