import { isLoopback } from '../../config/database.ts';
import { createUtf8Database } from '../../lib/sql-text.ts';
import { isSupabaseHost, poolerEvidence, readerEndpoint } from '../endpoint.ts';
import { type Facts, hasPlatformRole, type ServerFacts } from '../facts.ts';
import { type Check, check, count, note, pass, problem, type Verdict } from './check.ts';

/** The server and the way to it. */
export function serverChecks(facts: Facts): readonly Check[] {
  const { server } = facts;
  const supabase = isSupabaseHost(facts.address.host) || hasPlatformRole(facts, 'supabase_admin');
  const rds = hasPlatformRole(facts, 'rds_superuser');
  const slots = facts.slots;
  return [
    check('version', 'server version', server, judgeVersion),
    check('primary', 'primary, not a standby', server, ({ inRecovery }) =>
      inRecovery
        ? problem(
            'fail',
            'this server is a standby: it takes no writes',
            'point DB_HOST, and the reader, at the primary',
          )
        : pass('primary'),
    ),
    check('wal-level', 'wal_level', server, (value) => judgeWalLevel(value, rds)),
    { id: 'direct-host', title: 'direct host', ...judgeHost(facts) },
    check('tls', 'TLS', facts.tls, (on) => judgeTls(on, facts)),
    check('encoding', 'encoding', server, ({ encoding, database }) =>
      encoding === 'UTF8'
        ? pass('UTF8')
        : problem(
            'fail',
            `the database is in ${encoding}; readers want UTF8`,
            'make a new database and point the simulator at it',
            [createUtf8Database(database)],
          ),
    ),
    check('slots-free', 'replication slots free', server, (value) => {
      if (!slots.known) return note(`not known: ${slots.reason}`);
      return judgeFree('replication slot', 'max_replication_slots', value, slots.value.length, supabase);
    }),
    check('senders-free', 'WAL senders free', server, (value) => {
      if (!facts.walSenders.known) return note(`not known: ${facts.walSenders.reason}`);
      return judgeFree('WAL sender', 'max_wal_senders', value, facts.walSenders.value, supabase);
    }),
  ];
}

export function judgeVersion({ versionNumber, version }: ServerFacts): Verdict {
  if (versionNumber < 130_000) {
    return problem('fail', `PostgreSQL ${version}: 13 is the oldest that works`, 'upgrade the server');
  }
  if (versionNumber < 150_000)
    return note(`PostgreSQL ${version}: fine; publications filter rows from 15 on`);
  if (versionNumber >= 180_000) {
    return note(`PostgreSQL ${version}: fine here; Hevo Edge names 10 to 17, Hevo Standard 9.4 and later`);
  }
  return pass(`PostgreSQL ${version}`);
}

export function judgeWalLevel({ settings }: ServerFacts, rds: boolean): Verdict {
  const level = settings['wal_level'];
  if (level === 'logical') return pass('logical');
  if (level === undefined) return note('not known: pg_settings does not show wal_level');
  return rds
    ? problem(
        'fail',
        `${level}: no slot can decode changes`,
        'set rds.logical_replication = 1 in the parameter group and reboot',
      )
    : problem(
        'fail',
        `${level}: no slot can decode changes`,
        'run this as a superuser, then restart the server',
        ['ALTER SYSTEM SET wal_level = logical'],
      );
}

export function judgeHost({ address }: Pick<Facts, 'address'>): Verdict {
  const evidence = poolerEvidence(address);
  if (evidence === null) return pass(`${address.host}:${address.port}`);
  const endpoint = readerEndpoint(address);
  const where =
    endpoint.host === null ? endpoint.note : `${endpoint.host}:${endpoint.port} (${endpoint.note})`;
  return problem(
    'warn',
    `${evidence}: good enough for the simulator, but no reader can replicate through it`,
    `give the reader ${where}`,
  );
}

export function judgeTls(on: boolean, { address }: Pick<Facts, 'address'>): Verdict {
  if (poolerEvidence(address) !== null) {
    return note(
      'not known: behind a pooler the server sees the connection of the pooler; set DB_SSLMODE=verify-full',
    );
  }
  if (on) return pass('on');
  if (isLoopback(address.host) || address.host.startsWith('/')) return pass('off, on this machine alone');
  const ca = isSupabaseHost(address.host) ? ' with DB_SSLROOTCERT=prod-ca-2021.crt' : ' with DB_SSLROOTCERT';
  return problem(
    'warn',
    'the connection is not encrypted',
    `set DB_SSLMODE=verify-full${ca}, and TLS in the reader`,
  );
}

function judgeFree(
  what: string,
  setting: 'max_replication_slots' | 'max_wal_senders',
  { settings }: ServerFacts,
  used: number,
  supabase: boolean,
): Verdict {
  const max = Number(settings[setting] ?? Number.NaN);
  if (Number.isNaN(max)) return note(`not known: pg_settings does not show ${setting}`);
  const free = max - used;
  const detail = `${count(Math.max(free, 0), what)} free of ${max}`;
  if (free >= 2) return pass(detail);
  const wanted = Math.max(10, max + 5);
  const first = 'drop slots that nobody reads (see the slots below), or raise the number';
  return supabase
    ? problem(
        free > 0 ? 'warn' : 'fail',
        detail,
        `${first}: supabase --experimental postgres-config update --config ${setting}=${wanted}`,
      )
    : problem(free > 0 ? 'warn' : 'fail', detail, `${first} and restart the server`, [
        `ALTER SYSTEM SET ${setting} = ${wanted}`,
      ]);
}
