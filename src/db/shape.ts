import { identifier } from '../lib/sql-text.ts';
import { type ExpectedColumn, type ExpectedTable, expectedTables } from './expected-tables.ts';

export interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  /** The server puts something there by itself: a default, an identity. */
  readonly filled: boolean;
  /** `a`: GENERATED ALWAYS AS IDENTITY; `d`: BY DEFAULT; '' none. */
  readonly identity: string;
  readonly generated: boolean;
}

/** One of our tables, as the catalog has it now. */
export interface FoundTable {
  readonly schema: string;
  readonly name: string;
  /** r table, p partitioned, v view … */
  readonly kind: string;
  readonly persistence: string;
  readonly columns: readonly FoundColumn[];
  readonly primaryKey: readonly string[];
  /** Columns that are unique by themselves. */
  readonly unique: readonly string[];
  /** Those that note changes; `enabled`: O origin, D disabled, R replica, A always. */
  readonly triggers: readonly { readonly name: string; readonly enabled: string }[];
  /** Rewrite rules but a view's own. */
  readonly rules: readonly string[];
  /** Row security holds for the role that asks. */
  readonly rowSecurity: boolean;
  /** That role has the owner's rights: row security holds for it because it is forced. */
  readonly owned: boolean;
  /** In a publication that carries updates or deletes. */
  readonly published: boolean;
  readonly replicaIdentity: string;
}

export type Topic =
  | 'table'
  | 'column'
  | 'key'
  | 'trigger'
  | 'rule'
  | 'row security'
  | 'logging'
  | 'identity'
  | 'sequence'
  | 'row';

/** One difference, and the statements that mend it. */
export interface Difference {
  readonly topic: Topic;
  /** `fail`: the simulator cannot work, or its notes would be wrong; `warn`: it works, and somebody should know. */
  readonly level: 'fail' | 'warn';
  readonly what: string;
  readonly sql: readonly string[];
}

/**
 * What of our tables is not as the migrations made them and matters. Columns of somebody else's that fill themselves,
 * wider types, constraints and triggers of others are none of our business.
 */
export function judgeShape(found: readonly FoundTable[]): readonly Difference[] {
  return expectedTables.flatMap((expected) => {
    const table = found.find(({ schema, name }) => schema === expected.schema && name === expected.name);
    const name = qualified(expected);
    if (table === undefined) {
      return [fail('table', `${name} is missing (dropped, or renamed)`, [])];
    }
    if (table.kind !== 'r' && table.kind !== 'p') {
      return [fail('table', `${name} is no table any more`, [])];
    }
    return [
      ...columnDifferences(expected, table, name),
      ...keyDifferences(expected, table, name),
      ...triggerDifferences(expected, table, name),
      ...accessDifferences(table, name),
      ...replicationDifferences(expected, table, name),
    ];
  });
}

/** Names of ours need no quotes. */
export function qualified({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}

export const fail = (topic: Topic, what: string, sql: readonly string[]): Difference => ({
  topic,
  level: 'fail',
  what,
  sql,
});
export const warn = (topic: Topic, what: string, sql: readonly string[]): Difference => ({
  topic,
  level: 'warn',
  what,
  sql,
});

function columnDifferences(expected: ExpectedTable, table: FoundTable, name: string): Difference[] {
  const differences: Difference[] = [];
  const strangers = table.columns.filter((column) => !expected.columns.has(column.name));
  const renamed = new Set<string>();
  for (const [column, wanted] of expected.columns) {
    const found = table.columns.find((other) => other.name === column);
    if (found !== undefined) {
      differences.push(...columnDifference(name, wanted, found));
      continue;
    }
    const candidates = strangers.filter((other) => fits(other.type, wanted.type) && !renamed.has(other.name));
    const candidate = candidates.length === 1 ? candidates[0] : undefined;
    if (candidate !== undefined) renamed.add(candidate.name);
    differences.push(missingColumn(name, column, wanted, candidate));
  }
  for (const stranger of strangers) {
    if (renamed.has(stranger.name) || !stranger.notNull || stranger.filled || stranger.generated) continue;
    differences.push(
      fail('column', `${name}.${identifier(stranger.name)} was added as NOT NULL without a default`, [
        `ALTER TABLE ${name} ALTER COLUMN ${identifier(stranger.name)} DROP NOT NULL`,
      ]),
    );
  }
  return differences;
}

function missingColumn(
  table: string,
  column: string,
  wanted: ExpectedColumn,
  renamed: FoundColumn | undefined,
): Difference {
  if (renamed !== undefined) {
    return fail(
      'column',
      `${table}.${column} is missing; ${identifier(renamed.name)} looks like it, renamed`,
      [`ALTER TABLE ${table} RENAME COLUMN ${identifier(renamed.name)} TO ${column}`],
    );
  }
  return fail('column', `${table}.${column} is missing`, [
    `ALTER TABLE ${table} ADD COLUMN ${column} ${wanted.type}`,
    ...(wanted.filledBy === null ? [] : [`ALTER TABLE ${table} ALTER COLUMN ${column} ${wanted.filledBy}`]),
  ]);
}

function columnDifference(table: string, wanted: ExpectedColumn, found: FoundColumn): Difference[] {
  const column = `${table}.${found.name}`;
  const alter = `ALTER TABLE ${table} ALTER COLUMN ${found.name}`;
  if (found.generated) {
    return [fail('column', `${column} is a generated column now`, [`${alter} DROP EXPRESSION`])];
  }
  if (!fits(found.type, wanted.type)) {
    return [
      fail('column', `${column} is ${found.type}, not ${wanted.type}`, [
        `${alter} TYPE ${wanted.type} USING ${found.name}::${wanted.type}`,
      ]),
    ];
  }
  if (wanted.nullable && found.notNull) {
    return [fail('column', `${column} takes no NULL any more`, [`${alter} DROP NOT NULL`])];
  }
  if (wanted.filledBy !== null && !found.filled) {
    return [
      fail('column', `${column} is not filled by the server any more`, [`${alter} ${wanted.filledBy}`]),
    ];
  }
  if (found.identity === 'a') {
    return [
      fail('column', `${column} takes no value of ours any more`, [`${alter} SET GENERATED BY DEFAULT`]),
    ];
  }
  return [];
}

const WIDER: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer', 'bigint'],
  integer: ['bigint'],
};

/** Whether a column of type `found` holds all that one of type `wanted` does, and gives it back the same. */
export function fits(found: string, wanted: string): boolean {
  // a pooler's sessions may quote every name (`quote_all_identifiers`)
  if (found.replaceAll('"', '') === wanted.replaceAll('"', '') || WIDER[wanted]?.includes(found) === true)
    return true;
  const length = /^character varying\((\d+)\)$/.exec(wanted)?.[1];
  if (length !== undefined) {
    const other = /^character varying(?:\((\d+)\))?$/.exec(found);
    return found === 'text' || (other !== null && Number(other[1] ?? Infinity) >= Number(length));
  }
  const [, digits, scale] = /^numeric\((\d+),(\d+)\)$/.exec(wanted) ?? [];
  const [, otherDigits, otherScale] = /^numeric\((\d+),(\d+)\)$/.exec(found) ?? [];
  return digits !== undefined && otherScale === scale && Number(otherDigits) >= Number(digits);
}

function keyDifferences(expected: ExpectedTable, table: FoundTable, name: string): Difference[] {
  const differences: Difference[] = [];
  const { primaryKey } = expected;
  if (primaryKey.length > 0 && primaryKey.join() !== table.primaryKey.join()) {
    const add = `ALTER TABLE ${name} ADD PRIMARY KEY (${primaryKey.join(', ')})`;
    differences.push(
      table.primaryKey.length === 0
        ? fail('key', `${name} has no primary key`, [add])
        : fail(
            'key',
            `${name} has the primary key (${table.primaryKey.join(', ')}) instead of (${primaryKey.join(', ')}), which must be dropped first`,
            [add],
          ),
    );
  }
  for (const column of expected.unique) {
    if (table.unique.includes(column)) continue;
    differences.push(
      fail('key', `${name}.${column} is not unique any more`, [`ALTER TABLE ${name} ADD UNIQUE (${column})`]),
    );
  }
  return differences;
}

function triggerDifferences(expected: ExpectedTable, table: FoundTable, name: string): Difference[] {
  return expected.triggers.flatMap((trigger) => {
    const found = table.triggers.find((other) => other.name === trigger.name);
    if (found === undefined) {
      const rows = trigger.event === 'DELETE' ? 'OLD' : 'NEW';
      return [
        fail(
          'trigger',
          `${name} has lost its trigger ${trigger.name}: no ${trigger.event} is noted in the ledger`,
          [
            `CREATE TRIGGER ${trigger.name} AFTER ${trigger.event} ON ${name} REFERENCING ${rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION simulator.note_change()`,
          ],
        ),
      ];
    }
    if (found.enabled === 'O' || found.enabled === 'A') return [];
    return [
      fail(
        'trigger',
        `the trigger ${trigger.name} of ${name} is disabled: no ${trigger.event} is noted in the ledger`,
        [`ALTER TABLE ${name} ENABLE TRIGGER ${trigger.name}`],
      ),
    ];
  });
}

function accessDifferences(table: FoundTable, name: string): Difference[] {
  const differences = table.rules.map((rule) =>
    fail('rule', `${name} has the rule ${identifier(rule)}, which rewrites what is written`, [
      `DROP RULE ${identifier(rule)} ON ${name}`,
    ]),
  );
  if (!table.rowSecurity) return differences;
  return [
    ...differences,
    fail(
      'row security',
      `row security holds for this user in ${name}: rows that it hides would look deleted`,
      [`ALTER TABLE ${name} ${table.owned ? 'NO FORCE' : 'DISABLE'} ROW LEVEL SECURITY`],
    ),
  ];
}

function replicationDifferences(expected: ExpectedTable, table: FoundTable, name: string): Difference[] {
  if (expected.schema !== 'public') return [];
  const differences: Difference[] = [];
  if (table.persistence !== 'p') {
    differences.push(
      warn('logging', `${name} is unlogged: no change of it reaches a reader, and a crash empties it`, [
        `ALTER TABLE ${name} SET LOGGED`,
      ]),
    );
  }
  if (table.published && table.replicaIdentity === 'n') {
    differences.push(
      fail(
        'identity',
        `${name} is published without a replica identity: the server takes no UPDATE and DELETE`,
        [`ALTER TABLE ${name} REPLICA IDENTITY DEFAULT`],
      ),
    );
  }
  return differences;
}
