import type { DatabaseSettings } from '../config/database.ts';
import { ExitCode, messageOf, OperatorError } from '../lib/errors.ts';
import { createUtf8Database, identifier } from '../lib/sql-text.ts';
import { judgeSession, resetStatement, type SessionFacts } from './session.ts';
import { codeOf } from './sqlstate.ts';

/** The database as a person names it; never with the password. */
export function describeDatabase(
  settings: Pick<DatabaseSettings, 'host' | 'port' | 'database' | 'user'>,
): string {
  return `${settings.user}@${settings.host}:${settings.port}/${settings.database}`;
}

type Explain = (settings: DatabaseSettings, message: string) => { message: string; fix: string };

const at = (s: DatabaseSettings) => `${s.host}:${s.port}`;

const BY_CODE: Readonly<Record<string, Explain>> = {
  '28P01': (s) => ({
    message: `${at(s)} refuses the password of user ${s.user}`,
    fix: 'correct DB_PASSWORD (in a URL, write @ : / % as %40 %3A %2F %25)',
  }),
  '28000': (s, m) => ({
    message: `${at(s)} refuses user ${s.user}: ${m}`,
    fix: /pg_hba/.test(m) ? admission(s, m) : 'correct DB_USER, or create that role on the server',
  }),
  '3D000': (s) => ({
    message: `there is no database "${s.database}" on ${at(s)}`,
    fix: `create it (CREATE DATABASE ${identifier(s.database)}) or correct DB_NAME`,
  }),
  '42501': (s, m) => ({
    message: `user ${s.user} lacks a privilege on ${s.database}: ${m}`,
    fix: `connect as the owner, or let the owner run: GRANT CONNECT, CREATE ON DATABASE ${identifier(s.database)} TO ${identifier(s.user)}; GRANT CREATE ON SCHEMA public TO ${identifier(s.user)}`,
  }),
  '53300': (s) => ({
    message: `${at(s)} has no connection left`,
    fix: 'lower DB_POOL_SIZE, end idle sessions, or raise max_connections',
  }),
  '25006': (s) => ({ message: `${at(s)} is read-only`, fix: 'point DB_HOST at the primary' }),
  '53100': (s) => ({
    message: `the disk of ${at(s)} is full`,
    fix: 'free space there, or move to a larger plan',
  }),
  '57P03': (s, m) => ({
    message: `${at(s)} takes no connections yet: ${m}`,
    fix: 'wait until it has started or recovered (its log says how far it is), then try again',
  }),
  ECONNRESET: (s) => ({
    message: `${at(s)} broke the connection off`,
    fix: 'see that a PostgreSQL listens there (and no other program), that a proxy in between lets it through, and its log',
  }),
  ENOTFOUND: (s) => ({
    message: `the host ${s.host} is not known`,
    fix: 'correct DB_HOST; the direct Supabase host (db.<ref>.supabase.co) has only IPv6: without it use the IPv4 add-on or the pooler',
  }),
  EAI_AGAIN: (s) => ({
    message: `the host ${s.host} cannot be looked up just now`,
    fix: 'check the network and DB_HOST',
  }),
  ECONNREFUSED: (s) => ({
    message: `nobody listens at ${at(s)}`,
    fix: 'start the server there, or correct DB_HOST and DB_PORT; without them npm start brings a server along',
  }),
  ETIMEDOUT: (s) => ({
    message: `${at(s)} does not answer`,
    fix: 'check firewall, VPN and DB_HOST, DB_PORT',
  }),
  ENETUNREACH: (s) => ({
    message: `there is no way to ${at(s)} from here`,
    fix: 'the direct Supabase host has only IPv6: use the IPv4 add-on or the pooler for the simulator',
  }),
  EHOSTUNREACH: (s) => ({
    message: `there is no way to ${at(s)} from here`,
    fix: 'check network, VPN and DB_HOST',
  }),
  DEPTH_ZERO_SELF_SIGNED_CERT: (s) => untrusted(s),
  SELF_SIGNED_CERT_IN_CHAIN: (s) => untrusted(s),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: (s) => untrusted(s),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: (s) => untrusted(s),
  ERR_TLS_CERT_ALTNAME_INVALID: (s) => ({
    message: `the certificate of ${at(s)} is for another host name`,
    fix: 'use the name in the certificate as DB_HOST, or DB_SSLMODE=require',
  }),
  CERT_HAS_EXPIRED: (s) => ({
    message: `the certificate of ${at(s)} has expired`,
    fix: 'renew it, or DB_SSLMODE=require',
  }),
};

function untrusted(s: DatabaseSettings): { message: string; fix: string } {
  return {
    message: `the certificate of ${at(s)} is signed by nobody that this machine trusts`,
    fix: 'set DB_SSLROOTCERT to the CA file of the server, or DB_SSLMODE=require',
  };
}

/** What to do when pg_hba.conf has no line for this connection: mostly it has one for the other kind. */
function admission(s: DatabaseSettings, message: string): string {
  const hba = `a line for user ${s.user} and database ${s.database} in the server's pg_hba.conf, then SELECT pg_reload_conf()`;
  if (/no encryption|SSL off/i.test(message)) return `set DB_SSLMODE=require; or ${hba}`;
  return `${hba}; at a hosted database add this machine's address to its allow list`;
}

const BY_MESSAGE: readonly (readonly [RegExp, Explain])[] = [
  [
    /max clients reached|MaxClients|too many (connections|clients)|no more connections allowed/i,
    (s) => ({
      message: `${at(s)} has no connection left`,
      fix: 'lower DB_POOL_SIZE, end idle sessions, or raise the pool size of the pooler',
    }),
  ],
  [
    /wrong version number|EPROTO|SSL routines|unexpected message.*SSL/i,
    (s) => ({
      message: `${at(s)} does not speak TLS as PostgreSQL does`,
      fix: 'correct DB_HOST and DB_PORT, or set DB_SSLMODE=disable when the way to it is safe',
    }),
  ],
  [
    /does not support SSL/i,
    (s) => ({
      message: `${at(s)} has no TLS`,
      fix: 'set DB_SSLMODE=disable when the way to it is safe, or turn TLS on there',
    }),
  ],
  [
    /timeout (expired|exceeded)|connection timeout/i,
    (s) => ({
      message: `${at(s)} does not answer within 10 s`,
      fix: 'check firewall, VPN and DB_HOST, DB_PORT',
    }),
  ],
  [
    /tenant or user not found|ENOTFOUND tenant/i,
    (s) => ({
      message: `the pooler at ${at(s)} does not know user ${s.user}`,
      fix: 'through a Supabase pooler the user is postgres.<project ref>',
    }),
  ],
  [
    /password must be a string|no password supplied|SASL.*password/i,
    (s) => ({
      message: `${at(s)} wants a password for user ${s.user}, and none is set`,
      fix: 'set DB_PASSWORD',
    }),
  ],
];

/** Turns the error of a first connection into what is wrong and what to do; a bug stays what it is. */
export function explainConnectionError(
  error: unknown,
  settings: DatabaseSettings,
): OperatorError | undefined {
  const text = messageOf(error);
  const explain = BY_CODE[codeOf(error)] ?? BY_MESSAGE.find(([pattern]) => pattern.test(text))?.[1];
  if (explain === undefined) return undefined;
  const { message, fix } = explain(settings, text);
  return new OperatorError(message, { fix, exitCode: ExitCode.failed, cause: error });
}

export interface ServerFacts {
  readonly versionNumber: number;
  readonly encoding: string;
  readonly inRecovery: boolean;
  readonly readOnly: boolean;
  readonly session: SessionFacts;
}

/** What makes a server unfit for the simulator, or undefined. */
export function judgeServer(facts: ServerFacts, settings: DatabaseSettings): OperatorError | undefined {
  const where = describeDatabase(settings);
  if (facts.versionNumber < 130_000) {
    const version = `${Math.floor(facts.versionNumber / 10_000)}`;
    return new OperatorError(`${where} is PostgreSQL ${version}; 13 or newer is needed`, {
      fix: 'upgrade the server, or use another',
    });
  }
  if (facts.encoding !== 'UTF8') {
    return new OperatorError(`the database ${settings.database} is encoded in ${facts.encoding}, not UTF8`, {
      fix: `create one that is: ${createUtf8Database(settings.database)}; and set DB_NAME to it`,
    });
  }
  if (facts.inRecovery) {
    return new OperatorError(`${where} is a standby and takes no writes`, {
      fix: 'point DB_HOST at the primary',
    });
  }
  if (facts.readOnly) return readOnly(facts, settings, where);
  const session = judgeSession(facts.session, settings.database);
  if (session !== undefined) return new OperatorError(session.problem, { fix: session.fix });
  return undefined;
}

function readOnly(facts: ServerFacts, settings: DatabaseSettings, where: string): OperatorError {
  const { role, defaults } = facts.session;
  const set = defaults.find(({ name }) => name === 'default_transaction_read_only');
  const forRole = set?.scope.startsWith('role') === true;
  return new OperatorError(`${where} is read-only${forRole ? ` for ${role}` : ''}`, {
    fix: `point DB_HOST at the primary, or: ${
      set === undefined
        ? 'ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf()'
        : resetStatement(set, { role, database: settings.database })
    }`,
  });
}
