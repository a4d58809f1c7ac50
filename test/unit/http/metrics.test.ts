import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Metrics } from '../../../src/http/metrics.ts';
import { FakeStatusSource } from '../../support/fake-status-source.ts';

const source = new FakeStatusSource();
const announced = (event: 'order.placed' | 'order.shipped', fields = {}) =>
  ({ event, atMs: 0, message: '', fields }) as const;

function value(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

it('counts orders, transitions and how late they are', async () => {
  const metrics = new Metrics();
  metrics.observe(announced('order.placed'));
  metrics.observe(announced('order.placed'));
  metrics.observe(announced('order.shipped', { lagMs: 1200 }));
  metrics.recordTransitionLag(-3);
  const text = await metrics.text(null);
  expect(value(text, 'cdc_sim_orders_placed_total')).toBe(2);
  expect(value(text, 'cdc_sim_order_transitions_total{event="shipped"}')).toBe(1);
  expect(value(text, 'cdc_sim_transition_lag_seconds_count')).toBe(2);
  expect(value(text, 'cdc_sim_transition_lag_seconds_sum')).toBe(1.2);
  expect(value(text, 'cdc_sim_transition_lag_seconds_bucket{le="1"}')).toBe(1);
});

it('takes the gauges from the snapshot, and forgets a slot that was dropped', async () => {
  const metrics = new Metrics();
  const snapshot = await source.status();
  const text = await metrics.text(snapshot);
  expect(value(text, 'cdc_sim_target_rate')).toBe(60);
  expect(value(text, 'cdc_sim_database_connected')).toBe(1);
  expect(value(text, 'cdc_sim_paused{source="operator"}')).toBe(0);
  expect(value(text, 'cdc_sim_slot_retained_bytes{slot="hevo_slot"}')).toBe(212 * 1024 ** 2);
  expect(value(text, 'cdc_sim_pool_connections{state="idle"}')).toBe(3);
  expect(value(text, 'cdc_sim_orders{status="Enviado"}')).toBe(1186);
  const without = await metrics.text({ ...snapshot, cdc: { ...snapshot.cdc, slots: [] } });
  expect(without).not.toContain('hevo_slot');
});

it('keeps the counter of changes going up, whatever the snapshot says', async () => {
  const metrics = new Metrics();
  const snapshot = await source.status();
  const withTotal = (total: number) => ({
    ...snapshot,
    changes: [{ table: 'pedidos', op: 'U' as const, perSecond: 1, total }],
  });
  const series = 'cdc_sim_changes_total{table="pedidos",op="update"}';
  expect(value(await metrics.text(withTotal(10)), series)).toBe(10);
  expect(value(await metrics.text(withTotal(25)), series)).toBe(25);
  expect(value(await metrics.text(withTotal(20)), series)).toBe(25);
  expect(value(await metrics.text(withTotal(30)), series)).toBe(30);
});

it('has every metric that the dashboard asks for', async () => {
  const metrics = new Metrics();
  metrics.observe(announced('order.shipped', { lagMs: 10 }));
  const text = await metrics.text(await source.status());
  const file = join(import.meta.dirname, '../../../ops/grafana/dashboards/cdc-sim.json');
  const dashboard = JSON.parse(readFileSync(file, 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const asked = dashboard.panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(cdc_sim|process|nodejs)_\w+/g) ?? []),
  );
  expect(asked.length).toBeGreaterThanOrEqual(dashboard.panels.length);
  for (const name of new Set(asked)) expect(text, name).toMatch(new RegExp(`^${name}(\\{| )`, 'm'));
});
