import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeDifferences } from '../../../src/cdc/checks/tables.ts';
import { judgeLookup, judgeSequences } from '../../../src/db/contents.ts';
import { expectedTables } from '../../../src/db/expected-tables.ts';
import { type FoundTable, fits, judgeShape } from '../../../src/db/shape.ts';

/** The catalog of a database just migrated. */
function asMade(): FoundTable[] {
  return expectedTables.map(({ schema, name, columns, primaryKey, unique, triggers }) => ({
    schema,
    name,
    kind: 'r',
    persistence: 'p',
    columns: [...columns].map(([column, { type, nullable, filledBy }]) => ({
      name: column,
      type,
      notNull: !nullable,
      filled: filledBy !== null,
      identity: '',
      generated: false,
    })),
    primaryKey,
    unique,
    triggers: triggers.map((trigger) => ({ name: trigger.name, enabled: 'O' })),
    rules: [],
    rowSecurity: false,
    owned: true,
    published: true,
    replicaIdentity: 'd',
  }));
}

const altered = (name: string, change: (table: FoundTable) => Partial<FoundTable>) =>
  asMade().map((table) => (table.name === name ? { ...table, ...change(table) } : table));

describe('the shape of the tables', () => {
  it('is right as the migrations made it, whatever others add', () => {
    expect(judgeShape(asMade())).toEqual([]);
    const extra = {
      name: 'obs',
      type: 'text[]',
      notNull: false,
      filled: false,
      identity: '',
      generated: false,
    };
    expect(judgeShape(altered('pedidos', ({ columns }) => ({ columns: [...columns, extra] })))).toEqual([]);
    const full = { notNull: true, filled: true };
    expect(
      judgeShape(altered('pedidos', ({ columns }) => ({ columns: [...columns, { ...extra, ...full }] }))),
    ).toEqual([]);
  });

  it('is wrong, with a statement, whichever table loses whichever column, key or trigger', () => {
    for (const { name, schema, columns } of expectedTables) {
      for (const column of columns.keys()) {
        const found = altered(name, (table) => ({ columns: table.columns.filter((c) => c.name !== column) }));
        expect(judgeShape(found)).toMatchObject([
          {
            level: 'fail',
            what: `${schema}.${name}.${column} is missing`,
            sql: [
              expect.stringMatching(/ADD COLUMN/),
              ...(columns.get(column)?.filledBy == null ? [] : [expect.any(String)]),
            ],
          },
        ]);
      }
      const gone = asMade().filter((table) => table.name !== name);
      expect(judgeShape(gone)).toMatchObject([{ topic: 'table', level: 'fail', sql: [] }]);
    }
    for (const enabled of ['D', 'R']) {
      const found = altered('clientes', ({ triggers }) => ({
        triggers: triggers.map((t) => ({ ...t, enabled })),
      }));
      expect(judgeShape(found)).toHaveLength(3);
    }
    expect(judgeShape(altered('jobs', () => ({ primaryKey: [] })))[0]?.sql).toEqual([
      'ALTER TABLE simulator.jobs ADD PRIMARY KEY (name)',
    ]);
  });

  it('takes a lone stranger of the same type for the renamed column, and guesses at nothing else', () => {
    const rename = (...to: string[]) =>
      judgeShape(
        altered('clientes', ({ columns }) => ({
          columns: [
            ...columns.filter(({ name }) => name !== 'cep'),
            ...to.map((name) => ({
              name,
              type: 'character varying(9)',
              notNull: false,
              filled: false,
              identity: '',
              generated: false,
            })),
          ],
        })),
      );
    expect(rename('Código postal')[0]?.sql).toEqual([
      'ALTER TABLE public.clientes RENAME COLUMN "Código postal" TO cep',
    ]);
    expect(rename('a', 'b')[0]?.sql[0]).toContain('ADD COLUMN cep character varying(9)');
  });

  it('lets a type be wider, never narrower, and is sure of each with itself', () => {
    expect(fits('integer', 'smallint') && fits('bigint', 'smallint') && fits('bigint', 'integer')).toBe(true);
    expect(fits('text', 'character varying(9)') && fits('character varying', 'character varying(9)')).toBe(
      true,
    );
    expect(fits('numeric(14,2)', 'numeric(12,2)')).toBe(true);
    for (const [found, wanted] of [
      ['integer', 'bigint'],
      ['text', 'numeric(12,2)'],
      ['numeric', 'numeric(12,2)'],
      ['numeric(14,4)', 'numeric(12,2)'],
      ['timestamp without time zone', 'timestamp with time zone'],
      ['character varying(8)', 'character varying(9)'],
      ['character(9)', 'character varying(9)'],
      ['character varying(9)', 'text'],
    ] as const)
      expect(fits(found, wanted), `${found} for ${wanted}`).toBe(false);
    const types = [
      ...new Set(expectedTables.flatMap(({ columns }) => [...columns.values()].map(({ type }) => type))),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.constantFrom(...types),
        fc.constantFrom(...types),
        (a, b, c) => {
          expect(fits(a, a)).toBe(true);
          if (a !== b && fits(a, b)) expect(fits(b, a)).toBe(false);
          if (fits(a, b) && fits(b, c)) expect(fits(a, c)).toBe(true);
        },
      ),
      { seed: 3 },
    );
  });

  it('wants sequences ahead of the ids', () => {
    const at = (last: number | null, highestId: number | null, exists = true) =>
      judgeSequences([{ table: 'pedidos', name: 'pedidos_id_seq', exists, last, highestId }]);
    expect([at(9, 9), at(10, 9), at(null, null), at(9, null)]).toEqual([[], [], [], []]);
    expect(at(8, 9)[0]?.sql).toEqual([`SELECT setval('public.pedidos_id_seq', 9)`]);
    expect(at(null, 9)).toHaveLength(1);
    expect(at(null, null, false)[0]?.what).toContain('is missing');
  });

  it('wants the rows of a lookup table, and tells of other names', () => {
    const expected = [
      { id: 1, nome: 'Sim' },
      { id: 2, nome: 'Não' },
    ];
    expect(judgeLookup('entregue', expected, [...expected, { id: 3, nome: 'Talvez' }])).toEqual([]);
    expect(judgeLookup('entregue', expected, [{ id: 1, nome: `D'ora` }])).toMatchObject([
      { level: 'warn', sql: [expect.stringContaining(`SET nome = 'Sim'`)] },
      { level: 'fail', sql: [`INSERT INTO public.entregue (id, nome) VALUES (2, 'Não')`] },
    ]);
  });

  it('is told by doctor, but for what other checks of it tell', () => {
    expect(judgeDifferences(null).status).toBe('note');
    expect(judgeDifferences(judgeShape(altered('status', () => ({ persistence: 'u' })))).status).toBe('pass');
    expect(judgeDifferences(judgeShape(asMade().slice(1))).status).toBe('pass');
    const secured = (owned: boolean) =>
      judgeDifferences(judgeShape(altered('status', () => ({ rowSecurity: true, owned }))));
    expect(secured(true).sql).toEqual(['ALTER TABLE public.status NO FORCE ROW LEVEL SECURITY']);
    expect(secured(false).sql).toEqual(['ALTER TABLE public.status DISABLE ROW LEVEL SECURITY']);
    const renamed = [{ topic: 'row', level: 'warn', what: 'called otherwise', sql: [] }] as const;
    expect(judgeDifferences(renamed).status).toBe('warn');
    const ruled = judgeDifferences(judgeShape(altered('status', () => ({ rules: ['r'] }))));
    expect(ruled).toMatchObject({ status: 'fail', sql: ['DROP RULE r ON public.status'] });
  });
});
