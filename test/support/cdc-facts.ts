import type { CheckOptions } from '../../src/cdc/checks/check.ts';
import type {
  ColumnFacts,
  Facts,
  PublicationFacts,
  ReaderFacts,
  RoleFacts,
  ServerFacts,
  SlotFacts,
  TableFacts,
} from '../../src/cdc/facts.ts';
import { publishedTables } from '../../src/db/schema.ts';

export const checkOptions: CheckOptions = {
  publication: 'cdc_sim',
  readerRole: 'cdc_reader',
  maxSlotLagBytes: 1024 ** 3,
  maxDatabaseBytes: 0,
  longTransactionSeconds: 300,
};

export function column(change: Partial<ColumnFacts> = {}): ColumnFacts {
  return {
    name: 'nome',
    type: 'text',
    kind: 'b',
    isArray: false,
    generated: false,
    outOfLine: false,
    ...change,
  };
}

export function table(change: Partial<TableFacts> = {}): TableFacts {
  return {
    name: 'pedidos',
    kind: 'r',
    persistence: 'p',
    hasPrimaryKey: true,
    replicaIdentity: 'd',
    identityIndexValid: false,
    rowSecurity: false,
    forceRowSecurity: false,
    owner: 'postgres',
    toastBytes: 0,
    columns: [column()],
    ...change,
  };
}

export function role(change: Partial<RoleFacts> = {}): RoleFacts {
  return {
    name: 'cdc_reader',
    superuser: false,
    replication: true,
    login: true,
    bypassRls: false,
    createRole: false,
    connectionLimit: -1,
    expired: false,
    rdsReplication: false,
    ...change,
  };
}

export function reader(change: Partial<ReaderFacts> = {}): ReaderFacts {
  return {
    name: 'cdc_reader',
    role: role(),
    canConnect: true,
    schemaUsage: true,
    unreadable: [],
    futureTables: true,
    timeouts: {
      statement_timeout: null,
      idle_in_transaction_session_timeout: null,
      wal_sender_timeout: null,
    },
    ...change,
  };
}

export function server(change: Partial<ServerFacts> = {}): ServerFacts {
  return {
    versionNumber: 170_010,
    version: '17.10',
    inRecovery: false,
    encoding: 'UTF8',
    database: 'loja',
    databaseBytes: 20 * 1024 ** 2,
    clockOffsetMs: 3,
    roundTripMs: 2,
    settings: {
      wal_level: 'logical',
      max_replication_slots: '10',
      max_wal_senders: '10',
      max_slot_wal_keep_size: '-1',
      wal_sender_timeout: '60000',
      statement_timeout: '0',
      idle_in_transaction_session_timeout: '0',
    },
    ...change,
  };
}

export function publication(change: Partial<PublicationFacts> = {}): PublicationFacts {
  return {
    name: 'cdc_sim',
    allTables: false,
    insert: true,
    update: true,
    delete: true,
    truncate: false,
    viaRoot: false,
    tables: publishedTables.map((name) => `public.${name}`),
    rowFilters: [],
    columnLists: [],
    ...change,
  };
}

export function slot(change: Partial<SlotFacts> = {}): SlotFacts {
  return {
    name: 'hevo',
    database: 'loja',
    logical: true,
    active: true,
    temporary: false,
    walStatus: 'reserved',
    retainedBytes: 1024 ** 2,
    idleHours: null,
    ...change,
  };
}

const known = <T>(value: T) => ({ known: true, value }) as const;

/** A source with which nothing is wrong. */
export function healthyFacts(change: Partial<Facts> = {}): Facts {
  return {
    address: { host: '127.0.0.1', port: 5432, user: 'postgres' },
    server: known(server()),
    tls: known(false),
    currentRole: known(role({ name: 'postgres', superuser: true })),
    platformRoles: known([]),
    tables: known(publishedTables.map((name) => table({ name }))),
    shape: known([]),
    reader: known(reader()),
    rowSecurity: known(publishedTables.map((name) => ({ table: name, error: null }))),
    publication: known(publication()),
    slots: known([]),
    walSenders: known(0),
    activity: known({ transactions: [], hidden: 0 }),
    spill: known([]),
    walPerHour: known(5 * 1024 ** 2),
    growth: known({ bytesPerDay: 1024 ** 2 }),
    ...change,
  };
}
