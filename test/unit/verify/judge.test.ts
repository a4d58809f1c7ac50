import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalTime, judge, tornReasons } from '../../../src/verify/judge.ts';

const T = (second: number) => `2025-03-01 10:00:${String(second).padStart(2, '0')}.000000`;
const row = (changed: number, other: Record<string, string | null> = {}) => ({
  id: '1',
  nome: 'a',
  criado_em: T(0),
  atualizado_em: T(changed),
  ...other,
});
const sighting = { deletedAt: null, firstChangedAt: null };

describe('judging one key', () => {
  it.each([
    ['equal rows', row(1), [row(1)], 'same'],
    ['neither there', null, [], 'same'],
    ['old and absent', row(1), [], 'missing'],
    ['changed lately, but created long ago, and absent', row(30), [], 'missing'],
    ['created lately and absent', row(30, { criado_em: T(30) }), [], 'in flight'],
    ['changed lately', row(30), [row(1)], 'in flight'],
    ['changed long ago', row(9), [row(1)], 'stale'],
    ['same version, other value', row(9), [row(9, { nome: 'b' })], 'wrong'],
    ['newer than the source', row(8), [row(9)], 'wrong'],
    ['NULL against empty', row(9, { nome: null }), [row(9, { nome: '' })], 'wrong'],
    ['twice', row(9), [row(9), row(9)], 'extra'],
    ['never at the source', null, [row(9)], 'extra'],
  ])('%s', (_what, source, target, kind) => {
    expect(judge({ ...sighting, source, target }, T(20)).kind).toBe(kind);
  });

  it('knows a deleted row by its tombstone', () => {
    const gone = { source: null, target: [row(1)], firstChangedAt: null };
    expect(judge({ ...gone, deletedAt: T(5) }, T(20)).kind).toBe('resurrected');
    expect(judge({ ...gone, deletedAt: T(25) }, T(20)).kind).toBe('in flight');
    expect(judge({ ...gone, deletedAt: T(20) }, T(20)).kind).toBe('resurrected');
  });

  it('a row that never rests is stale when the target is behind a version that was due', () => {
    const hot = { source: row(30), target: [row(1)], deletedAt: null };
    expect(judge({ ...hot, firstChangedAt: T(10) }, T(20)).kind).toBe('stale');
    expect(judge({ ...hot, firstChangedAt: T(25) }, T(20)).kind).toBe('in flight');
    expect(judge({ ...hot, target: [row(10)], firstChangedAt: T(10) }, T(20)).kind).toBe('in flight');
  });

  it('is certain only where a source that moves meanwhile cannot change the verdict', () => {
    const certain = (source: ReturnType<typeof row>, target: ReturnType<typeof row>[], first: number) =>
      'isCertain' in judge({ source, target, deletedAt: null, firstChangedAt: T(first) }, T(20));
    expect(certain(row(30), [row(1)], 10)).toBe(true);
    expect(certain(row(30), [], 10)).toBe(true);
    expect(certain(row(9), [row(1)], 9)).toBe(false);
    expect(certain(row(9), [row(9, { nome: 'b' })], 9)).toBe(false);
  });

  it('names the columns that differ', () => {
    const verdict = judge({ ...sighting, source: row(9), target: [row(9, { nome: 'b' })] }, T(20));
    expect(verdict).toEqual({ kind: 'wrong', columns: ['nome'] });
  });

  it('never calls a loss what happened after the horizon', () => {
    const second = fc.integer({ min: 0, max: 59 });
    fc.assert(
      fc.property(second, second, second, (created, changed, horizon) => {
        fc.pre(created <= changed && created > horizon);
        const source = row(changed, { criado_em: T(created) });
        expect(judge({ ...sighting, source, target: [] }, T(horizon)).kind).toBe('in flight');
        expect(judge({ ...sighting, source, target: [row(0)] }, T(horizon)).kind).toBe('in flight');
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('writes times as the checksum does', () => {
    expect(canonicalTime(Date.UTC(2025, 2, 1, 9, 8, 7, 6))).toBe('2025-03-01 09:08:07.006000');
  });
});

describe('torn orders', () => {
  const order = { id: '1', subtotal: '30.00', frete: '9.90', valor_desconto: '5.00', total: '34.90' };
  const items = [{ subtotal: '10.00' }, { subtotal: '20.00' }];

  it('whole orders, and orders that are entirely absent, are not torn', () => {
    expect(tornReasons(order, items)).toEqual([]);
    expect(tornReasons(null, [])).toEqual([]);
    expect(tornReasons({ ...order, total: '34.9000' }, items)).toEqual([]);
  });

  it.each([
    ['items without order', null, items, ['2 items without their order']],
    ['no items', order, [], ['no items']],
    ['an item too few', order, items.slice(1), ['subtotal 30.00, but its items add up to 20.00']],
    ['a cent off', { ...order, total: '34.91' }, items, ['total 34.91, but its parts add up to 34.90']],
    [
      'a thousandth off',
      { ...order, total: '34.901' },
      items,
      ['total 34.901, but its parts add up to 34.90'],
    ],
    ['a total gone', { ...order, total: null }, items, ['total NULL, but its parts add up to 34.90']],
  ])('%s', (_what, there, own, reasons) => {
    expect(tornReasons(there, own)).toEqual(reasons);
  });
});
