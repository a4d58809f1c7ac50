import { expect, test } from 'vitest';
import {
  type DashboardDefinition,
  loadDashboards,
  parseDashboard,
} from '../../../src/lakehouse/dashboards.ts';

const dashboards = await loadDashboards();

test('four dashboards ship, each well built', () => {
  expect(dashboards.map((one) => one.name)).toEqual(['customers', 'executive', 'logistics', 'sales']);
});

test('the executive shows each figure beside that of the period before', () => {
  const executive = dashboards.find((one) => one.name === 'executive')?.definition;
  const counters =
    executive?.pages[0]?.layout
      .map((cell) => cell.widget)
      .filter((one) => one.spec.widgetType === 'counter') ?? [];
  expect(counters).toHaveLength(6);
  for (const counter of counters) expect(Object.keys(counter.spec.encodings)).toEqual(['value', 'target']);
});

test('filters reach datasets that carry their column', () => {
  for (const { name, definition } of dashboards) {
    const filters = definition.pages
      .flatMap((page) => page.layout)
      .filter((cell) => cell.widget.spec.widgetType.startsWith('filter'));
    for (const { widget } of filters) {
      for (const { query } of widget.queries) {
        const sql =
          definition.datasets.find((one) => one.name === query.datasetName)?.queryLines.join('') ?? '';
        expect(sql, `${name}/${query.datasetName}`).toContain(query.fields[0]?.name);
      }
    }
  }
});

/** A change to a sound dashboard, and what the checker must say of it. */
const faults: readonly (readonly [string, (definition: DashboardDefinition) => void, RegExp])[] = [
  ['a wrong version', (d) => at(d).widget.spec.version++, /has version 2, not 3/],
  [
    'an unknown kind',
    (d) => {
      at(d).widget.spec.widgetType = 'gauge';
    },
    /unknown kind gauge/,
  ],
  [
    'a dataset that is not there',
    (d) => {
      query(d).datasetName = 'x';
    },
    /no dataset x/,
  ],
  [
    'a field that is not asked for',
    (d) => {
      (at(d).widget.spec.encodings['value'] as { fieldName: string }).fieldName = 'x';
    },
    /encodes x, which its query lacks/,
  ],
  [
    'a row that does not fill the grid',
    (d) => {
      at(d).position.width = 1;
    },
    /a gap or an overlap/,
  ],
  [
    'two datasets of one name',
    (d) => {
      d.datasets.push(structuredClone(d.datasets[0] as never));
    },
    /two datasets/,
  ],
  [
    'a dataset that nobody shows',
    (d) => {
      d.datasets.push({ name: 'x', displayName: 'x', queryLines: ['SELECT 1'] });
    },
    /no widget shows/,
  ],
  [
    'a field of its own',
    (d) => {
      Object.assign(d, { colour: 1 });
    },
    /[Uu]nrecognized key/,
  ],
];

test.each(faults)('%s is found', (_, plant, message) => {
  const definition = structuredClone(
    dashboards.find((one) => one.name === 'executive')?.definition,
  ) as DashboardDefinition;
  expect(parseDashboard('x', JSON.stringify(definition))).toEqual(definition);
  plant(definition);
  expect(() => parseDashboard('x', JSON.stringify(definition))).toThrow(message);
});

function at(definition: DashboardDefinition) {
  return definition.pages[0]?.layout[0] as DashboardDefinition['pages'][number]['layout'][number];
}

function query(definition: DashboardDefinition) {
  return (at(definition).widget.queries[0] as { query: { datasetName: string } }).query;
}
