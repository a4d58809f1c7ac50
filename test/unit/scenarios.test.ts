import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../../src/scenarios/list.ts';
import { renderList, renderPerformance } from '../../src/scenarios/render.ts';
import { change } from '../../src/scenarios/scenario.ts';

const root = new URL('../../', import.meta.url);

describe('the scenarios', () => {
  it('are those of docs/scenarios.md, in the same order', () => {
    const page = readFileSync(new URL('docs/scenarios.md', root), 'utf8');
    const told = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
    expect(told).toEqual(scenarios.map(({ name }) => name));
    expect(readFileSync(new URL('README.md', root), 'utf8')).toContain('thirteen adversities');
    expect(scenarios).toHaveLength(13);
  });

  it('have names of their own, which are no words of the command, and a size that can be played', () => {
    const names = scenarios.map(({ name }) => name);
    expect(new Set([...names, 'all', 'clean']).size).toBe(names.length + 2);
    for (const { size } of scenarios) {
      expect(size.rows).toBeGreaterThan(0);
      expect(size.rows).toBeLessThanOrEqual(size.most);
    }
  });

  it('are all in the list that the command prints', () => {
    const list = renderList(scenarios);
    for (const { name, size } of scenarios) {
      expect(list).toContain(name);
      expect(list).toContain(`${size.rows})`);
    }
  });

  it('tell what was written, without what was not', () => {
    expect(
      renderPerformance({
        name: 'rollback',
        tookMs: 1_250,
        changes: [
          change('clientes', { inserted: 20 }),
          change('pedidos', {}),
          change('produtos', { deleted: 1 }),
        ],
        facts: ['20 are there'],
        look: ['SELECT 1'],
      }),
    ).toBe(
      '✓ rollback: clientes: 20 inserted · produtos: 1 deleted (1.3 s)\n    20 are there\n    SELECT 1;\n',
    );
  });
});
