import { describe, expect, it } from 'vitest';
import type { DatabaseSettings } from '../../src/config/database.ts';
import { describeDatabase, explainConnectionError, judgeServer } from '../../src/db/explain.ts';
import type { SessionFacts } from '../../src/db/session.ts';

const settings: DatabaseSettings = {
  host: 'db.example.com',
  port: 5432,
  database: 'loja',
  user: 'ana',
  password: 'segredo',
  sslMode: 'require',
  sslRootCert: undefined,
};

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), code === '' ? {} : { code });
}

/** What drivers and servers really say, and the words that the answer must have. */
const CASES: readonly (readonly [what: string, code: string, message: string, says: RegExp, fix: RegExp])[] =
  [
    [
      'a wrong password',
      '28P01',
      'password authentication failed for user "ana"',
      /password of user ana/,
      /DB_PASSWORD/,
    ],
    [
      'no password',
      '',
      'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
      /wants a password/,
      /DB_PASSWORD/,
    ],
    ['an unknown role', '28000', 'role "ana" does not exist', /refuses user ana/, /DB_USER/],
    [
      'no pg_hba entry without TLS',
      '28000',
      'no pg_hba.conf entry for host "10.0.0.9", user "ana", database "loja", no encryption',
      /10\.0\.0\.9/,
      /DB_SSLMODE=require/,
    ],
    [
      'no pg_hba entry with TLS',
      '28000',
      'no pg_hba.conf entry for host "10.0.0.9", user "ana", database "loja", SSL encryption',
      /pg_hba/,
      /pg_reload_conf/,
    ],
    [
      'an unknown database',
      '3D000',
      'database "loja" does not exist',
      /no database "loja"/,
      /CREATE DATABASE loja/,
    ],
    [
      'an unknown host',
      'ENOTFOUND',
      'getaddrinfo ENOTFOUND db.example.com',
      /db\.example\.com is not known/,
      /DB_HOST/,
    ],
    [
      'a refused connection',
      'ECONNREFUSED',
      'connect ECONNREFUSED 10.0.0.1:5432',
      /nobody listens/,
      /DB_PORT/,
    ],
    ['no answer', '', 'timeout exceeded when trying to connect', /does not answer/, /firewall/],
    ['no route', 'ENETUNREACH', 'connect ENETUNREACH 2600:1f18::1:5432', /no way/, /IPv6/],
    ['no TLS', '', 'The server does not support SSL connections', /has no TLS/, /DB_SSLMODE=disable/],
    ['another protocol', '', 'EPROTO: wrong version number', /does not speak TLS/, /DB_PORT/],
    [
      'an untrusted certificate',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'self-signed certificate',
      /trusts/,
      /DB_SSLROOTCERT/,
    ],
    [
      'a certificate of another host',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'altnames',
      /another host name/,
      /DB_HOST/,
    ],
    [
      'too many connections',
      '53300',
      'sorry, too many clients already',
      /no connection left/,
      /DB_POOL_SIZE/,
    ],
    [
      'a full pooler',
      'XX000',
      'MaxClientsInSessionMode: max clients reached',
      /no connection left/,
      /DB_POOL_SIZE/,
    ],
    [
      'an unknown tenant',
      'XX000',
      'Tenant or user not found',
      /does not know user ana/,
      /postgres\.<project ref>/,
    ],
    ['a server that starts', '57P03', 'the database system is starting up', /starting up/, /try again/],
    ['a broken connection', 'ECONNRESET', 'read ECONNRESET', /broke/, /PostgreSQL/],
    ['a missing privilege', '42501', 'permission denied for database loja', /privilege/, /GRANT/],
  ];

describe('an error of the first connection', () => {
  it.each(CASES)('%s is explained with the fix', (_what, code, message, says, fix) => {
    const explained = explainConnectionError(failure(code, message), settings);
    expect(explained?.message).toMatch(says);
    expect(explained?.fix).toMatch(fix);
    expect(`${explained?.message} ${explained?.fix}`).not.toContain('segredo');
  });

  it('of several addresses of one host is explained by the first that has a code', () => {
    const error = new AggregateError([failure('ECONNREFUSED', 'connect ECONNREFUSED ::1:5432')], '');
    expect(explainConnectionError(error, settings)?.message).toContain('nobody listens');
  });

  it('that is none of the known stays as it is', () => {
    expect(
      explainConnectionError(failure('42601', 'syntax error at or near "SELEC"'), settings),
    ).toBeUndefined();
  });
});

describe('a server', () => {
  const session: SessionFacts = {
    role: 'ana',
    values: { DateStyle: 'ISO, MDY', extra_float_digits: '1', session_replication_role: 'origin' },
    defaults: [],
  };
  const fit = { versionNumber: 170_004, encoding: 'UTF8', inRecovery: false, readOnly: false, session };
  const having = (name: string, value: string, defaults: SessionFacts['defaults'] = []) => ({
    session: { ...session, values: { ...session.values, [name]: value }, defaults },
  });

  it('that is fit is taken, from PostgreSQL 13 on', () => {
    expect(judgeServer(fit, settings)).toBeUndefined();
    expect(judgeServer({ ...fit, versionNumber: 130_000 }, settings)).toBeUndefined();
  });

  it.each([
    [{ versionNumber: 120_022 }, /PostgreSQL 12; 13 or newer/, /upgrade/],
    [
      { encoding: 'LATIN1' },
      /encoded in LATIN1/,
      /CREATE DATABASE loja_utf8 ENCODING 'UTF8' .*TEMPLATE template0/,
    ],
    [
      having('DateStyle', 'German, DMY'),
      /DateStyle = German/,
      /ALTER ROLE ana IN DATABASE loja SET DateStyle = 'ISO,MDY'/,
    ],
    [
      having('array_nulls', 'off', [{ name: 'array_nulls', value: 'off', scope: 'all roles' }]),
      /array_nulls = off/,
      /ALTER ROLE ALL RESET array_nulls/,
    ],
    [having('session_replication_role', 'replica'), /no trigger fires/, /'origin'/],
    [{ inRecovery: true }, /standby/, /primary/],
    [{ readOnly: true }, /read-only/, /default_transaction_read_only/],
  ])('with %o is refused with the fix', (fault, says, fix) => {
    const refused = judgeServer({ ...fit, ...fault }, settings);
    expect(refused?.message).toMatch(says);
    expect(refused?.fix).toMatch(fix);
  });
});

it('a database is named without its password', () => {
  expect(describeDatabase(settings)).toBe('ana@db.example.com:5432/loja');
});
