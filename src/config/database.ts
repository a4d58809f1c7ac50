import { shown } from '../lib/shown.ts';
import { databaseUrl, isHost, isSqlName } from './parsers.ts';
import type { RawValues } from './read.ts';

export type SslMode = 'disable' | 'require' | 'verify-full';

/** Where the source database is. */
export interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly sslMode: SslMode;
  /** Path of a CA certificate, for `verify-full`. */
  readonly sslRootCert: string | undefined;
  /** Connections are opened without startup options: a pooler in between takes none. */
  readonly plainStartup?: true;
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** The database that the variables name, or null: then the embedded PostgreSQL is meant. Mistakes go to `errors`. */
export function databaseSettings(values: Partial<RawValues>, errors: string[]): DatabaseSettings | null {
  const base = baseSettings(values, errors);
  if (base === null) return null;
  return withTls(base, values.DB_SSLMODE, values.DB_SSLROOTCERT);
}

function baseSettings(values: Partial<RawValues>, errors: string[]): Base | null {
  const { DATABASE_URL, DB_HOST, FALLBACK_DATABASE_URL } = values;
  if (DATABASE_URL !== undefined) return fromUrl('DATABASE_URL', DATABASE_URL, errors);
  if (DB_HOST !== undefined) return fromParts(values);
  if (FALLBACK_DATABASE_URL === undefined) return null;
  return fromUrl('FALLBACK_DATABASE_URL', FALLBACK_DATABASE_URL, errors);
}

/**
 * The database that a URL names, by the same rules as `DATABASE_URL`; null, and at least one more of `errors`, when it
 * names none. `what` is what the messages call it. No message repeats a part of the URL that may be its password.
 */
export function settingsFromUrl(what: string, text: string, errors: string[]): DatabaseSettings | null {
  if (!databaseUrl().safeParse(text).success) {
    errors.push(`${what} is not a URL such as postgresql://user:password@host:5432/database`);
    return null;
  }
  const base = fromUrl(what, text, errors);
  return base === null ? null : withTls(base, undefined, undefined);
}

function withTls(base: Base, mode: SslMode | undefined, rootCert: string | undefined): DatabaseSettings {
  const sslMode = mode ?? base.sslMode ?? (isLoopback(base.host) ? 'disable' : 'require');
  return { ...base, sslMode, sslRootCert: rootCert ?? base.sslRootCert };
}

type Base = Omit<DatabaseSettings, 'sslMode' | 'sslRootCert'> & { sslMode?: SslMode; sslRootCert?: string };

function fromParts(values: Partial<RawValues>): Base | null {
  if (values.DB_HOST === undefined) return null;
  return {
    host: values.DB_HOST,
    port: values.DB_PORT ?? 5432,
    database: values.DB_NAME ?? 'postgres',
    user: values.DB_USER ?? 'postgres',
    password: values.DB_PASSWORD,
  };
}

const SSL_MODES: Readonly<Record<string, SslMode>> = {
  disable: 'disable',
  prefer: 'require',
  require: 'require',
  'no-verify': 'require',
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
};

function fromUrl(what: string, text: string, errors: string[]): Base | null {
  const url = new URL(text);
  const path = url.pathname.slice(1);
  if (/[/@]/.test(path) || url.hash !== '') {
    errors.push(
      `${what} cannot be taken apart: write @ : / ? # % in user and password as %40 %3A %2F %3F %23 %25`,
    );
    return null;
  }
  const sslMode = url.searchParams.get('sslmode');
  if (sslMode !== null && !Object.hasOwn(SSL_MODES, sslMode)) {
    errors.push(`sslmode=${shown(sslMode, 40)} in ${what} is not one of disable, require, verify-full`);
    return null;
  }
  const parts = decoded(url);
  if (parts === null) {
    errors.push(`${what} has a % that starts no escape: write it as %25`);
    return null;
  }
  const wrong = wrongPart(parts);
  if (wrong !== null) {
    errors.push(`${what} ${wrong}`);
    return null;
  }
  const { sslRootCert, ...base } = parts;
  return {
    ...base,
    ...(sslMode === null ? {} : { sslMode: SSL_MODES[sslMode] as SslMode }),
    ...(sslRootCert === null ? {} : { sslRootCert }),
  };
}

interface UrlParts {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly sslRootCert: string | null;
}

/** null: an escape that is none. */
function decoded(url: URL): UrlParts | null {
  try {
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 5432 : Number(url.port),
      database: decodeURIComponent(url.pathname.slice(1)),
      user: url.username === '' ? 'postgres' : decodeURIComponent(url.username),
      password: url.password === '' ? undefined : decodeURIComponent(url.password),
      sslRootCert: url.searchParams.get('sslrootcert'),
    };
  } catch {
    return null;
  }
}

function wrongPart({ host, port, database, user, password, sslRootCert }: UrlParts): string | null {
  if (!isHost(host)) return 'has a host that is neither a host name in ASCII nor an IP address';
  if (port < 1) return 'has the port 0: a port is a whole number from 1 to 65535';
  if (!isSqlName(database)) return 'has a database name of more than 63 bytes or with control characters';
  if (!isSqlName(user)) return 'has a user name of more than 63 bytes or with control characters';
  if (/\p{Cc}/u.test(`${password ?? ''}${sslRootCert ?? ''}`)) return 'has control characters in it';
  return null;
}
