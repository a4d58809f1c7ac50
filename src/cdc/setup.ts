import { publishedTables } from '../db/schema.ts';
import { UsageError } from '../lib/errors.ts';
import { identifier, literal } from '../lib/sql-text.ts';
import type { Verdict } from './checks/check.ts';
import { judgeOperations, uncovered, unfilter } from './checks/publication.ts';
import { judgePrivileges, judgeRole, judgeRowSecurity, judgeTimeouts } from './checks/reader.ts';
import { judgeWalLevel } from './checks/server.ts';
import { judgeReplicaIdentity } from './checks/tables.ts';
import { readerEndpoint } from './endpoint.ts';
import { type Facts, hasPlatformRole } from './facts.ts';
import { publicTable } from './format.ts';

export interface SetupOptions {
  readonly publication: string;
  readonly readerRole: string;
  /** What stands after PASSWORD when the role is made: a SCRAM verifier (see `password.ts`). */
  readonly passwordVerifier: string;
  /** Set the password of a role that exists, too. */
  readonly changePassword: boolean;
  /** Tables that shall send whole rows. */
  readonly fullIdentity: readonly string[];
}

export interface SetupStep {
  readonly sql: string;
  readonly reason: string;
  /** What else may be done when the current role may not run it. */
  readonly ifDenied: string;
}

export interface SetupPlan {
  /** Empty: nothing to do. */
  readonly steps: readonly SetupStep[];
  /** What no statement here can do, each with the fix. */
  readonly notes: readonly string[];
}

const AS_OWNER = 'run it as the owner of the tables or a superuser: npm run sim -- setup-cdc --print';

/** What is missing, as statements with their reasons. Pure; in the order in which they must run; no slot is touched. */
export function planSetup(facts: Facts, options: SetupOptions): SetupPlan {
  refuseUnknown(options);
  return {
    steps: [
      ...publicationSteps(facts, options),
      ...roleSteps(facts, options),
      ...privilegeSteps(facts, options),
      ...identitySteps(facts, options),
    ],
    notes: notesOf(facts, options),
  };
}

function refuseUnknown({ fullIdentity }: SetupOptions): void {
  const unknown = fullIdentity.filter((name) => !(publishedTables as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      `--full-identity names ${unknown.join(', ')}, which the shop does not publish`,
      `choose among ${publishedTables.join(', ')}`,
    );
  }
}

function publicationSteps(facts: Facts, { publication: name }: SetupOptions): readonly SetupStep[] {
  if (!facts.publication.known || !facts.tables.known) return [];
  const publication = facts.publication.value;
  const tables = facts.tables.value;
  const quoted = identifier(name);
  const step = (sql: string, reason: string): SetupStep => ({ sql, reason, ifDenied: AS_OWNER });
  if (publication === null) {
    const list = tables.filter((table) => table.persistence === 'p').map((table) => publicTable(table.name));
    if (list.length === 0) return [];
    return [
      step(
        `CREATE PUBLICATION ${quoted} FOR TABLE ${list.join(', ')} WITH (publish = 'insert, update, delete')`,
        'the tables of the shop and the heartbeat, without TRUNCATE',
      ),
    ];
  }
  const steps: SetupStep[] = [];
  const missing = uncovered(publication, tables);
  if (missing.length > 0) {
    steps.push(
      step(
        `ALTER PUBLICATION ${quoted} ADD TABLE ${missing.map(publicTable).join(', ')}`,
        'not published yet',
      ),
    );
  }
  if (judgeOperations(publication).status !== 'pass') {
    steps.push(
      step(
        `ALTER PUBLICATION ${quoted} SET (publish = 'insert, update, delete')`,
        'all changes of rows, and no TRUNCATE',
      ),
    );
  }
  const filtered = [...new Set([...publication.rowFilters, ...publication.columnLists])];
  if (filtered.length > 0) {
    for (const sql of unfilter(name, filtered))
      steps.push(step(sql, 'whole tables: no row or column left out'));
  }
  if (tables.some((table) => table.kind === 'p') && !publication.viaRoot) {
    steps.push(
      step(
        `ALTER PUBLICATION ${quoted} SET (publish_via_partition_root = true)`,
        'partitions arrive as one table',
      ),
    );
  }
  return steps;
}

function roleSteps(facts: Facts, options: SetupOptions): readonly SetupStep[] {
  if (!facts.reader.known) return [];
  const { readerRole: name } = options;
  const quoted = identifier(name);
  const rds = hasPlatformRole(facts, 'rds_replication');
  const password = literal(options.passwordVerifier);
  const role = facts.reader.value.role;
  if (role === null) {
    return [
      {
        sql: `CREATE ROLE ${quoted} LOGIN PASSWORD ${password}`,
        reason: 'the reader signs in with a role of its own',
        ifDenied: 'this role may not create roles: run it as one that may: npm run sim -- setup-cdc --print',
      },
      {
        sql: rds ? `GRANT rds_replication TO ${quoted}` : `ALTER ROLE ${quoted} REPLICATION`,
        reason: 'to stream from a slot',
        ifDenied: withoutReplication(facts),
      },
      ...bypassSteps(facts, options),
      ...timeoutSteps(facts, options),
    ];
  }
  const steps = (judgeRole(facts.reader.value, rds).sql ?? []).map((sql) => ({
    sql,
    reason: 'what a reader needs',
    ifDenied: withoutReplication(facts),
  }));
  if (options.changePassword) {
    steps.push({
      sql: `ALTER ROLE ${quoted} PASSWORD ${password}`,
      reason: 'the password that was given',
      ifDenied: 'run it as a role that may change this one',
    });
  }
  return [...steps, ...bypassSteps(facts, options), ...timeoutSteps(facts, options)];
}

/** What to do where the server lets nobody give REPLICATION away (Supabase and others, by version). */
function withoutReplication(facts: Facts): string {
  const current = facts.currentRole.known ? facts.currentRole.value : null;
  return current?.replication || current?.rdsReplication
    ? `${current.name} may replicate but may not pass it on: let the reader sign in as ${current.name} (--reader-role ${current.name})`
    : 'run it as a superuser, or as a role that has REPLICATION itself: npm run sim -- setup-cdc --print';
}

function bypassSteps(facts: Facts, { readerRole }: SetupOptions): readonly SetupStep[] {
  if (!facts.reader.known || !facts.tables.known) return [];
  const reader = facts.reader.value;
  const verdict: Verdict =
    reader.role === null
      ? // a role that is not there yet cannot be probed: the catalog says whether it would need it
        judgeRowSecurity(reader, { ...facts, rowSecurity: { known: false, reason: 'the role is new' } })
      : judgeRowSecurity(reader, facts);
  if (verdict.status !== 'fail') return [];
  return [
    {
      sql: `ALTER ROLE ${identifier(readerRole)} BYPASSRLS`,
      reason: 'row security is on: without it a copy is silently empty',
      ifDenied:
        'run it as a superuser, or give the reader a policy: CREATE POLICY cdc_reader_all ON public.<table> FOR SELECT TO ' +
        `${identifier(readerRole)} USING (true)`,
    },
  ];
}

function timeoutSteps(facts: Facts, { readerRole }: SetupOptions): readonly SetupStep[] {
  if (!facts.reader.known || !facts.server.known) return [];
  const verdict = judgeTimeouts(
    { ...facts.reader.value, name: readerRole },
    facts.server.value,
    facts.server.value.database,
  );
  return (verdict.sql ?? []).map((sql) => ({
    sql,
    reason: 'a first copy may take long',
    ifDenied: 'run it as a role that may change the reader’s',
  }));
}

function privilegeSteps(facts: Facts, { readerRole }: SetupOptions): readonly SetupStep[] {
  if (!facts.reader.known || !facts.server.known || !facts.tables.known) return [];
  const { database } = facts.server.value;
  const owner = facts.tables.value.find((table) => table.name === 'pedidos')?.owner ?? null;
  const verdict = judgePrivileges(
    // a role that is new has what PUBLIC has; granting it by name is right in any case
    { ...facts.reader.value, name: readerRole },
    database,
    owner,
  );
  return (verdict.sql ?? []).map((sql) => ({
    sql,
    reason: sql.startsWith('ALTER DEFAULT') ? 'to read tables that come later' : 'to read the tables',
    ifDenied: AS_OWNER,
  }));
}

function identitySteps(facts: Facts, { fullIdentity }: SetupOptions): readonly SetupStep[] {
  if (!facts.tables.known) return [];
  const wanted = new Set(fullIdentity);
  const steps: SetupStep[] = [];
  const broken = facts.tables.value.filter((table) => !wanted.has(table.name));
  for (const sql of judgeReplicaIdentity(broken).sql ?? []) {
    steps.push({ sql, reason: 'without it UPDATE and DELETE fail here', ifDenied: AS_OWNER });
  }
  for (const table of facts.tables.value) {
    if (!wanted.has(table.name) || table.replicaIdentity === 'f') continue;
    steps.push({
      sql: `ALTER TABLE ${publicTable(table.name)} REPLICA IDENTITY FULL`,
      reason: 'whole rows in every update and delete (asked for by --full-identity)',
      ifDenied: AS_OWNER,
    });
  }
  return steps;
}

function notesOf(facts: Facts, { fullIdentity }: SetupOptions): readonly string[] {
  const notes: string[] = [];
  if (facts.server.known) {
    const wal = judgeWalLevel(facts.server.value, hasPlatformRole(facts, 'rds_superuser'));
    if (wal.status === 'fail')
      notes.push(`wal_level is ${wal.detail}: ${[wal.fix, ...(wal.sql ?? [])].join(': ')}`);
  }
  const tables = facts.tables.known ? facts.tables.value : [];
  const outOfLine = tables.filter(
    (table) => table.toastBytes > 0 && table.replicaIdentity !== 'f' && !fullIdentity.includes(table.name),
  );
  if (outOfLine.length > 0) {
    const names = outOfLine.map((table) => table.name).join(' ');
    notes.push(
      `long values are stored out of line in ${names}: readers that then write NULL want whole rows: npm run sim -- setup-cdc --full-identity ${names}`,
    );
  }
  const withoutKey = tables.filter((table) => !table.hasPrimaryKey).map((table) => table.name);
  if (withoutKey.length > 0)
    notes.push(`no primary key on ${withoutKey.join(', ')}: run doctor for the statement`);
  for (const [what, fact] of Object.entries({
    publication: facts.publication,
    'role of the reader': facts.reader,
  })) {
    if (!fact.known) notes.push(`the ${what} could not be read and was left alone: ${fact.reason}`);
  }
  const endpoint = readerEndpoint(facts.address);
  notes.push(
    endpoint.host === null
      ? `a reader must connect to ${endpoint.note}`
      : `a reader connects to ${endpoint.host}:${endpoint.port} (${endpoint.note})`,
  );
  return notes;
}

/** The plan as a script for psql. */
export function renderScript(plan: SetupPlan): string {
  if (plan.steps.length === 0) return '-- nothing to do\n';
  const lines = ['BEGIN;'];
  for (const { sql, reason } of plan.steps) lines.push('', `-- ${reason}`, `${sql};`);
  return `${[...lines, '', 'COMMIT;'].join('\n')}\n`;
}
