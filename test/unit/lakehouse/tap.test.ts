import type { Pgoutput } from 'pg-logical-replication';
import { describe, expect, it } from 'vitest';
import { type Batch, Batcher, type BatchSink } from '../../../src/lakehouse/tap/batcher.ts';
import { ChangeBuffer, groupByColumns, type LandedTable } from '../../../src/lakehouse/tap/changes.ts';
import { decideStart, type SlotFacts, type TapState } from '../../../src/lakehouse/tap/decide.ts';
import { formatLsn, parseLsn } from '../../../src/lakehouse/tap/lsn.ts';
import { duckText, microsText } from '../../../src/lakehouse/tap/text-values.ts';

describe('a position in the log', () => {
  it('is written as PostgreSQL writes it', () => {
    for (const text of ['0/0', '0/1A878F0', '16/B374D848', 'FFFFFFFF/FFFFFFFF']) {
      expect(formatLsn(parseLsn(text))).toBe(text);
    }
    expect(parseLsn('1/0') - 1n).toBe(parseLsn('0/FFFFFFFF'));
    expect(() => parseLsn('7')).toThrow(/not a log position/);
  });
});

describe('the start of a tap', () => {
  const source = { systemId: '7', database: 'loja' };
  const state: TapState = { ...source, slot: 's', phase: 'streaming', appliedLsn: 100n };
  const slot: SlotFacts = {
    plugin: 'pgoutput',
    database: 'loja',
    walStatus: 'reserved',
    confirmedLsn: 90n,
    activePid: null,
  };

  it('goes on where the file ends', () => {
    expect(decideStart(state, slot, source)).toEqual({ kind: 'stream', from: 100n });
    expect(decideStart(state, { ...slot, confirmedLsn: 100n }, source).kind).toBe('stream');
  });

  it.each([
    ['there is no file', null, null, false],
    ['there is only a slot', null, slot, true],
    ['the copy was interrupted', { ...state, phase: 'copying' as const }, slot, true],
    ['it stopped in good order', { ...state, phase: 'stopped' as const }, null, false],
    ['the slot is gone', state, null, false],
  ])('copies anew when %s', (_, remembered, facts, dropSlot) => {
    expect(decideStart(remembered, facts, source)).toMatchObject({ kind: 'copy', dropSlot });
  });

  it.each([
    ['the slot is lost', state, { ...slot, walStatus: 'lost' }, /is lost/],
    ['somebody moved the slot', state, { ...slot, confirmedLsn: 101n }, /somebody else/],
    ['the file is of another source', { ...state, systemId: '8' }, slot, /another source/],
    ['the file is of another database', { ...state, database: 'x' }, null, /another source/],
    ['the slot is of another database', null, { ...slot, database: 'x' }, /belongs to database x/],
  ])('refuses, with the way out, when %s', (_, remembered, facts, message) => {
    expect(() => decideStart(remembered, facts, source)).toThrow(message);
  });
});

describe('values as text', () => {
  it('names the era as DuckDB does, and has no NaN for decimals', () => {
    expect(duckText('0044-03-15 BC', 'DATE')).toBe('0044-03-15 (BC)');
    expect(duckText('0044-03-15 BC', 'VARCHAR')).toBe('0044-03-15 BC');
    expect(duckText('NaN', 'DECIMAL(12,2)')).toBeUndefined();
    expect(duckText('NaN', 'DOUBLE')).toBe('NaN');
    expect(microsText(1_767_225_600_000_001n)).toBe('2026-01-01T00:00:00.000001+00');
  });
});

const table: LandedTable = {
  name: 't',
  key: ['id'],
  columns: new Map([
    ['id', 'bigint'],
    ['a', 'text'],
    ['b', 'text'],
  ]),
};
const versions = (buffer: ChangeBuffer) =>
  [...buffer.tables()].flatMap(([, rows]) =>
    rows.map(({ values, deleted, inherits }) => ({ ...values, deleted, inherits })),
  );

describe('the changes of a batch', () => {
  it('fold to the last version of each row, with what earlier versions sent', () => {
    const buffer = new ChangeBuffer();
    buffer.upsert(table, { id: '1', a: 'x', b: 'long' }, null, 1n, 10);
    buffer.upsert(table, { id: '1', a: 'y', b: undefined }, null, 2n, 10);
    buffer.upsert(table, { id: '2', a: 'z', b: undefined }, null, 2n, 10);
    expect(versions(buffer)).toEqual([
      { id: '1', a: 'y', b: 'long', deleted: false, inherits: null },
      { id: '2', a: 'z', b: undefined, deleted: false, inherits: null },
    ]);
    expect([buffer.changes, buffer.bytes]).toEqual([3, 30]);
  });

  it('keep the values of what is deleted, and none of them when the key returns', () => {
    const buffer = new ChangeBuffer();
    buffer.upsert(table, { id: '1', a: 'x', b: 'y' }, null, 1n, 1);
    buffer.delete(table, { id: '1', a: null, b: null }, 2n, 1);
    buffer.delete(table, { id: '2', a: null, b: null }, 2n, 1);
    expect(versions(buffer)).toEqual([
      { id: '1', a: 'x', b: 'y', deleted: true, inherits: null },
      { id: '2', deleted: true, inherits: null },
    ]);
    buffer.upsert(table, { id: '1', a: null, b: 'new' }, null, 3n, 1);
    expect(versions(buffer)[0]).toEqual({ id: '1', a: null, b: 'new', deleted: false, inherits: null });
  });

  it('follow a row through changes of its key', () => {
    const buffer = new ChangeBuffer();
    buffer.upsert(table, { id: '2', a: 'x', b: undefined }, { id: '1' }, 1n, 1);
    buffer.upsert(table, { id: '3', a: 'x', b: undefined }, { id: '2' }, 1n, 1);
    expect(versions(buffer)).toEqual([
      { id: '2', a: 'x', b: undefined, deleted: true, inherits: { id: '1' } },
      { id: '1', deleted: true, inherits: null },
      { id: '3', a: 'x', b: undefined, deleted: false, inherits: { id: '1' } },
    ]);
  });

  it('are written in groups that carry the same columns', () => {
    const buffer = new ChangeBuffer();
    buffer.upsert(table, { id: '1', a: 'x', b: 'y' }, null, 1n, 1);
    buffer.upsert(table, { id: '2', a: 'x', b: undefined }, null, 1n, 1);
    buffer.delete(table, { id: '3' }, 1n, 1);
    const [[, rows] = [table, []]] = buffer.tables();
    expect(groupByColumns(table, rows).map((group) => group.columns)).toEqual([
      ['id', 'a', 'b'],
      ['id', 'a'],
      ['id'],
    ]);
  });
});

describe('the batcher', () => {
  const relation = {
    tag: 'relation',
    relationOid: 1,
    schema: 'public',
    name: 't',
  } as Pgoutput.MessageRelation;
  const begin = (at: string): Pgoutput.Message => ({ tag: 'begin', commitLsn: at, commitTime: 5n, xid: 1 });
  const insert = (id: number): Pgoutput.Message => ({
    tag: 'insert',
    relation,
    new: { id: `${id}`, a: 'x', b: 'y' },
  });
  const commit = (end: string): Pgoutput.Message => ({
    tag: 'commit',
    flags: 0,
    commitLsn: null,
    commitEndLsn: end,
    commitTime: 5n,
  });

  function harness(limits = { batchMs: 1, maxChanges: 3, maxBytes: 1e9 }) {
    const written: Batch[] = [];
    const events: string[] = [];
    let release: () => void = () => undefined;
    const sink: BatchSink = {
      write: async (batch) => {
        written.push(batch);
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      },
      layout: () => table,
      pause: () => events.push('pause'),
      resume: () => events.push('resume'),
      fail: (error) => events.push(String(error)),
      warn: (message) => events.push(message),
    };
    const batcher = new Batcher(sink, parseLsn('0/100'), limits);
    batcher.receive(relation, 1);
    return { batcher, written, events, finish: () => release() };
  }
  const next = () => new Promise((resolve) => setTimeout(resolve, 20));

  it('skips what raw has already, and nothing else', async () => {
    const { batcher, written, finish } = harness();
    for (const [at, end, id] of [
      ['0/F0', '0/100', 1],
      ['0/100', '0/120', 2],
    ] as const) {
      batcher.receive(begin(at), 1);
      batcher.receive(insert(id), 1);
      batcher.receive(commit(end), 1);
    }
    await next();
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject({ upTo: parseLsn('0/120'), transactions: 1 });
    expect(versions(written[0]?.changes ?? new ChangeBuffer())).toMatchObject([{ id: '2' }]);
    finish();
    await batcher.close();
  });

  it('writes a large transaction in pieces that do not count as done, and holds the source back', async () => {
    const { batcher, written, events, finish } = harness();
    batcher.receive(begin('0/200'), 1);
    for (let id = 1; id <= 6; id++) batcher.receive(insert(id), 1);
    expect(written.map((batch) => batch.upTo)).toEqual([null]);
    expect(events).toEqual(['pause']);
    finish();
    await next();
    expect(events).toEqual(['pause', 'resume']);
    expect(written.map((batch) => batch.upTo)).toEqual([null, null]);
    batcher.receive(commit('0/220'), 1);
    finish();
    await next();
    expect(written.map((batch) => batch.upTo)).toEqual([null, null, parseLsn('0/220')]);
    finish();
    await batcher.close();
  });

  it('takes a keepalive for progress only when nothing is under way', async () => {
    const { batcher, written, finish } = harness();
    batcher.receive(begin('0/200'), 1);
    batcher.keepalive(parseLsn('0/900'), true);
    await next();
    expect(written).toEqual([]);
    batcher.receive(insert(1), 1);
    batcher.receive(commit('0/220'), 1);
    batcher.keepalive(parseLsn('0/900'), true);
    await next();
    expect(written.map((batch) => batch.upTo)).toEqual([parseLsn('0/220')]);
    finish();
    await next();
    batcher.keepalive(parseLsn('0/220'), true);
    batcher.keepalive(parseLsn('0/300'), true);
    await next();
    expect(written.map((batch) => batch.upTo)).toEqual([parseLsn('0/220'), parseLsn('0/300')]);
    finish();
    await batcher.close();
  });
});
