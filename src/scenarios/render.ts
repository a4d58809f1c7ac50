import Table from 'cli-table3';
import type { Played, Scenario } from './scenario.ts';

/** A scenario that was played. */
export interface Performance extends Played {
  readonly name: string;
  readonly tookMs: number;
}

/** What there is to play. */
export function renderList(scenarios: readonly Scenario[]): string {
  const table = new Table({
    head: ['scenario', 'what it does', 'a correct target shows', 'where readers stumble'],
    colWidths: [19, 42, 38, 42],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const { name, does, shows, trap, size } of scenarios) {
    table.push([name, `${does} (--rows: ${size.of}, ${size.rows})`, shows, trap]);
  }
  return `${table.toString()}
play them:  npm run sim -- scenario rollback key-reuse      (or: all)
and prove:  npm run sim -- scenario all --target postgres://user:password@host:5432/database --wait 10m
take back:  npm run sim -- scenario clean
`;
}

/** What was done, and what the target must show. */
export function renderPerformance({ name, changes, facts, look, tookMs }: Performance): string {
  const written = changes
    .map(({ table, inserted, updated, deleted }) => {
      const parts = [
        [inserted, 'inserted'],
        [updated, 'updated'],
        [deleted, 'deleted'],
      ] as const;
      const some = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
      return some.length === 0 ? '' : `${table}: ${some.join(', ')}`;
    })
    .filter((text) => text !== '')
    .join(' · ');
  return [
    `✓ ${name}: ${written} (${(tookMs / 1000).toFixed(1)} s)`,
    ...facts.map((fact) => `    ${fact}`),
    ...look.map((statement) => `    ${statement};`),
    '',
  ].join('\n');
}
