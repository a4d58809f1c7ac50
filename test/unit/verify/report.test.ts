import { describe, expect, it } from 'vitest';
import { parseDuration, parseMoment, parseTables, parseWhole } from '../../../src/verify/arguments.ts';
import { compareEvents } from '../../../src/verify/events.ts';
import { renderReport } from '../../../src/verify/render.ts';
import { conclude, noCounts, type VerifyReport } from '../../../src/verify/report.ts';

const empty: Omit<VerifyReport, 'ok' | 'summary'> = {
  source: 'here',
  target: 'there',
  watermark: { at: '2025-03-01 10:00:00.000000', lsn: '0/1', snapshot: '1:1:' },
  lagMs: 0,
  waitMs: 0,
  tookMs: 1_234,
  tables: [],
  counts: noCounts(),
  inFlight: 0,
  differences: [],
  tornOrders: [],
  shapeProblems: [],
  latency: null,
  events: null,
  notes: [],
};

describe('the conclusion', () => {
  it('is good when nothing is lost, whatever is in flight', () => {
    expect(conclude({ ...empty, inFlight: 3 })).toEqual({
      ok: true,
      summary: 'everything up to the watermark has arrived (3 newer rows in flight)',
    });
  });

  it.each([
    ['a row', { counts: { ...noCounts(), wrong: 1 } }, '1 row differs (1 wrong value)'],
    ['a torn order', { tornOrders: [{ order: 1, reasons: ['no items'], targetSql: '' }] }, '1 torn order'],
    ['a table', { shapeProblems: ['table x is not at the target'] }, 'table x is not at the target'],
    [
      'events',
      {
        events: [
          { table: 't', op: 'U' as const, noted: 5, notedLater: 5, arrived: 3, verdict: 'lost' as const },
        ],
      },
      '2 of 5 U events of t did not arrive',
    ],
    [
      'probes',
      { latency: { sent: 1, arrived: 0, p50Ms: null, p95Ms: null, p99Ms: null, note: null } },
      'no probe arrived: nothing moves from source to target at present',
    ],
  ])('is bad when %s is lost', (_what, findings, summary) => {
    expect(conclude({ ...empty, ...findings })).toEqual({ ok: false, summary });
  });

  it('is not judged by probes that the source did not take', () => {
    const latency = { sent: 0, arrived: 0, p50Ms: null, p95Ms: null, p99Ms: null, note: 'read-only' };
    expect(conclude({ ...empty, latency }).ok).toBe(true);
  });
});

describe('the report on paper', () => {
  it('names table, key, both values and the SQL for either side', () => {
    const findings: Omit<VerifyReport, 'ok' | 'summary'> = {
      ...empty,
      counts: { ...noCounts(), stale: 12 },
      tables: [
        {
          table: 'clientes',
          sourceRows: 40,
          targetRows: 40,
          counts: { ...noCounts(), stale: 12 },
          inFlight: 0,
          arrivedMeanwhile: 0,
        },
      ],
      differences: Array.from({ length: 12 }, (_, i) => ({
        table: 'clientes',
        key: i,
        kind: 'stale' as const,
        columns: [{ name: 'bairro', source: 'Sé', target: null }],
        note: null,
        sourceSql: `SELECT source ${i};`,
        targetSql: `SELECT target ${i};`,
      })),
    };
    const text = renderReport({ ...findings, ...conclude(findings) });
    expect(text).toContain('✗ clientes 3: stale\n    bairro: "Sé" at the source, NULL at the target');
    expect(text).toContain('at the source: SELECT source 3;');
    expect(text).toContain('at the target: SELECT target 3;');
    expect(text).toContain('… and more clientes stale');
    expect(text).not.toContain('clientes 11: stale');
    expect(text.trimEnd()).toMatch(/✗ 12 rows differ \(12 stale\) \(1\.2 s\)$/);
  });
});

describe('events against the ledger', () => {
  const tables = ['t'];
  const I = (count: number) => [{ table: 't', op: 'I' as const, count }];
  const verdicts = (...args: Parameters<typeof compareEvents>) =>
    compareEvents(...args).map(({ op, verdict }) => `${op} ${verdict}`);

  it('fewer are lost, more were delivered twice, and traffic may go on meanwhile', () => {
    expect(verdicts(I(5), I(4), I(5), tables)[0]).toBe('I lost');
    expect(verdicts(I(5), I(5), I(5), tables)[0]).toBe('I equal');
    expect(verdicts(I(5), I(7), I(8), tables)[0]).toBe('I equal');
    expect(verdicts(I(5), I(9), I(8), tables)[0]).toBe('I more');
    expect(verdicts([], [], [], tables)).toEqual(['I equal', 'U equal', 'D equal']);
  });

  it('rows of the first copy stand for inserts', () => {
    const arrived = [...I(2), { table: 't', op: 'R' as const, count: 3 }];
    expect(verdicts(I(5), arrived, I(5), tables)[0]).toBe('I equal');
  });
});

describe('arguments', () => {
  it('reads durations', () => {
    expect(['500ms', '5s', '2m', '1h', '7', '1.5s'].map((text) => parseDuration('--lag', text))).toEqual([
      500, 5_000, 120_000, 3_600_000, 7_000, 1_500,
    ]);
    for (const text of ['', 's', '-1s', '5 d', '1e3']) {
      expect(() => parseDuration('--lag', text)).toThrow('is not a duration');
    }
  });

  it('reads tables in the order in which they are published', () => {
    expect(parseTables('pedidos, CLIENTES')).toEqual(['clientes', 'pedidos']);
    expect(parseTables(undefined)).toHaveLength(15);
    expect(() => parseTables('pedidos,nope')).toThrow('"nope"');
  });

  it('reads whole numbers and moments', () => {
    expect(parseWhole('--probes', '0', 0, 9)).toBe(0);
    for (const text of ['10', '-1', '1.5', '']) expect(() => parseWhole('--probes', text, 0, 9)).toThrow();
    expect(parseMoment('--events-since', '2025-03-01T10:00:00-03:00')).toBe('2025-03-01T13:00:00.000Z');
    expect(() => parseMoment('--events-since', 'yesterday')).toThrow('is not a time');
  });
});
