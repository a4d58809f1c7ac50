import { literal } from '../lib/sql-text.ts';
import { type Difference, fail, warn } from './shape.ts';

export interface FoundSequence {
  readonly table: string;
  readonly name: string;
  readonly exists: boolean;
  /** The last value given out; null: none yet, or not ours to see. */
  readonly last: number | null;
  readonly highestId: number | null;
}

/** Sequences whose next values are taken already: set back, or passed by rows inserted with an id of their own. */
export function judgeSequences(found: readonly FoundSequence[]): readonly Difference[] {
  return found.flatMap(({ table, name, exists, last, highestId }) => {
    const sequence = `public.${name}`;
    if (!exists) {
      return [
        fail('sequence', `the sequence ${sequence} is missing`, [
          `CREATE SEQUENCE ${sequence} OWNED BY public.${table}.id`,
          `SELECT setval('${sequence}', ${Math.max(highestId ?? 1, 1)})`,
        ]),
      ];
    }
    if (highestId === null || highestId <= (last ?? 0)) return [];
    return [
      fail(
        'sequence',
        `the sequence ${sequence} is at ${last ?? 'its start'}, and public.${table} has ids up to ${highestId}`,
        [`SELECT setval('${sequence}', ${highestId})`],
      ),
    ];
  });
}

export interface LookupRow {
  readonly id: number;
  readonly nome: string;
}

/** Rows of a lookup table that are gone (orders that need them fail) or have another name (a reader sees it). */
export function judgeLookup(
  table: string,
  expected: readonly LookupRow[],
  found: readonly LookupRow[],
): readonly Difference[] {
  return expected.flatMap(({ id, nome }) => {
    const row = found.find((other) => other.id === id);
    if (row === undefined) {
      return [
        fail('row', `public.${table} has no row ${id} (${nome}) any more`, [
          `INSERT INTO public.${table} (id, nome) VALUES (${id}, ${literal(nome)})`,
        ]),
      ];
    }
    if (row.nome === nome) return [];
    return [
      warn('row', `public.${table} ${id} is called ${JSON.stringify(row.nome)} instead of ${nome}`, [
        `UPDATE public.${table} SET nome = ${literal(nome)}, atualizado_em = clock_timestamp() WHERE id = ${id}`,
      ]),
    ];
  });
}
