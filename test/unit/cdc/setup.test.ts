import { describe, expect, it } from 'vitest';
import { withoutPassword } from '../../../src/cdc/apply-setup.ts';
import { poolerEvidence, readerEndpoint } from '../../../src/cdc/endpoint.ts';
import type { Facts } from '../../../src/cdc/facts.ts';
import { formatBytes } from '../../../src/cdc/format.ts';
import { generatePassword, scramVerifier } from '../../../src/cdc/password.ts';
import { parseDurationMs } from '../../../src/cdc/read-reader.ts';
import { planSetup, renderScript, type SetupOptions } from '../../../src/cdc/setup.ts';
import { UsageError } from '../../../src/lib/errors.ts';
import { identifier, literal } from '../../../src/lib/sql-text.ts';
import { healthyFacts, publication, reader, role, server, table } from '../../support/cdc-facts.ts';

const known = <T>(value: T) => ({ known: true, value }) as const;
const options: SetupOptions = {
  publication: 'cdc_sim',
  readerRole: 'cdc_reader',
  passwordVerifier: 'SCRAM-SHA-256$4096:x$y:z',
  changePassword: false,
  fullIdentity: [],
};
const statements = (change: Partial<Facts>, more: Partial<SetupOptions> = {}) =>
  planSetup(healthyFacts(change), { ...options, ...more }).steps.map(({ sql }) => sql);
const nobody = known(
  reader({ role: null, canConnect: false, schemaUsage: false, unreadable: ['pedidos'], futureTables: false }),
);

describe('the plan of setup-cdc', () => {
  it('is empty where everything is right', () => {
    expect(statements({})).toEqual([]);
    expect(renderScript(planSetup(healthyFacts(), options))).toBe('-- nothing to do\n');
  });

  it('never touches a slot', () => {
    const all = [...statements({ publication: known(null), reader: nobody }), ...statements({})];
    expect(all.join('\n')).not.toMatch(/slot/i);
  });

  it('makes publication, role and privileges, in an order that can run', () => {
    const sql = statements({ publication: known(null), reader: nobody });
    expect(sql[0]).toMatch(
      /^CREATE PUBLICATION cdc_sim FOR TABLE .*public\.cdc_heartbeat WITH \(publish = 'insert, update, delete'\)$/,
    );
    expect(sql.slice(1)).toEqual([
      "CREATE ROLE cdc_reader LOGIN PASSWORD 'SCRAM-SHA-256$4096:x$y:z'",
      'ALTER ROLE cdc_reader REPLICATION',
      'GRANT CONNECT ON DATABASE loja TO cdc_reader',
      'GRANT USAGE ON SCHEMA public TO cdc_reader',
      'GRANT SELECT ON TABLE public.pedidos TO cdc_reader',
      'ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO cdc_reader',
    ]);
  });

  it('grants rds_replication where that stands for REPLICATION', () => {
    const sql = statements({ reader: nobody, platformRoles: known(['rds_replication', 'rds_superuser']) });
    expect(sql).toContain('GRANT rds_replication TO cdc_reader');
    expect(sql.join()).not.toContain('ALTER ROLE cdc_reader REPLICATION');
  });

  it('gives BYPASSRLS only where row security is on', () => {
    const tables = known([table({ name: 'pedidos', rowSecurity: true })]);
    expect(statements({ reader: nobody, tables })).toContain('ALTER ROLE cdc_reader BYPASSRLS');
    expect(statements({ reader: nobody }).join()).not.toContain('BYPASSRLS');
  });

  it("lifts a statement timeout that would end the reader's copy", () => {
    const short = known(server({ settings: { ...server().settings, statement_timeout: '120000' } }));
    expect(statements({ reader: nobody, server: short })).toContain(
      'ALTER ROLE cdc_reader IN DATABASE loja SET statement_timeout = 0',
    );
  });

  it('adds what the publication lacks and keeps what it has beyond', () => {
    const some = publication({
      tables: ['public.extra', ...publication().tables.filter((name) => name !== 'public.marcas')],
      delete: false,
      rowFilters: ['public.clientes'],
    });
    expect(statements({ publication: known(some) })).toEqual([
      'ALTER PUBLICATION cdc_sim ADD TABLE public.marcas',
      "ALTER PUBLICATION cdc_sim SET (publish = 'insert, update, delete')",
      'ALTER PUBLICATION cdc_sim DROP TABLE public.clientes',
      'ALTER PUBLICATION cdc_sim ADD TABLE public.clientes',
    ]);
  });

  it('sets replica identity full on the tables that were named, once', () => {
    expect(statements({}, { fullIdentity: ['produtos'] })).toEqual([
      'ALTER TABLE public.produtos REPLICA IDENTITY FULL',
    ]);
    const done = known([table({ name: 'produtos', replicaIdentity: 'f' })]);
    expect(statements({ tables: done }, { fullIdentity: ['produtos'] })).toEqual([]);
    expect(() => statements({}, { fullIdentity: ['produto'] })).toThrow(UsageError);
  });

  it('leaves the password of a role alone unless one was given', () => {
    expect(statements({}, { changePassword: true })).toEqual([
      "ALTER ROLE cdc_reader PASSWORD 'SCRAM-SHA-256$4096:x$y:z'",
    ]);
  });

  it('says who else can replicate where REPLICATION cannot be given away', () => {
    const current = known(role({ name: 'postgres', superuser: false, replication: true }));
    const { steps } = planSetup(healthyFacts({ reader: nobody, currentRole: current }), options);
    const step = steps.find(({ sql }) => sql.endsWith('REPLICATION'));
    expect(step?.ifDenied).toContain('--reader-role postgres');
  });

  it('notes what no statement here can do', () => {
    const facts = healthyFacts({
      server: known(server({ settings: { ...server().settings, wal_level: 'replica' } })),
      tables: known([table({ name: 'produtos', toastBytes: 8192 })]),
      address: {
        host: 'aws-0-sa-east-1.pooler.supabase.com',
        port: 6543,
        user: 'postgres.abcdefghijklmnopqrst',
      },
    });
    const text = planSetup(facts, options).notes.join('\n');
    expect(text).toContain('ALTER SYSTEM SET wal_level = logical');
    expect(text).toContain('--full-identity produtos');
    expect(text).toContain('db.abcdefghijklmnopqrst.supabase.co:5432');
  });
});

describe('where a reader must connect', () => {
  const at = (host: string, port = 5432, user = 'postgres') => ({ host, port, user });

  it('is the same server when that is direct, whatever the port', () => {
    expect(readerEndpoint(at('db.example.com', 6543))).toMatchObject({ host: 'db.example.com', port: 6543 });
    expect(poolerEvidence(at('db.abcdefghijklmnopqrst.supabase.co', 6543))).toBeNull();
  });

  it('is derived from the user of a Supabase pooler', () => {
    expect(
      readerEndpoint(at('aws-0-eu-west-1.pooler.supabase.com', 5432, 'postgres.abcdefghijklmnopqrst')),
    ).toMatchObject({ host: 'db.abcdefghijklmnopqrst.supabase.co', port: 5432 });
    expect(readerEndpoint(at('aws-0-eu-west-1.pooler.supabase.com'))).toMatchObject({ host: null });
  });

  it('is the host without -pooler where poolers are named so', () => {
    expect(readerEndpoint(at('ep-cool-1-pooler.sa-east-1.aws.neon.tech'))).toMatchObject({
      host: 'ep-cool-1.sa-east-1.aws.neon.tech',
    });
  });

  it('cannot be derived behind another pooler', () => {
    expect(readerEndpoint(at('pgbouncer.internal'))).toMatchObject({ host: null, port: null });
  });
});

describe('SQL text', () => {
  it('quotes what must be quoted', () => {
    expect(['pedidos', 'Pedidos', 'a"b', 'user', 'table'].map(identifier)).toEqual([
      'pedidos',
      '"Pedidos"',
      '"a""b"',
      '"user"',
      '"table"',
    ]);
    expect(literal("d'água")).toBe("'d''água'");
    expect(literal('a\\b').trim()).toBe("E'a\\\\b'");
  });

  it('keeps a password out of what is shown', () => {
    const sql = statements({ reader: nobody }).find((text) => text.startsWith('CREATE ROLE')) ?? '';
    expect(withoutPassword(sql)).toBe("CREATE ROLE cdc_reader LOGIN PASSWORD '…'");
  });

  it('reads durations as PostgreSQL writes them', () => {
    expect(['2min', '120000', '8s', '0', '1h', 'soon'].map(parseDurationMs)).toEqual([
      120_000,
      120_000,
      8_000,
      0,
      3_600_000,
      null,
    ]);
    expect([0, 1023, 1536, 300 * 1024 ** 2].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 kB', '300 MB']);
  });
});

describe('the password of a reader', () => {
  it('is long, random, and needs no escaping in a URL', () => {
    const passwords = new Set(Array.from({ length: 50 }, generatePassword));
    expect(passwords.size).toBe(50);
    for (const password of passwords) expect(password).toMatch(/^[\w-]{24}$/);
  });

  it('reaches the server as a verifier alone', () => {
    const verifier = scramVerifier('segredo-bom');
    expect(verifier).toMatch(
      /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/,
    );
    expect(verifier).not.toContain('segredo');
    expect(scramVerifier('segredo-bom')).not.toBe(verifier);
  });
});
