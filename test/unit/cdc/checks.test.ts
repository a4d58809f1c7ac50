import { describe, expect, it } from 'vitest';
import type { CheckOptions, CheckStatus } from '../../../src/cdc/checks/check.ts';
import { troubleOf } from '../../../src/cdc/checks/tables.ts';
import {
  findingsOf,
  judgeEndToEnd,
  judgeFacts,
  obstacleToEndToEnd,
  renderReport,
} from '../../../src/cdc/doctor.ts';
import type { Facts } from '../../../src/cdc/facts.ts';
import { publishedTables } from '../../../src/db/schema.ts';
import {
  checkOptions,
  column,
  healthyFacts,
  publication,
  reader,
  role,
  server,
  slot,
  table,
} from '../../support/cdc-facts.ts';

const known = <T>(value: T) => ({ known: true, value }) as const;
const GB = 1024 ** 3;

interface Case {
  readonly title: string;
  readonly change: Partial<Facts>;
  readonly options?: Partial<CheckOptions>;
  /** Every check that does not pass. */
  readonly expected: Readonly<Record<string, CheckStatus>>;
  /** Part of the fix or of its statements. */
  readonly fix?: string;
}

const oneTable = (change: Parameters<typeof table>[0]) =>
  known(publishedTables.map((name) => table({ name, ...(name === 'clientes' ? change : {}) })));
const withSettings = (settings: Record<string, string>) =>
  known(server({ settings: { ...server().settings, ...settings } }));

const cases: readonly Case[] = [
  {
    title: 'an old server',
    change: { server: known(server({ versionNumber: 120_004, version: '12.4' })) },
    expected: { version: 'fail' },
    fix: 'upgrade',
  },
  {
    title: 'version 14',
    change: { server: known(server({ versionNumber: 140_004 })) },
    expected: { version: 'note' },
  },
  {
    title: 'version 18, past what Hevo Edge names',
    change: { server: known(server({ versionNumber: 180_001 })) },
    expected: { version: 'note' },
  },
  {
    title: 'a standby',
    change: { server: known(server({ inRecovery: true })) },
    expected: { primary: 'fail' },
    fix: 'primary',
  },
  {
    title: 'wal_level replica',
    change: { server: withSettings({ wal_level: 'replica' }) },
    expected: { 'wal-level': 'fail' },
    fix: 'ALTER SYSTEM SET wal_level = logical',
  },
  {
    title: 'wal_level replica on RDS',
    change: { server: withSettings({ wal_level: 'replica' }), platformRoles: known(['rds_superuser']) },
    expected: { 'wal-level': 'fail' },
    fix: 'rds.logical_replication',
  },
  {
    title: 'a pooler by its host, on the port of a server',
    change: {
      address: {
        host: 'aws-0-sa-east-1.pooler.supabase.com',
        port: 5432,
        user: 'postgres.abcdefghijklmnopqrst',
      },
      tls: known(true),
    },
    expected: { 'direct-host': 'warn', tls: 'note' },
    fix: 'db.abcdefghijklmnopqrst.supabase.co:5432',
  },
  {
    title: 'no TLS to another machine',
    change: { address: { host: 'db.example.com', port: 5432, user: 'x' } },
    expected: { tls: 'warn' },
    fix: 'verify-full',
  },
  {
    title: 'another encoding',
    change: { server: known(server({ encoding: 'LATIN1' })) },
    expected: { encoding: 'fail' },
    fix: "ENCODING 'UTF8'",
  },
  {
    title: 'one slot left',
    change: { slots: known(Array.from({ length: 9 }, (_, i) => slot({ name: `s${i}`, database: 'other' }))) },
    expected: { 'slots-free': 'warn' },
    fix: 'max_replication_slots',
  },
  {
    title: 'no sender left, on Supabase',
    change: { walSenders: known(10), platformRoles: known(['supabase_admin']) },
    expected: { 'senders-free': 'fail' },
    fix: 'postgres-config update',
  },
  {
    title: 'no reader',
    change: { reader: known(reader({ role: null })) },
    expected: { 'reader-role': 'fail', privileges: 'note', 'row-security': 'note', timeouts: 'note' },
    fix: 'setup-cdc',
  },
  {
    title: 'a reader without REPLICATION',
    change: { reader: known(reader({ role: role({ replication: false }) })) },
    expected: { 'reader-role': 'fail' },
    fix: 'ALTER ROLE cdc_reader REPLICATION',
  },
  {
    title: 'the same on RDS',
    change: {
      reader: known(reader({ role: role({ replication: false }) })),
      platformRoles: known(['rds_replication']),
    },
    expected: { 'reader-role': 'fail' },
    fix: 'GRANT rds_replication TO cdc_reader',
  },
  {
    title: 'a reader that expired and may not connect',
    change: { reader: known(reader({ role: role({ expired: true, connectionLimit: 0, login: false }) })) },
    expected: { 'reader-role': 'fail' },
    fix: "VALID UNTIL 'infinity'",
  },
  {
    title: 'a table that the reader may not read',
    change: { reader: known(reader({ unreadable: ['pedidos'] })) },
    expected: { privileges: 'fail' },
    fix: 'GRANT SELECT ON TABLE public.pedidos TO cdc_reader',
  },
  {
    title: 'no CONNECT and no USAGE',
    change: { reader: known(reader({ canConnect: false, schemaUsage: false })) },
    expected: { privileges: 'fail' },
    fix: 'GRANT USAGE ON SCHEMA public',
  },
  {
    title: 'later tables that the reader may not read',
    change: { reader: known(reader({ futureTables: false })) },
    expected: { privileges: 'warn' },
    fix: 'ALTER DEFAULT PRIVILEGES FOR ROLE postgres',
  },
  {
    title: 'rows that row security hides',
    change: {
      rowSecurity: known([
        {
          table: 'clientes',
          error: 'query would be affected by row-level security policy for table "clientes"',
        },
      ]),
    },
    expected: { 'row-security': 'fail' },
    fix: 'BYPASSRLS',
  },
  {
    title: 'row security that only the catalog shows',
    change: {
      rowSecurity: { known: false, reason: 'may not become the reader' },
      tables: oneTable({ rowSecurity: true }),
    },
    expected: { 'row-security': 'fail' },
    fix: 'BYPASSRLS',
  },
  {
    title: 'a statement timeout of the role',
    change: { reader: known(reader({ timeouts: { ...reader().timeouts, statement_timeout: 120_000 } })) },
    expected: { timeouts: 'warn' },
    fix: 'ALTER ROLE cdc_reader IN DATABASE loja SET statement_timeout = 0',
  },
  {
    title: 'a short wal_sender_timeout of the server',
    change: { server: withSettings({ wal_sender_timeout: '5000' }) },
    expected: { timeouts: 'warn' },
    fix: 'wal_sender_timeout',
  },
  {
    title: 'a missing table',
    change: { tables: known([table({ name: 'pedidos' })]) },
    expected: { tables: 'fail' },
  },
  {
    title: 'a table without a key',
    change: { tables: oneTable({ hasPrimaryKey: false }) },
    expected: { 'primary-keys': 'fail' },
    fix: 'ALTER TABLE public.clientes ADD PRIMARY KEY (id)',
  },
  {
    title: 'replica identity nothing',
    change: { tables: oneTable({ replicaIdentity: 'n' }) },
    expected: { 'replica-identity': 'fail' },
    fix: 'REPLICA IDENTITY DEFAULT',
  },
  {
    title: 'replica identity by an index that is gone',
    change: { tables: oneTable({ replicaIdentity: 'i' }) },
    expected: { 'replica-identity': 'fail' },
  },
  {
    title: 'values out of line',
    change: { tables: oneTable({ toastBytes: 8192, columns: [column({ outOfLine: true })] }) },
    expected: { 'out-of-line': 'note' },
    fix: 'REPLICA IDENTITY FULL',
  },
  {
    title: 'an array',
    change: { tables: oneTable({ columns: [column({ type: 'text[]', isArray: true })] }) },
    expected: { 'column-types': 'warn' },
    fix: 'TYPE text',
  },
  {
    title: 'a name with a capital',
    change: { tables: oneTable({ columns: [column({ name: 'Preço Bom' })] }) },
    expected: { names: 'warn' },
    fix: 'RENAME COLUMN "Preço Bom" TO preco_bom',
  },
  {
    title: 'an unlogged table',
    change: { tables: oneTable({ persistence: 'u' }) },
    expected: { unlogged: 'fail' },
    fix: 'SET LOGGED',
  },
  {
    title: 'no publication',
    change: { publication: known(null) },
    expected: {
      'publication-tables': 'fail',
      'publication-operations': 'note',
      'publication-partitions': 'note',
      'publication-filters': 'note',
    },
    fix: 'setup-cdc',
  },
  {
    title: 'a publication without the heartbeat',
    change: {
      publication: known(
        publication({ tables: publication().tables.filter((name) => name !== 'public.cdc_heartbeat') }),
      ),
    },
    expected: { 'publication-tables': 'fail' },
    fix: 'ADD TABLE public.cdc_heartbeat',
  },
  {
    title: "a publication of the simulator's notes",
    change: { publication: known(publication({ tables: [...publication().tables, 'simulator.ledger'] })) },
    expected: { 'publication-tables': 'warn' },
  },
  {
    title: 'no deletes',
    change: { publication: known(publication({ delete: false })) },
    expected: { 'publication-operations': 'fail' },
    fix: "publish = 'insert, update, delete'",
  },
  {
    title: 'truncate',
    change: { publication: known(publication({ truncate: true })) },
    expected: { 'publication-operations': 'note' },
  },
  {
    title: 'partitions apart',
    change: { tables: oneTable({ kind: 'p' }) },
    expected: { 'publication-partitions': 'warn' },
    fix: 'publish_via_partition_root',
  },
  {
    title: 'a row filter',
    change: { publication: known(publication({ rowFilters: ['public.clientes'] })) },
    expected: { 'publication-filters': 'fail' },
    fix: 'DROP TABLE public.clientes',
  },
  {
    title: 'a slot that nobody reads',
    change: { slots: known([slot({ active: false, idleHours: 0.1 })]) },
    expected: { 'slots-active': 'warn' },
    fix: "pg_drop_replication_slot('hevo')",
  },
  {
    title: 'a lost slot',
    change: { slots: known([slot({ active: false, walStatus: 'lost', retainedBytes: null })]) },
    expected: { 'slots-status': 'fail' },
    fix: 'pg_drop_replication_slot',
  },
  {
    title: 'a slot that is about to be lost',
    change: { slots: known([slot({ walStatus: 'unreserved' })]) },
    expected: { 'slots-status': 'fail' },
  },
  {
    title: 'half of the limit',
    change: { slots: known([slot({ retainedBytes: 0.6 * GB })]) },
    expected: { 'slots-retained': 'warn' },
    fix: 'lower ORDERS_PER_MINUTE',
  },
  {
    title: 'most of the limit',
    change: { slots: known([slot({ retainedBytes: 0.9 * GB })]) },
    expected: { 'slots-retained': 'fail' },
  },
  {
    title: "the server's own limit, where it is less",
    change: {
      slots: known([slot({ retainedBytes: 80 * 1024 ** 2 })]),
      server: withSettings({ max_slot_wal_keep_size: '100' }),
      walPerHour: known(0),
    },
    expected: { 'slots-retained': 'fail' },
  },
  {
    title: 'an abandoned slot',
    change: { slots: known([slot({ active: false, idleHours: 30 })]) },
    expected: { 'slots-abandoned': 'fail' },
    fix: 'pg_drop_replication_slot',
  },
  {
    title: 'too much WAL for a night',
    change: { walPerHour: known(GB / 4) },
    expected: { 'slots-headroom': 'warn' },
    fix: '12GB',
  },
  {
    title: 'an old transaction',
    change: {
      activity: known({
        transactions: [
          { pid: 77, preparedAs: null, ageSeconds: 400, state: 'idle in transaction', application: 'psql' },
        ],
        hidden: 0,
      }),
    },
    expected: { 'old-transactions': 'warn' },
    fix: 'pg_terminate_backend(77)',
  },
  {
    title: 'a prepared transaction',
    change: {
      activity: known({
        transactions: [
          { pid: null, preparedAs: "it's", ageSeconds: 400, state: 'prepared', application: '' },
        ],
        hidden: 0,
      }),
    },
    expected: { 'old-transactions': 'warn' },
    fix: "ROLLBACK PREPARED 'it''s'",
  },
  {
    title: 'spill',
    change: { spill: known([{ slot: 'hevo', spillCount: 2, spillBytes: 4096 }]) },
    expected: { spill: 'note' },
    fix: 'logical_decoding_work_mem',
  },
  {
    title: 'a clock that is off',
    change: { server: known(server({ clockOffsetMs: -90_000 })) },
    expected: { clock: 'warn' },
    fix: 'NTP',
  },
  {
    title: 'a full database',
    change: {},
    options: { maxDatabaseBytes: 10 * 1024 ** 2 },
    expected: { storage: 'fail' },
    fix: 'MAX_DATABASE_SIZE',
  },
  {
    title: 'a database that is full tomorrow',
    change: { growth: known({ bytesPerDay: 4 * 1024 ** 2 }) },
    options: { maxDatabaseBytes: 27 * 1024 ** 2 },
    expected: { storage: 'warn' },
  },
  {
    title: 'facts that are out of reach',
    change: {
      spill: { known: false, reason: 'permission denied' },
      slots: { known: false, reason: 'permission denied' },
    },
    expected: {
      spill: 'note',
      'slots-free': 'note',
      'slots-active': 'note',
      'slots-status': 'note',
      'slots-retained': 'note',
      'slots-abandoned': 'note',
    },
  },
];

function notPassing(facts: Facts, options: CheckOptions): Record<string, CheckStatus> {
  return Object.fromEntries(
    judgeFacts(facts, options).flatMap(({ id, status }) => (status === 'pass' ? [] : [[id, status]])),
  );
}

describe('what doctor judges', () => {
  it('finds nothing in a healthy source', () => {
    expect(notPassing(healthyFacts(), checkOptions)).toEqual({});
  });

  it.each(cases)('reports $title, and nothing else', ({ change, options, expected, fix }) => {
    const facts = healthyFacts(change);
    const wanted = { ...checkOptions, ...options };
    expect(notPassing(facts, wanted)).toEqual(expected);
    const first = judgeFacts(facts, wanted).find(({ id }) => id === Object.keys(expected)[0]);
    if (first?.status === 'fail' || first?.status === 'warn') expect(first.fix).toBeTruthy();
    if (fix !== undefined) expect([first?.fix, ...(first?.sql ?? [])].join('\n')).toContain(fix);
  });

  it('is not disturbed by a superuser that reads', () => {
    const facts = healthyFacts({
      reader: known(reader({ role: role({ superuser: true, replication: false }) })),
    });
    expect(notPassing(facts, checkOptions)).toEqual({});
  });

  it('knows the types that readers mangle, and those that they carry', () => {
    for (const type of [
      'numeric(12,2)',
      'bigint',
      'text',
      'jsonb',
      'uuid',
      'date',
      'boolean',
      'timestamp with time zone',
    ])
      expect(troubleOf(column({ type })), type).toBeNull();
    for (const type of ['numeric', 'money', 'time with time zone', 'xml', 'bit(3)', 'point', 'hstore'])
      expect(troubleOf(column({ type })), type).not.toBeNull();
    expect(troubleOf(column({ type: 'text', generated: true }))?.change).toContain('DROP EXPRESSION');
  });
});

describe('the end-to-end probe', () => {
  it('is not tried while something stands in its way', () => {
    const facts = healthyFacts({ publication: known(publication({ update: false })) });
    expect(obstacleToEndToEnd(facts, judgeFacts(facts, checkOptions))).toContain('published operations');
    expect(obstacleToEndToEnd(healthyFacts(), judgeFacts(healthyFacts(), checkOptions))).toBeNull();
  });

  it('needs a role that may make a slot', () => {
    const facts = healthyFacts({ currentRole: known(role({ name: 'app', replication: false })) });
    expect(obstacleToEndToEnd(facts, [])).toContain('app has no REPLICATION');
  });

  it('passes in time, warns when late, fails when nothing came', () => {
    expect(judgeEndToEnd({ outcome: 'seen', ms: 12 }, 5_000).status).toBe('pass');
    expect(judgeEndToEnd({ outcome: 'seen', ms: 6_000 }, 5_000).status).toBe('warn');
    expect(judgeEndToEnd({ outcome: 'not-seen', waitedMs: 15_000 }, 5_000).status).toBe('fail');
    const failed = judgeEndToEnd({ outcome: 'failed', step: 'slot', reason: 'canceling statement' }, 5_000);
    expect(failed.status).toBe('fail');
    expect(failed.fix).toContain('pg_stat_activity');
  });
});

describe('the printed report', () => {
  it('has a line a check, its sign, the fix and the statements', () => {
    const facts = healthyFacts({ reader: known(reader({ role: role({ replication: false }) })) });
    const checks = judgeFacts(facts, checkOptions);
    const text = renderReport({
      atMs: 0,
      checks,
      counts: { pass: checks.length - 1, warn: 0, fail: 1, note: 0 },
      reader: {
        host: 'db.example.com',
        port: 5432,
        note: 'direct',
        role: 'cdc_reader',
        publication: 'cdc_sim',
      },
    });
    expect(text).toContain("✗ reader's role cdc_reader: cdc_reader has no REPLICATION\n    fix: ");
    expect(text).toContain('      ALTER ROLE cdc_reader REPLICATION;\n');
    expect(text.match(/^[✓✗!·] /gmu)?.length).toBe(checks.length);
    expect(text).toContain('db.example.com:5432');
    expect(text).toContain('1 failed');
  });

  it('is handed to the status page with level and fix', () => {
    const facts = healthyFacts({ publication: known(publication({ delete: false })) });
    const findings = findingsOf({
      atMs: 0,
      checks: judgeFacts(facts, checkOptions),
      counts: { pass: 0, warn: 0, fail: 1, note: 0 },
      reader: { host: null, port: null, note: '', role: 'cdc_reader', publication: 'cdc_sim' },
    });
    expect(findings.find(({ level }) => level === 'problem')).toEqual({
      level: 'problem',
      title: 'published operations',
      detail: 'leaves out every delete',
      fix: "publish all three\nALTER PUBLICATION cdc_sim SET (publish = 'insert, update, delete');",
    });
    expect(findings.find(({ title }) => title === 'encoding')).toMatchObject({ level: 'ok', fix: null });
  });
});
