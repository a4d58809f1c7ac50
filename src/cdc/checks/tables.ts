import { publishedTables } from '../../db/schema.ts';
import type { Difference } from '../../db/shape.ts';
import { identifier } from '../../lib/sql-text.ts';
import { type ColumnFacts, type Facts, type PublicationFacts, type TableFacts, valueOr } from '../facts.ts';
import { formatBytes, publicTable } from '../format.ts';
import { type Check, check, list, note, pass, problem, type Verdict } from './check.ts';

/** The fourteen tables and the heartbeat, as they are now. */
export function tableChecks(facts: Facts): readonly Check[] {
  const { tables } = facts;
  const whenAny =
    (judge: (tables: readonly TableFacts[]) => Verdict) =>
    (found: readonly TableFacts[]): Verdict =>
      found.length === 0 ? note('there are no tables yet') : judge(found);
  return [
    check('tables', 'tables', tables, judgePresence),
    check('shape', 'as the simulator made them', facts.shape, judgeDifferences),
    check('primary-keys', 'primary keys', tables, whenAny(judgePrimaryKeys)),
    check('replica-identity', 'replica identity', tables, whenAny(judgeReplicaIdentity)),
    check('out-of-line', 'values that CDC may leave out', tables, whenAny(judgeOutOfLine)),
    check('column-types', 'column types', tables, whenAny(judgeTypes)),
    check('names', 'names', tables, whenAny(judgeNames)),
    check(
      'unlogged',
      'logged tables',
      tables,
      whenAny((found) => judgeUnlogged(found, valueOr(facts.publication, null))),
    ),
  ];
}

export function judgePresence(tables: readonly TableFacts[]): Verdict {
  const missing = publishedTables.filter((name) => !tables.some((table) => table.name === name));
  if (missing.length === 0) return pass(`all ${publishedTables.length} are there`);
  return missing.length === publishedTables.length
    ? problem('fail', 'the shop has no tables here yet', 'run: npm run sim -- migrate')
    : problem(
        'fail',
        `missing: ${list(missing)}`,
        'restore them from a backup, or start over: npm run sim -- reset',
      );
}

/** Told by checks of their own. */
const TOLD_ELSEWHERE: readonly Difference['topic'][] = ['logging', 'identity'];

export function judgeDifferences(differences: readonly Difference[] | null): Verdict {
  if (differences === null) return note('there are no tables yet');
  const told = differences.filter(
    ({ topic, what }) =>
      !TOLD_ELSEWHERE.includes(topic) && !/^public\.\w+ (is missing|has no primary key)/.test(what),
  );
  if (told.length === 0) return pass('columns, keys, triggers, sequences');
  const fails = told.some(({ level }) => level === 'fail');
  return problem(
    fails ? 'fail' : 'warn',
    told.map(({ what }) => what).join('; '),
    fails
      ? 'put them back as they were; until then the simulator does not start'
      : 'look whether it is meant',
    told.flatMap(({ sql }) => sql),
  );
}

export function judgePrimaryKeys(tables: readonly TableFacts[]): Verdict {
  const without = tables.filter((table) => !table.hasPrimaryKey);
  if (without.length === 0) return pass('every table has one');
  return problem(
    'fail',
    `${list(without.map((table) => table.name))}: no primary key, so readers append instead of updating, and UPDATE and DELETE may fail here`,
    'add it',
    without.map((table) => `ALTER TABLE ${publicTable(table.name)} ADD PRIMARY KEY (id)`),
  );
}

export function judgeReplicaIdentity(tables: readonly TableFacts[]): Verdict {
  const wrong = tables.filter(
    (table) => table.replicaIdentity === 'n' || (table.replicaIdentity === 'i' && !table.identityIndexValid),
  );
  if (wrong.length > 0) {
    return problem(
      'fail',
      `${list(wrong.map((table) => table.name))}: changes carry no key, and UPDATE and DELETE fail on the source once published`,
      'let the primary key identify rows (or REPLICA IDENTITY FULL)',
      wrong.map((table) => `ALTER TABLE ${publicTable(table.name)} REPLICA IDENTITY DEFAULT`),
    );
  }
  const full = tables.filter((table) => table.replicaIdentity === 'f').map((table) => table.name);
  return pass(full.length === 0 ? 'default: the primary key' : `default; full: ${list(full)}`);
}

export function judgeOutOfLine(tables: readonly TableFacts[]): Verdict {
  const could = tables.filter(
    (table) => table.replicaIdentity !== 'f' && table.columns.some((column) => column.outOfLine),
  );
  const does = could.filter((table) => table.toastBytes > 0);
  if (does.length === 0) return pass('no value is stored out of line');
  const names = does.map((table) => `${table.name} (${formatBytes(table.toastBytes)})`);
  return problem(
    'note',
    `stored out of line in ${list(names)}: an update that leaves such a value alone does not send it, and some readers then write NULL`,
    'if the target shows NULL there, send whole rows (more WAL)',
    does.map((table) => `ALTER TABLE ${publicTable(table.name)} REPLICA IDENTITY FULL`),
  );
}

/** What readers are known to mangle, and the type to use instead; null: carried well. */
export function troubleOf(column: ColumnFacts): { readonly why: string; readonly change: string } | null {
  const name = identifier(column.name);
  const toText = `ALTER COLUMN ${name} TYPE text USING ${name}::text`;
  if (column.generated) {
    return { why: 'generated: not published before 18', change: `ALTER COLUMN ${name} DROP EXPRESSION` };
  }
  if (column.isArray) return { why: `array (${column.type})`, change: toText };
  if (/^(time with time zone|timetz)/.test(column.type)) return { why: 'timetz', change: toText };
  if (column.type === 'numeric') {
    return { why: 'numeric without scale', change: `ALTER COLUMN ${name} TYPE numeric(38,9)` };
  }
  if (column.type === 'money') {
    return { why: 'money', change: `ALTER COLUMN ${name} TYPE numeric(12,2) USING ${name}::numeric` };
  }
  if (['c', 'r', 'm'].includes(column.kind)) return { why: column.type, change: toText };
  if (
    /^(hstore|xml|bit|tsvector|vector|geometry|geography|point|line|lseg|box|path|polygon|circle)\b/.test(
      column.type,
    )
  ) {
    return { why: column.type, change: toText };
  }
  return null;
}

export function judgeTypes(tables: readonly TableFacts[]): Verdict {
  const wrong = tables.flatMap((table) =>
    table.columns.flatMap((column) => {
      const trouble = troubleOf(column);
      return trouble === null ? [] : [{ table: table.name, column: column.name, ...trouble }];
    }),
  );
  if (wrong.length === 0) return pass('all are carried by every reader');
  return problem(
    'warn',
    `readers mangle or drop: ${list(wrong.map((w) => `${w.table}.${w.column} (${w.why})`))}`,
    'change the type, or leave the column out',
    wrong.map((w) => `ALTER TABLE ${publicTable(w.table)} ${w.change}`),
  );
}

/** Names that no destination rewrites. */
const SAFE_NAME = /^[a-z][a-z0-9_]*[a-z0-9]$/;

export function judgeNames(tables: readonly TableFacts[]): Verdict {
  const wrong = tables.flatMap((table) =>
    table.columns
      .filter((column) => !SAFE_NAME.test(column.name))
      .map((column) => ({ table, column: column.name, better: safeName(column.name, table) })),
  );
  if (wrong.length === 0) return pass('all are kept as they are');
  return problem(
    'warn',
    `readers rewrite: ${list(wrong.map((w) => `${w.table.name}.${w.column}`))}`,
    'rename',
    wrong.map(
      (w) =>
        `ALTER TABLE ${publicTable(w.table.name)} RENAME COLUMN ${identifier(w.column)} TO ${identifier(w.better)}`,
    ),
  );
}

function safeName(name: string, table: TableFacts): string {
  const base = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f]/g, '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^[_0-9]+|_+$/g, '');
  const stem = base.length < 2 ? `column_${base}`.replace(/_$/, '') : base;
  const taken = new Set(table.columns.map((column) => column.name));
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? stem : `${stem}_${i}`;
    if (!taken.has(candidate)) return candidate;
  }
}

export function judgeUnlogged(tables: readonly TableFacts[], publication: PublicationFacts | null): Verdict {
  const wrong = tables.filter((table) => table.persistence !== 'p');
  if (wrong.length === 0) return pass('every table writes WAL');
  const names = wrong.map((table) => publicTable(table.name));
  // the server takes no unlogged table into a publication: it must be put back afterwards
  const back =
    publication === null || publication.allTables
      ? []
      : [`ALTER PUBLICATION ${identifier(publication.name)} ADD TABLE ${names.join(', ')}`];
  return problem(
    'fail',
    `${list(wrong.map((table) => table.name))}: unlogged, so no change of it reaches a reader`,
    'write WAL again (rewrites the table), and publish it',
    [...names.map((name) => `ALTER TABLE ${name} SET LOGGED`), ...back],
  );
}
