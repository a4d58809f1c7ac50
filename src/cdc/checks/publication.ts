import { publishedTables } from '../../db/schema.ts';
import { identifier } from '../../lib/sql-text.ts';
import type { Facts, PublicationFacts, TableFacts } from '../facts.ts';
import { publicTable } from '../format.ts';
import { type Check, type CheckOptions, check, list, note, pass, problem, type Verdict } from './check.ts';

/** The publication: which tables, which changes, nothing left out. */
export function publicationChecks(facts: Facts, options: CheckOptions): readonly Check[] {
  const tables = facts.tables.known ? facts.tables.value : [];
  const withPublication =
    (judge: (publication: PublicationFacts) => Verdict) =>
    (publication: PublicationFacts | null): Verdict =>
      publication === null ? note(`there is no publication ${options.publication}`) : judge(publication);
  return [
    check('publication-tables', `publication ${options.publication}`, facts.publication, (publication) =>
      judgeTables(publication, tables, options.publication),
    ),
    check(
      'publication-operations',
      'published operations',
      facts.publication,
      withPublication(judgeOperations),
    ),
    check(
      'publication-partitions',
      'partitions',
      facts.publication,
      withPublication((publication) => judgePartitions(publication, tables)),
    ),
    check('publication-filters', 'row and column filters', facts.publication, withPublication(judgeFilters)),
  ];
}

/** Expected tables that can be published and that the publication does not carry. */
export function uncovered(publication: PublicationFacts, tables: readonly TableFacts[]): readonly string[] {
  return publishedTables.filter(
    (name) =>
      tables.some((table) => table.name === name && table.persistence === 'p') &&
      !publication.tables.includes(`public.${name}`),
  );
}

export function judgeTables(
  publication: PublicationFacts | null,
  tables: readonly TableFacts[],
  name: string,
): Verdict {
  if (publication === null) {
    return problem('fail', `there is no publication ${name}`, 'run: npm run sim -- setup-cdc');
  }
  const missing = uncovered(publication, tables);
  if (missing.length > 0) {
    return problem('fail', `does not carry ${list(missing)}`, 'add what is missing', [
      `ALTER PUBLICATION ${identifier(publication.name)} ADD TABLE ${missing.map(publicTable).join(', ')}`,
    ]);
  }
  const own = publication.tables.filter((table) => table.startsWith('simulator.'));
  if (own.length > 0) {
    return problem(
      'warn',
      `carries ${list(own)}: the simulator's own notes, which change with every order`,
      'publish only the tables of the shop: drop this publication while no reader uses it, and make it again with setup-cdc',
    );
  }
  return pass(`${publication.tables.length} tables, heartbeat included`);
}

export function judgeOperations(publication: PublicationFacts): Verdict {
  const missing = (['insert', 'update', 'delete'] as const).filter((operation) => !publication[operation]);
  const set = `ALTER PUBLICATION ${identifier(publication.name)} SET (publish = 'insert, update, delete')`;
  if (missing.length > 0) {
    return problem('fail', `leaves out every ${missing.join(' and ')}`, 'publish all three', [set]);
  }
  if (publication.truncate) {
    return problem(
      'note',
      'insert, update, delete, truncate: many readers mishandle TRUNCATE (the simulator never does it)',
      'leave it out',
      [set],
    );
  }
  return pass('insert, update, delete');
}

export function judgePartitions(publication: PublicationFacts, tables: readonly TableFacts[]): Verdict {
  const partitioned = tables.filter((table) => table.kind === 'p').map((table) => table.name);
  if (partitioned.length === 0) return pass('no table has partitions');
  if (publication.viaRoot) {
    return pass(
      `${list(partitioned)}: published under the name of the table (in Hevo: do not split partitions)`,
    );
  }
  return problem(
    'warn',
    `${list(partitioned)}: each partition arrives as a table of its own`,
    'publish under the name of the table, or tell the reader to split partitions',
    [`ALTER PUBLICATION ${identifier(publication.name)} SET (publish_via_partition_root = true)`],
  );
}

export function judgeFilters(publication: PublicationFacts): Verdict {
  const { rowFilters, columnLists } = publication;
  const wrong = [...new Set([...rowFilters, ...columnLists])];
  if (wrong.length === 0) return pass('none');
  const what = [
    ...(rowFilters.length > 0 ? [`rows of ${list(rowFilters)}`] : []),
    ...(columnLists.length > 0 ? [`columns of ${list(columnLists)}`] : []),
  ];
  return problem(
    'fail',
    `leaves out ${what.join(', and ')}`,
    'publish whole tables (in one transaction, so that no change falls between)',
    unfilter(publication.name, wrong),
  );
}

/** Takes tables out and puts them back whole; names are qualified. */
export function unfilter(publication: string, tables: readonly string[]): readonly string[] {
  const names = tables.map((table) => table.split('.').map(identifierInPath).join('.')).join(', ');
  const name = identifier(publication);
  return [`ALTER PUBLICATION ${name} DROP TABLE ${names}`, `ALTER PUBLICATION ${name} ADD TABLE ${names}`];
}

function identifierInPath(part: string, index: number): string {
  return index === 0 && part === 'public' ? part : identifier(part);
}
