import type { DatabaseSettings } from '../config/database.ts';

export type Address = Pick<DatabaseSettings, 'host' | 'port' | 'user'>;

/** The project of a Supabase database, from the direct host or a pooler's user (`postgres.<ref>`); null: not Supabase. */
export function supabaseRef(address: Address): string | null {
  const direct = /^db\.([a-z0-9]+)\.supabase\.(?:co|in|red)$/i.exec(address.host)?.[1];
  if (direct !== undefined) return direct;
  if (!isSupabaseHost(address.host)) return null;
  return /^[^.]+\.([a-z0-9]+)$/i.exec(address.user)?.[1] ?? null;
}

export function isSupabaseHost(host: string): boolean {
  return /\.supabase\.(?:co|com|in|red)$/i.test(host);
}

/**
 * What makes this address a connection pooler, which cannot carry replication; null: it looks direct. Host and user
 * tell; the port does not (Supabase's session pooler answers on 5432 like a server).
 */
export function poolerEvidence(address: Address): string | null {
  if (/(^|[.-])pooler\./i.test(address.host)) return `the host ${address.host} is a pooler`;
  if (/^(pgbouncer|pgcat|odyssey|supavisor)([.-]|$)/i.test(address.host))
    return `the host ${address.host} is named after a pooler`;
  if (/^postgres\.[a-z0-9]{16,}$/i.test(address.user))
    return `the user ${address.user} carries a project, as poolers want it`;
  return null;
}

export interface ReaderEndpoint {
  /** null: cannot be derived; the operator must look it up. */
  readonly host: string | null;
  readonly port: number | null;
  /** One sentence. */
  readonly note: string;
}

/** Where a CDC reader must connect, given how the simulator does. */
export function readerEndpoint(address: Address): ReaderEndpoint {
  const ref = supabaseRef(address);
  if (ref !== null) {
    return {
      host: `db.${ref}.supabase.co`,
      port: 5432,
      note: 'the direct host: IPv6 only, unless the project has the IPv4 add-on; no pooler carries replication',
    };
  }
  if (isSupabaseHost(address.host)) {
    return {
      host: null,
      port: 5432,
      note: 'the direct host db.<ref>.supabase.co (Project Settings → Database); no pooler carries replication',
    };
  }
  const evidence = poolerEvidence(address);
  if (evidence === null) return { host: address.host, port: address.port, note: 'the same server as here' };
  const neon = /^(.+)-pooler(\..+)$/i.exec(address.host);
  if (neon?.[1] !== undefined && neon[2] !== undefined) {
    return { host: `${neon[1]}${neon[2]}`, port: 5432, note: 'the host without -pooler' };
  }
  return {
    host: null,
    port: null,
    note: `the server itself: ${evidence}, and no pooler carries replication`,
  };
}
