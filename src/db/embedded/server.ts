import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import type { DatabaseSettings } from '../../config/database.ts';
import { delay } from '../../lib/backoff.ts';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import { codeOf } from '../sqlstate.ts';
import type { Placement } from './placement.ts';
import { isAlive, mayBePostgres } from './processes.ts';

/** Well known on purpose: the server listens on loopback only, and every tool on this machine may look in. */
export const EMBEDDED_USER = 'postgres';
export const EMBEDDED_PASSWORD = 'postgres';
export const EMBEDDED_DATABASE = 'loja';

const MAJOR_VERSION = '17';
const START_TIMEOUT_S = 90;
const STOP_TIMEOUT_S = 8;

/** The shape of the server, rewritten at each start; what a user adds to postgresql.conf below the include wins. */
function configuration(port: number, extra: Readonly<Record<string, string>>): string {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: "''",
    wal_level: 'logical',
    max_wal_senders: '10',
    max_replication_slots: '10',
    max_connections: '100',
    max_slot_wal_keep_size: '4GB',
    wal_sender_timeout: '60s',
    shared_buffers: '128MB',
    max_wal_size: '1GB',
    checkpoint_timeout: '15min',
    wal_compression: 'on',
    idle_in_transaction_session_timeout: '5min',
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    lc_messages: "'C'",
    logging_collector: 'on',
    log_directory: "'log'",
    log_filename: "'server-%a.log'",
    log_truncate_on_rotation: 'on',
    log_rotation_age: '1d',
    log_rotation_size: '0',
    log_checkpoints: 'off',
    jit: 'off',
    ...extra,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `# written by cdc-sim at each start; put your own settings into postgresql.conf\n${lines.join('\n')}\n`;
}

/** One embedded server: its files, and whether it runs. Callers hold the lock. */
export class EmbeddedServer {
  readonly placement: Placement;
  readonly #extra: Readonly<Record<string, string>>;

  constructor(placement: Placement, extra: Readonly<Record<string, string>> = {}) {
    this.placement = placement;
    this.#extra = extra;
  }

  settings(port: number, database = EMBEDDED_DATABASE): DatabaseSettings {
    return {
      host: '127.0.0.1',
      port,
      database,
      user: EMBEDDED_USER,
      password: EMBEDDED_PASSWORD,
      sslMode: 'disable',
      sslRootCert: undefined,
    };
  }

  /** Makes the data directory when there is none. Throws when what is there is not ours to use. */
  async prepare(): Promise<void> {
    const { dataDir } = this.placement;
    const unfinished = `${dataDir}.init`;
    const entries = existsSync(dataDir) ? readdirSync(dataDir) : [];
    if (entries.includes('PG_VERSION')) {
      const version = readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim();
      if (version === MAJOR_VERSION) return;
      throw new OperatorError(
        `${dataDir} was made by PostgreSQL ${version}; the embedded server is PostgreSQL ${MAJOR_VERSION}`,
        {
          fix: 'set EMBEDDED_DATA_DIR to another folder, or move this one away; a dump of the old version can be restored into the new',
        },
      );
    }
    if (entries.length > 0) {
      throw new OperatorError(
        `${dataDir} is not empty and is no PostgreSQL data directory; it was not touched`,
        {
          fix: 'set EMBEDDED_DATA_DIR to a new folder',
        },
      );
    }
    // a data directory that is there is whole: initdb works beside it, and the name comes last
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { mode: 0o700 });
    this.#own(unfinished);
    await this.#initdb(unfinished);
    rmSync(dataDir, { recursive: true, force: true });
    renameSync(unfinished, dataDir);
  }

  async #initdb(folder: string): Promise<void> {
    const passwordFile = `${folder}.password`;
    writeFileSync(passwordFile, `${EMBEDDED_PASSWORD}\n`, { mode: 0o600 });
    this.#own(passwordFile);
    try {
      const result = await this.#run(
        'initdb',
        [
          '-D',
          folder,
          '-U',
          EMBEDDED_USER,
          '--pwfile',
          passwordFile,
          '-A',
          'scram-sha-256',
          '-E',
          'UTF8',
          '--locale=C',
          '--no-instructions',
        ],
        folder,
      );
      if (result.code !== 0) {
        throw new OperatorError(
          `the embedded PostgreSQL could not make its data directory: ${lastLines(result.output)}`,
          {
            fix: 'see that the disk has 200 MB free and the folder can be written; or set DATABASE_URL to a database of yours',
          },
        );
      }
    } finally {
      rmSync(passwordFile, { force: true });
    }
    const conf = join(folder, 'postgresql.conf');
    writeFileSync(conf, `include_if_exists = 'cdc-sim.conf'\n\n${readFileSync(conf, 'utf8')}`);
    this.#own(conf);
  }

  /** The port of the server that runs on this data directory; waits for one that is just starting. Else undefined. */
  async runningPort(): Promise<number | undefined> {
    for (let attempt = 0; attempt < START_TIMEOUT_S * 5; attempt++) {
      const found = this.#postmaster();
      if (found === undefined) return undefined;
      if (!isAlive({ pid: found.pid, startedAt: '' }) || !mayBePostgres(found.pid)) {
        // left behind by a crash or a reboot; PostgreSQL itself would refuse when the number lives on in another program
        rmSync(join(this.placement.dataDir, 'postmaster.pid'), { force: true });
        return undefined;
      }
      const state = found.port === undefined ? 'starting' : await this.#ask(found.port);
      if (state === 'ours') return found.port;
      if (state === 'foreign') {
        throw new OperatorError(
          `the server on port ${found.port} says that it is not the one of ${this.placement.dataDir}`,
          {
            fix: `stop it, or remove ${join(this.placement.dataDir, 'postmaster.pid')} when no server runs there`,
          },
        );
      }
      await delay(200);
    }
    throw new OperatorError(
      `the server of ${this.placement.dataDir} runs but takes no connections for ${START_TIMEOUT_S} s`,
      {
        fix: `look at the newest file in ${join(this.placement.dataDir, 'log')}, or end the process in postmaster.pid`,
      },
    );
  }

  /** True when the server went away without an orderly shutdown. */
  crashed(): boolean {
    const found = this.#postmaster();
    return found !== undefined && !isAlive({ pid: found.pid, startedAt: '' });
  }

  #postmaster(): { pid: number; port: number | undefined } | undefined {
    try {
      const lines = readFileSync(join(this.placement.dataDir, 'postmaster.pid'), 'utf8').split('\n');
      const pid = Math.abs(Number(lines[0]));
      if (!Number.isInteger(pid) || pid < 1) return undefined;
      const port = Number(lines[3]);
      return { pid, port: Number.isInteger(port) && port > 0 ? port : undefined };
    } catch {
      return undefined;
    }
  }

  async #ask(port: number): Promise<'ours' | 'foreign' | 'starting'> {
    const client = new pg.Client({
      ...this.settings(port, 'postgres'),
      ssl: false,
      connectionTimeoutMillis: 2_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const result = await client.query<{ folder: string }>(
        `SELECT current_setting('data_directory') AS folder`,
      );
      return result.rows[0]?.folder === this.placement.dataDir ? 'ours' : 'foreign';
    } catch (error) {
      return codeOf(error) === '28P01' ? 'foreign' : 'starting';
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Starts the server, detached from this process and its terminal. */
  async start(port: number): Promise<void> {
    const { dataDir } = this.placement;
    const conf = join(dataDir, 'cdc-sim.conf');
    writeFileSync(conf, configuration(port, this.#extra));
    this.#own(conf);
    const log = join(dataDir, 'start.log');
    writeFileSync(log, '');
    this.#own(log);
    const result = await this.#run(
      'pg_ctl',
      ['start', '-D', dataDir, '-w', '-t', String(START_TIMEOUT_S), '-l', log, '-s'],
      dataDir,
    );
    if (result.code === 0) return;
    throw new OperatorError(
      `the embedded PostgreSQL did not start: ${lastLines(readFileSync(log, 'utf8') || this.#serverLog() || result.output)}`,
      {
        fix: `look at ${join(dataDir, 'log')}; when the disk is full, free some; or set EMBEDDED_DATA_DIR to another folder`,
      },
    );
  }

  async stop(): Promise<void> {
    const { dataDir } = this.placement;
    for (const mode of ['fast', 'immediate']) {
      const result = await this.#run(
        'pg_ctl',
        ['stop', '-D', dataDir, '-m', mode, '-w', '-t', String(STOP_TIMEOUT_S), '-s'],
        dataDir,
      );
      if (result.code === 0 || this.#postmaster() === undefined) return;
    }
  }

  #serverLog(): string {
    try {
      const folder = join(this.placement.dataDir, 'log');
      return readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('')
        .slice(-2000);
    } catch {
      return '';
    }
  }

  #own(path: string): void {
    const { user } = this.placement;
    if (user !== null) chownSync(path, user.uid, user.gid);
  }

  async #run(
    program: string,
    args: readonly string[],
    cwd: string,
  ): Promise<{ code: number | null; output: string }> {
    const { binDir, user } = this.placement;
    const path = join(binDir, process.platform === 'win32' ? `${program}.exe` : program);
    if (process.platform !== 'win32') makeExecutable(path);
    return new Promise((resolve, reject) => {
      // pg_ctl's server would keep a pipe open for ever: its output goes to a file, ours is of initdb and stop alone
      const output: string[] = [];
      const piped = program === 'initdb';
      const child = spawn(path, args, {
        cwd,
        stdio: ['ignore', piped ? 'pipe' : 'ignore', piped ? 'pipe' : 'ignore'],
        windowsHide: true,
        detached: process.platform !== 'win32',
        ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
      });
      child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
      child.once('error', (error) =>
        reject(
          new OperatorError(`cannot run ${path}: ${messageOf(error)}`, {
            fix: 'rm -rf node_modules && npm ci, or set DATABASE_URL to a database of yours',
          }),
        ),
      );
      child.once('exit', (code) => resolve({ code, output: output.join('') }));
    });
  }
}

function makeExecutable(path: string): void {
  try {
    chmodSync(path, 0o755);
  } catch {
    // a read-only installation has them executable already, or says so when it runs them
  }
}

function lastLines(text: string): string {
  return (
    text
      .trim()
      .split('\n')
      .slice(-3)
      .map((line) => line.trim())
      .join(' | ') || 'it said nothing'
  );
}

/** True when nobody listens on that loopback port. */
export async function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
