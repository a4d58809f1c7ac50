import { identifier } from '../../lib/sql-text.ts';
import {
  type Facts,
  hasPlatformRole,
  type ReaderFacts,
  type ServerFacts,
  timeoutNames,
  valueOr,
} from '../facts.ts';
import { publicTable } from '../format.ts';
import { type Check, type CheckOptions, check, list, note, pass, problem, type Verdict } from './check.ts';

/** The role under which a reader signs in, and what it may see. */
export function readerChecks(facts: Facts, options: CheckOptions): readonly Check[] {
  const rds = hasPlatformRole(facts, 'rds_replication');
  const database = facts.server.known ? facts.server.value.database : 'postgres';
  const missing = note(`there is no role ${options.readerRole}`);
  const withRole =
    (judge: (reader: ReaderFacts) => Verdict) =>
    (reader: ReaderFacts): Verdict =>
      reader.role === null ? missing : judge(reader);
  return [
    check('reader-role', `reader's role ${options.readerRole}`, facts.reader, (reader) =>
      judgeRole(reader, rds),
    ),
    check(
      'privileges',
      "reader's privileges",
      facts.reader,
      withRole((reader) => judgePrivileges(reader, database, tableOwner(facts))),
    ),
    check(
      'row-security',
      'row security',
      facts.reader,
      withRole((reader) => judgeRowSecurity(reader, facts)),
    ),
    check(
      'timeouts',
      "reader's timeouts",
      facts.reader,
      withRole((reader) => judgeTimeouts(reader, facts.server.known ? facts.server.value : null, database)),
    ),
  ];
}

function tableOwner(facts: Facts): string | null {
  const tables = valueOr(facts.tables, []);
  return tables.find((table) => table.name === 'pedidos')?.owner ?? tables[0]?.owner ?? null;
}

export function judgeRole(reader: ReaderFacts, rds: boolean): Verdict {
  const { role, name } = reader;
  const quoted = identifier(name);
  if (role === null) {
    return problem(
      'fail',
      `there is no role ${name}`,
      'run: npm run sim -- setup-cdc (or name another with --reader-role)',
    );
  }
  const wrong: string[] = [];
  const sql: string[] = [];
  if (!role.login) {
    wrong.push('may not log in');
    sql.push(`ALTER ROLE ${quoted} LOGIN`);
  }
  if (!role.replication && !role.superuser && !role.rdsReplication) {
    wrong.push('has no REPLICATION');
    sql.push(rds ? `GRANT rds_replication TO ${quoted}` : `ALTER ROLE ${quoted} REPLICATION`);
  }
  if (role.connectionLimit === 0) {
    wrong.push('has a connection limit of 0');
    sql.push(`ALTER ROLE ${quoted} CONNECTION LIMIT -1`);
  }
  if (role.expired) {
    wrong.push('has expired');
    sql.push(`ALTER ROLE ${quoted} VALID UNTIL 'infinity'`);
  }
  if (wrong.length === 0) return pass(role.superuser ? 'LOGIN, superuser' : 'LOGIN, REPLICATION');
  return problem('fail', `${name} ${wrong.join(', ')}`, 'run as a role that may', sql);
}

export function judgePrivileges(reader: ReaderFacts, database: string, owner: string | null): Verdict {
  const quoted = identifier(reader.name);
  const lacking: string[] = [];
  const sql: string[] = [];
  if (!reader.canConnect) {
    lacking.push(`CONNECT on database ${database}`);
    sql.push(`GRANT CONNECT ON DATABASE ${identifier(database)} TO ${quoted}`);
  }
  if (!reader.schemaUsage) {
    lacking.push('USAGE on schema public');
    sql.push(`GRANT USAGE ON SCHEMA public TO ${quoted}`);
  }
  if (reader.unreadable.length > 0) {
    lacking.push(`SELECT on ${list(reader.unreadable)}`);
    sql.push(`GRANT SELECT ON TABLE ${reader.unreadable.map(publicTable).join(', ')} TO ${quoted}`);
  }
  const hard = lacking.length > 0;
  if (!reader.futureTables) {
    lacking.push('SELECT on tables made later');
    const forRole = owner === null ? '' : `FOR ROLE ${identifier(owner)} `;
    sql.push(`ALTER DEFAULT PRIVILEGES ${forRole}IN SCHEMA public GRANT SELECT ON TABLES TO ${quoted}`);
  }
  if (lacking.length === 0) return pass('CONNECT, USAGE, SELECT on every table, also on later ones');
  return problem(
    hard ? 'fail' : 'warn',
    `${reader.name} lacks ${lacking.join('; ')}`,
    'run as the owner of the tables',
    sql,
  );
}

/** A probe as the reader decides; where nobody may become the reader, the catalog does. */
export function judgeRowSecurity(reader: ReaderFacts, facts: Pick<Facts, 'rowSecurity' | 'tables'>): Verdict {
  const fix = () =>
    problem('fail', '', 'let the reader past row security, or a copy is silently empty', [
      `ALTER ROLE ${identifier(reader.name)} BYPASSRLS`,
    ]);
  if (facts.rowSecurity.known) {
    const hidden = facts.rowSecurity.value.filter(
      ({ error }) => error !== null && /row-level security/i.test(error),
    );
    const broken = facts.rowSecurity.value.filter(
      ({ error }) => error !== null && !/row-level security/i.test(error),
    );
    if (hidden.length > 0) {
      return {
        ...fix(),
        detail: `row security hides rows of ${list(hidden.map(({ table }) => table))} from ${reader.name}`,
      };
    }
    if (broken.length > 0) {
      return note(`not known for ${list(broken.map(({ table }) => table))}: ${broken[0]?.error}`);
    }
    return pass(`no row is hidden from ${reader.name} (read with row_security = off)`);
  }
  const why = `; judged by the catalog, because ${facts.rowSecurity.reason}`;
  if (!facts.tables.known) return note(`not known: ${facts.rowSecurity.reason}`);
  if (reader.role?.superuser || reader.role?.bypassRls)
    return pass(`${reader.name} passes row security${why}`);
  const hidden = facts.tables.value.filter(
    (table) => table.rowSecurity && (table.owner !== reader.name || table.forceRowSecurity),
  );
  if (hidden.length === 0) return pass(`no table has row security${why}`);
  return { ...fix(), detail: `row security is on for ${list(hidden.map((table) => table.name))}${why}` };
}

/** A first copy of a big table takes a while; shorter limits break it again and again. */
const ENOUGH_MS = 10 * 60_000;
const SENDER_ENOUGH_MS = 60_000;

export function judgeTimeouts(reader: ReaderFacts, server: ServerFacts | null, database: string): Verdict {
  const short: string[] = [];
  const sql: string[] = [];
  const where = `ALTER ROLE ${identifier(reader.name)} IN DATABASE ${identifier(database)}`;
  for (const name of timeoutNames) {
    const text = server?.settings[name];
    const ms = reader.timeouts[name] ?? (text === undefined ? null : Number(text));
    const enough = name === 'wal_sender_timeout' ? SENDER_ENOUGH_MS : ENOUGH_MS;
    if (ms === null || ms === 0 || ms >= enough) continue;
    short.push(`${name} is ${ms / 1000} s (wanted: 0, or ${enough / 1000} s and more)`);
    sql.push(`${where} SET ${name} = ${name === 'wal_sender_timeout' ? `'60s'` : '0'}`);
  }
  if (short.length === 0) return pass('none that would end a long copy');
  return problem(
    'warn',
    `for ${reader.name}: ${short.join('; ')}`,
    'give the reader time; it holds from its next connection',
    sql,
  );
}
