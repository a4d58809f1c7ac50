import { readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import type { DatabaseSettings } from '../../config/database.ts';
import { delay } from '../../lib/backoff.ts';
import { OperatorError } from '../../lib/errors.ts';
import { codeOf } from '../sqlstate.ts';
import { complaintsIn, OWN_CONFIGURATION, prepareDataDirectory } from './data-directory.ts';
import type { Placement } from './placement.ts';
import { mayServe, pidExists } from './processes.ts';
import { handOver, runProgram } from './programs.ts';
import {
  configuration,
  EMBEDDED_DATABASE,
  EMBEDDED_PASSWORD,
  EMBEDDED_USER,
  LOG_FOLDER,
} from './settings.ts';

const START_TIMEOUT_S = 90;
/** Together below the 10 s that a daemon has for its whole shutdown. */
const STOP_TIMEOUT_S = { fast: 5, immediate: 3 } as const;
const DAY_MS = 86_400_000;
/** What a server that was just killed says while its last children are still ending. */
const STILL_ENDING = /pre-existing shared memory block/;
const PORT_TAKEN = /could not bind|address already in use|could not create any TCP/i;

/** The port went to somebody else between the look and the start. */
export class PortTakenError extends OperatorError {}

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
    await prepareDataDirectory(this.placement, { durable: this.#extra['fsync'] !== 'off' });
  }

  /**
   * The port of the server that runs on this data directory, or undefined. Waits for one that is just starting,
   * recovering or stopping.
   */
  async runningPort(): Promise<number | undefined> {
    const { dataDir } = this.placement;
    const deadline = performance.now() + START_TIMEOUT_S * 1000;
    for (;;) {
      const found = this.#postmaster();
      if (found === undefined || !mayServe(found.pid, dataDir)) return undefined;
      const state = found.port === undefined ? 'starting' : await this.#ask(found.port);
      if (state === 'ours') return found.port;
      if (state === 'locked') {
        throw new OperatorError(
          `the embedded server on port ${found.port} refuses its own password (user ${EMBEDDED_USER})`,
          {
            fix: `set it back: ALTER ROLE ${EMBEDDED_USER} PASSWORD '${EMBEDDED_PASSWORD}'; or use that server as an outside one by DATABASE_URL`,
          },
        );
      }
      if (performance.now() > deadline) {
        throw new OperatorError(
          `the server of ${dataDir} (process ${found.pid}) runs but takes no connections for ${START_TIMEOUT_S} s`,
          {
            fix: `look at the newest file in ${join(dataDir, LOG_FOLDER)}, or end that process; when it is no PostgreSQL, remove ${join(dataDir, 'postmaster.pid')}`,
          },
        );
      }
      await delay(100);
    }
  }

  /** True when the server went away without an orderly shutdown: that one takes its pid file with it. */
  crashed(): boolean {
    const found = this.#postmaster();
    return found !== undefined && !mayServe(found.pid, this.placement.dataDir);
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

  async #ask(port: number): Promise<'ours' | 'locked' | 'starting'> {
    const client = new pg.Client({
      ...this.settings(port, 'postgres'),
      ssl: false,
      connectionTimeoutMillis: 2_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const sql = `SELECT current_setting('data_directory') AS folder`;
      const result = await client.query<{ folder: string }>(sql);
      // another server on that port says nothing about ours
      return sameFolder(result.rows[0]?.folder ?? '', this.placement.dataDir) ? 'ours' : 'starting';
    } catch (error) {
      const code = codeOf(error);
      if (code === '53300') return 'ours';
      return code === '28P01' ? 'locked' : 'starting';
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Starts the server, detached from this process and its terminal; resolves when it takes connections. */
  async start(port: number): Promise<void> {
    const { dataDir } = this.placement;
    this.#removeForeignPidFile();
    this.#removeOldLogs();
    this.#write(OWN_CONFIGURATION, configuration(port, this.#extra));
    const args = [
      'start',
      '-D',
      dataDir,
      '-w',
      '-t',
      String(START_TIMEOUT_S),
      '-l',
      join(dataDir, 'start.log'),
      '-s',
    ];
    const deadline = performance.now() + 30_000;
    for (;;) {
      this.#write('start.log', '');
      const startedMs = Date.now();
      const { code } = await runProgram(this.placement, 'pg_ctl', args, dataDir);
      if (code === 0) return;
      const why = this.#said(startedMs);
      if (STILL_ENDING.test(why) && performance.now() < deadline) {
        await delay(250);
        continue;
      }
      if (PORT_TAKEN.test(why)) {
        throw new PortTakenError(`port ${port} is taken by another program`, {
          fix: 'set EMBEDDED_PORT to a free port',
        });
      }
      throw new OperatorError(`the embedded PostgreSQL did not start: ${complaintsIn(why)}`, {
        fix: `look at ${join(dataDir, LOG_FOLDER)} and ${join(dataDir, 'start.log')}; when the disk is full, free some; or set EMBEDDED_DATA_DIR to another folder`,
      });
    }
  }

  /** Stops the server; one that a stuck consumer holds up is stopped the hard way, which a restart recovers from. */
  async stop(): Promise<void> {
    const { dataDir } = this.placement;
    for (const mode of ['fast', 'immediate'] as const) {
      const found = this.#postmaster();
      // pg_ctl believes the pid file, also when its number belongs to another program by now
      if (found === undefined || !mayServe(found.pid, dataDir)) return;
      const args = ['stop', '-D', dataDir, '-m', mode, '-w', '-t', String(STOP_TIMEOUT_S[mode]), '-s'];
      const { code } = await runProgram(this.placement, 'pg_ctl', args, dataDir);
      if (code === 0) return;
    }
  }

  /**
   * Takes away a pid file whose number has gone to another program, which PostgreSQL would take for a living server.
   * One whose process is simply gone stays: PostgreSQL needs it to find what a crash has left running.
   */
  #removeForeignPidFile(): void {
    const found = this.#postmaster();
    if (found === undefined || !pidExists(found.pid) || mayServe(found.pid, this.placement.dataDir)) return;
    rmSync(join(this.placement.dataDir, 'postmaster.pid'), { force: true });
  }

  /** The server overwrites its log files only when it runs through the hour: what is older than a day goes here. */
  #removeOldLogs(): void {
    for (const path of this.#logFiles()) {
      if (Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path, { force: true });
    }
  }

  #logFiles(): string[] {
    try {
      const folder = join(this.placement.dataDir, LOG_FOLDER);
      return readdirSync(folder).map((name) => join(folder, name));
    } catch {
      return [];
    }
  }

  /** What the server wrote since then. */
  #said(sinceMs: number): string {
    return [join(this.placement.dataDir, 'start.log'), ...this.#logFiles()]
      .filter((path) => statSync(path).mtimeMs >= sinceMs - 1_000)
      .map((path) => readFileSync(path, 'utf8').slice(-4_000))
      .join('\n');
  }

  #write(name: string, text: string): void {
    const path = join(this.placement.dataDir, name);
    writeFileSync(path, text);
    handOver(this.placement, path);
  }
}

function sameFolder(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

/** True when nobody listens on that loopback port. */
export async function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
