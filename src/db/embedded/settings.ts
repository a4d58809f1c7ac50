/** Well known on purpose: the server listens on loopback only, and every tool on this machine may look in. */
export const EMBEDDED_USER = 'postgres';
export const EMBEDDED_PASSWORD = 'postgres';
export const EMBEDDED_DATABASE = 'loja';

/** What initdb is told. The builtin C.UTF-8 sorts by code point and folds accents alike on every system. */
export const INITDB_ARGUMENTS: readonly string[] = [
  `--username=${EMBEDDED_USER}`,
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
];

/** The server's own log: a file an hour, each overwritten a day later, so that it does not grow without bound. */
export const LOG_FOLDER = 'log';

/** The shape of the server, rewritten at each start; what a user adds to postgresql.conf below the include wins. */
export function configuration(port: number, extra: Readonly<Record<string, string>>): string {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: "'127.0.0.1'",
    // a socket's path may be too long, and its folder belong to somebody else
    unix_socket_directories: "''",
    wal_level: 'logical',
    max_wal_senders: '10',
    max_replication_slots: '10',
    max_connections: '100',
    // a consumer that went away for good must not fill the disk
    max_slot_wal_keep_size: '4GB',
    wal_sender_timeout: '60s',
    shared_buffers: '128MB',
    max_wal_size: '1GB',
    checkpoint_timeout: '15min',
    idle_in_transaction_session_timeout: '5min',
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    lc_messages: "'C'",
    logging_collector: 'on',
    log_directory: `'${LOG_FOLDER}'`,
    log_filename: "'server-%H.log'",
    log_truncate_on_rotation: 'on',
    log_rotation_age: '1h',
    log_rotation_size: '0',
    log_checkpoints: 'off',
    jit: 'off',
    ...extra,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `# written by cdc-sim at each start; put your own settings into postgresql.conf\n${lines.join('\n')}\n`;
}
