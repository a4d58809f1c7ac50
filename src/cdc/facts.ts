import type { Difference } from '../db/shape.ts';

/** What was read of a source, before anybody judges it. Sizes are bytes, times milliseconds. */

/** A fact, or why it could not be read (privileges, an older server): nothing is assumed in its place. */
export type Fact<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string };

export interface ServerFacts {
  readonly versionNumber: number;
  readonly version: string;
  readonly inRecovery: boolean;
  readonly encoding: string;
  readonly database: string;
  readonly databaseBytes: number | null;
  /** Database's clock minus this machine's, in ms; half the round trip is its error. */
  readonly clockOffsetMs: number;
  readonly roundTripMs: number;
  /** `pg_settings.setting`, by name; in the unit of `pg_settings`. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface RoleFacts {
  readonly name: string;
  readonly superuser: boolean;
  readonly replication: boolean;
  readonly login: boolean;
  readonly bypassRls: boolean;
  readonly createRole: boolean;
  readonly connectionLimit: number;
  readonly expired: boolean;
  /** Member of `rds_replication`: there it stands for REPLICATION. */
  readonly rdsReplication: boolean;
}

export interface ReaderFacts {
  readonly name: string;
  /** null: no such role. */
  readonly role: RoleFacts | null;
  readonly canConnect: boolean;
  readonly schemaUsage: boolean;
  /** Expected tables that it may not SELECT. */
  readonly unreadable: readonly string[];
  /** Tables that the current user makes later will be readable. */
  readonly futureTables: boolean;
  /** Settings that hold for the role in this database: `statement_timeout` …, in ms; null: not set for it. */
  readonly timeouts: Readonly<Record<TimeoutName, number | null>>;
}

export const timeoutNames = [
  'statement_timeout',
  'idle_in_transaction_session_timeout',
  'wal_sender_timeout',
] as const;
export type TimeoutName = (typeof timeoutNames)[number];

export interface ColumnFacts {
  readonly name: string;
  /** As `format_type` prints it. */
  readonly type: string;
  /** `pg_type.typtype`: b base, e enum, c composite, d domain, r range, m multirange. */
  readonly kind: string;
  readonly isArray: boolean;
  readonly generated: boolean;
  /** May be stored out of line (`attstorage` x or e). */
  readonly outOfLine: boolean;
}

export interface TableFacts {
  readonly name: string;
  /** r table, p partitioned, v view, f foreign … */
  readonly kind: string;
  /** p permanent, u unlogged, t temporary. */
  readonly persistence: string;
  readonly hasPrimaryKey: boolean;
  /** d default, n nothing, f full, i index. */
  readonly replicaIdentity: string;
  /** For `i`: the index is there and valid. */
  readonly identityIndexValid: boolean;
  readonly rowSecurity: boolean;
  readonly forceRowSecurity: boolean;
  readonly owner: string;
  /** Bytes stored out of line just now. */
  readonly toastBytes: number;
  readonly columns: readonly ColumnFacts[];
}

export interface PublicationFacts {
  readonly name: string;
  readonly allTables: boolean;
  readonly insert: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  readonly truncate: boolean;
  readonly viaRoot: boolean;
  /** Qualified: `public.pedidos`. */
  readonly tables: readonly string[];
  /** Tables with a row filter, and with a column list. */
  readonly rowFilters: readonly string[];
  readonly columnLists: readonly string[];
}

export interface SlotFacts {
  readonly name: string;
  readonly database: string | null;
  readonly logical: boolean;
  readonly active: boolean;
  readonly temporary: boolean;
  readonly walStatus: string | null;
  readonly retainedBytes: number | null;
  /** Since when nobody reads it, in hours; null: read now, or the server does not keep it (before 17). */
  readonly idleHours: number | null;
}

export interface TransactionFacts {
  readonly pid: number | null;
  /** Set for a prepared transaction. */
  readonly preparedAs: string | null;
  readonly ageSeconds: number;
  readonly state: string;
  readonly application: string;
}

export interface ActivityFacts {
  readonly transactions: readonly TransactionFacts[];
  /** Sessions of which this role may not see the transaction. */
  readonly hidden: number;
}

export interface SpillFacts {
  readonly slot: string;
  readonly spillCount: number;
  readonly spillBytes: number;
}

export interface RowSecurityProbe {
  readonly table: string;
  /** null: the read went through. */
  readonly error: string | null;
}

export interface GrowthFacts {
  /** null: the simulator has not run long enough here to say. */
  readonly bytesPerDay: number | null;
}

export type EndToEnd =
  | { readonly outcome: 'seen'; readonly ms: number }
  | { readonly outcome: 'not-seen'; readonly waitedMs: number }
  /** `step`: what could not be done. */
  | { readonly outcome: 'failed'; readonly step: 'slot' | 'heartbeat' | 'decode'; readonly reason: string };

export interface Facts {
  readonly address: { readonly host: string; readonly port: number; readonly user: string };
  readonly server: Fact<ServerFacts>;
  /** TLS of this connection. */
  readonly tls: Fact<boolean>;
  readonly currentRole: Fact<RoleFacts>;
  /** Roles of this server that tell where it runs: `rds_replication`, `supabase_admin` … */
  readonly platformRoles: Fact<readonly string[]>;
  readonly tables: Fact<readonly TableFacts[]>;
  /** What of the tables is not as the migrations made them; null: there are none yet. */
  readonly shape: Fact<readonly Difference[] | null>;
  readonly reader: Fact<ReaderFacts>;
  readonly rowSecurity: Fact<readonly RowSecurityProbe[]>;
  /** null: no such publication. */
  readonly publication: Fact<PublicationFacts | null>;
  readonly slots: Fact<readonly SlotFacts[]>;
  readonly walSenders: Fact<number>;
  readonly activity: Fact<ActivityFacts>;
  readonly spill: Fact<readonly SpillFacts[]>;
  /** WAL written an hour, from two looks. */
  readonly walPerHour: Fact<number>;
  readonly growth: Fact<GrowthFacts>;
}

/** The value, or `fallback` where it is not known. */
export function valueOr<T, U>(fact: Fact<T>, fallback: U): T | U {
  return fact.known ? fact.value : fallback;
}

/** Whether the server has a role that only one platform has. */
export function hasPlatformRole(facts: Pick<Facts, 'platformRoles'>, name: string): boolean {
  return facts.platformRoles.known && facts.platformRoles.value.includes(name);
}
