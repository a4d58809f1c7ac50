import { join } from 'node:path';
import { expect, test } from 'vitest';
import { datasetSql, loadDashboards } from '../../../src/lakehouse/dashboards.ts';
import { lintSql } from '../../../src/lakehouse/lint.ts';
import { lintRules } from '../../../src/lakehouse/lint-rules.ts';
import { DATABRICKS_DIR, readSqlFiles } from '../../../src/lakehouse/transform/load.ts';

/** For each rule: what breaks it, and what to write instead. */
const examples: Readonly<Record<string, { bad: string[]; good: string[] }>> = {
  'three-argument-datediff': {
    bad: [
      'SELECT datediff(DAY, a, b)',
      'SELECT date_diff(HOUR, f(a, 1), b)',
      'SELECT timestampdiff(SECOND, a, b)',
    ],
    good: ['SELECT datediff(b, a)', 'SELECT datediff(greatest(a, c), b)'],
  },
  'day-of-week': {
    bad: ['SELECT dayofweek(d)', 'SELECT weekday(d)', 'SELECT extract(DAYOFWEEK_ISO FROM d)'],
    good: [`SELECT pmod(datediff(d, DATE'2024-01-01'), 7) + 1 AS weekday`],
  },
  'date-format-e': {
    bad: [`SELECT date_format(d, 'EEEE')`, `SELECT date_format(d, 'yyyy-MM E')`],
    good: [`SELECT date_format(d, 'yyyy-MM')`, `SELECT 'E', date_format(d, 'dd')`],
  },
  'null-concat': {
    bad: [`SELECT a || b`, `SELECT concat(a, 'x')`],
    good: [`SELECT concat_ws('', a, '||')`],
  },
  percentile: {
    bad: ['SELECT percentile(x, 0.9)', 'SELECT percentile_approx(x, 0.9)', 'SELECT median(x)'],
    good: ['SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY x)'],
  },
  'months-between': { bad: ['SELECT months_between(a, b)'], good: ['SELECT month(a) - month(b)'] },
  'hidden-cast-error': {
    bad: ['SELECT try_cast(a AS INT)', 'SELECT a::DATE'],
    good: ['SELECT CAST(a AS INT)', `SELECT '::'`],
  },
  'decimal-division': { bad: ['SELECT a / b'], good: ['SELECT a DIV b /* a / b */ -- a / b'] },
  'uncast-quotient': {
    bad: [
      'SELECT try_divide(a, b)',
      'SELECT round(try_divide(a, b), 2)',
      'SELECT CAST(try_divide(a, b) AS INT)',
      'SELECT CAST(100 - try_divide(a, b) AS DECIMAL(5, 2))',
    ],
    good: ['SELECT 100 - CAST(try_divide(a, f(b)) AS DECIMAL(5, 2))'],
  },
  float: { bad: ['SELECT avg(x)', 'SELECT CAST(x AS DOUBLE)'], good: ['SELECT sum(x)'] },
  'count-if': { bad: ['SELECT count_if(a)'], good: ['SELECT count(*) FILTER (WHERE a)'] },
  'double-quotes': { bad: ['SELECT "a"'], good: [`SELECT 'a "b"', \`c\``] },
  'trunc-date': { bad: [`SELECT trunc(d, 'MM')`], good: [`SELECT date_trunc('MONTH', d), trunc`] },
  'bracketed-now': { bad: ['SELECT current_timestamp()', 'SELECT now()'], good: [`SELECT 'now()'`] },
  'anti-join': {
    bad: ['SELECT 1 FROM s.a LEFT ANTI JOIN s.b ON x', 'SELECT 1 FROM s.a LEFT SEMI JOIN s.b ON x'],
    good: ['SELECT 1 FROM s.a WHERE NOT EXISTS (SELECT 1 FROM s.b)'],
  },
  untranslatable: {
    bad: ['SELECT unix_timestamp(a)', 'SELECT posexplode(a)', 'MERGE INTO s.a USING s.b ON x'],
    good: ['SELECT unix_micros(a)'],
  },
  'clock-in-view': { bad: ['SELECT current_date', 'SELECT CURRENT_TIMESTAMP'], good: ['SELECT max(dia)'] },
  'window-without-partition': {
    bad: ['SELECT rank() OVER (ORDER BY a)', 'SELECT sum(a) OVER ()'],
    good: ['SELECT rank() OVER (PARTITION BY b ORDER BY a)'],
  },
  pivot: { bad: ['SELECT * FROM s.a PIVOT (sum(b) FOR c IN (1))'], good: ['SELECT pivoted FROM s.a'] },
  'streaming-read': {
    bad: ['CREATE OR REFRESH STREAMING TABLE b', 'SELECT * FROM STREAM(raw.a)'],
    good: ['SELECT 1'],
  },
  'live-prefix': { bad: ['SELECT * FROM LIVE.a'], good: ['SELECT live FROM s.a'] },
  'raw-above-bronze': {
    bad: ['SELECT * FROM raw.a', 'SELECT __hevo__loaded_at FROM bronze.a'],
    good: ['SELECT raw FROM bronze.a'],
  },
};

const broken = (sql: string, file = 'gold/x.sql') =>
  lintSql(file, sql, 'transformation').map((one) => one.rule);

test('every rule has examples and a reason', () => {
  expect(Object.keys(examples).sort()).toEqual(lintRules.map((rule) => rule.name).sort());
  for (const rule of lintRules) expect(rule.reason.length, rule.name).toBeGreaterThan(20);
});

test.each(Object.entries(examples))('%s is found where it is, and nowhere else', (rule, { bad, good }) => {
  for (const sql of bad) expect(broken(sql), sql).toContain(rule);
  for (const sql of good) expect(broken(sql), sql).not.toContain(rule);
});

test('bronze may read raw; checks and datasets may look at the clock', () => {
  expect(broken('SELECT __hevo__marked_deleted FROM raw.a', 'bronze/a.sql')).toEqual([]);
  expect(lintSql('checks/a.sql', 'SELECT current_date', 'check')).toEqual([]);
});

test('a rule is allowed by a comment that says why, and only where it is broken', () => {
  const sql = 'SELECT ntile(5) OVER (ORDER BY a)';
  expect(broken(`-- lint: allow window-without-partition (every row is ranked)\n${sql}`)).toEqual([]);
  expect(broken(`-- lint: allow window-without-partition\n${sql}`)).toEqual(['lint-comment']);
  expect(broken(`-- lint: allow pivot (for no reason at all)\n${sql}`).sort()).toEqual([
    'lint-comment',
    'window-without-partition',
  ]);
});

test('a finding names file, line and reason', () => {
  expect(lintSql('gold/x.sql', 'SELECT\n  a,\n  avg(b)\nFROM s.t', 'transformation')).toEqual([
    { file: 'gold/x.sql', line: 3, rule: 'float', reason: expect.stringContaining('DECIMAL') },
  ]);
});

test('everything that ships passes', async () => {
  const transformations = await readSqlFiles(join(DATABRICKS_DIR, 'transformations'));
  const checks = await readSqlFiles(join(DATABRICKS_DIR, 'checks'));
  expect(transformations.length).toBeGreaterThan(30);
  expect(checks.length).toBeGreaterThan(5);
  const findings = [
    ...transformations.flatMap(({ file, text }) => lintSql(file, text, 'transformation')),
    ...checks.flatMap(({ file, text }) => lintSql(file, text, 'check')),
  ];
  for (const { name, definition } of await loadDashboards()) {
    for (const dataset of definition.datasets) {
      findings.push(...lintSql(`${name}/${dataset.name}`, datasetSql(definition, dataset.name), 'dataset'));
    }
  }
  expect(findings).toEqual([]);
});
