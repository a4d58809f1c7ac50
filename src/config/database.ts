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
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** The database that the variables name, or null: then the embedded PostgreSQL is meant. Mistakes go to `errors`. */
export function databaseSettings(values: Partial<RawValues>, errors: string[]): DatabaseSettings | null {
  const url =
    values.DATABASE_URL ?? (values.DB_HOST === undefined ? values.FALLBACK_DATABASE_URL : undefined);
  const base = url === undefined ? fromParts(values) : fromUrl(url, errors);
  if (base === null) return null;
  const sslMode = values.DB_SSLMODE ?? base.sslMode ?? (isLoopback(base.host) ? 'disable' : 'require');
  const sslRootCert = values.DB_SSLROOTCERT ?? base.sslRootCert;
  return { ...base, sslMode, sslRootCert };
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

function fromUrl(text: string, errors: string[]): Base | null {
  const url = new URL(text);
  const sslMode = url.searchParams.get('sslmode');
  if (sslMode !== null && SSL_MODES[sslMode] === undefined) {
    errors.push(
      `sslmode=${JSON.stringify(sslMode.slice(0, 40))} in the database URL is not one of disable, require, verify-full`,
    );
    return null;
  }
  const sslRootCert = url.searchParams.get('sslrootcert');
  try {
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 5432 : Number(url.port),
      database: decodeURIComponent(url.pathname.slice(1)),
      user: url.username === '' ? 'postgres' : decodeURIComponent(url.username),
      password: url.password === '' ? undefined : decodeURIComponent(url.password),
      ...(sslMode === null ? {} : { sslMode: SSL_MODES[sslMode] as SslMode }),
      ...(sslRootCert === null ? {} : { sslRootCert }),
    };
  } catch {
    errors.push('the database URL has a % that starts no escape: write it as %25');
    return null;
  }
}
