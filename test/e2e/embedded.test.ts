import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachEmbedded } from '../../src/db/embedded/attach.ts';
import { canEnter } from '../../src/db/embedded/placement.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { type Attached, AttachedProcess, ask, postmasterPid, until } from '../support/attached-process.ts';
import { freePort } from '../support/pg-server.ts';

const isRoot = process.getuid?.() === 0;
/** Quick: nothing of these servers must survive a power cut. */
const serverSettings = { fsync: 'off', shared_buffers: '16MB' };
const NOBODY = { uid: 65_534, gid: 65_534 };

let folder: string;
let port: number;
let processes: AttachedProcess[];
let elsewhere: string[];

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'cdc-sim-embedded-')));
  chmodSync(folder, 0o755);
  port = await freePort();
  processes = [];
  elsewhere = [];
});

afterEach(async () => {
  await Promise.all(processes.map((process) => process.kill()));
  // a server whose users were all killed runs on: adopt it, and leave it as the last one
  const dataDir = join(folder, 'postgres');
  if (existsSync(join(dataDir, 'postmaster.pid'))) {
    const embedded = await attachEmbedded(optionsFor(), silentLogger());
    await embedded.detach();
  }
  rmSync(folder, { recursive: true, force: true });
  for (const path of elsewhere) rmSync(path, { recursive: true, force: true });
});

function optionsFor(overrides: { port?: number; portWasSet?: boolean } = {}) {
  return { dataDir: join(folder, 'postgres'), port, portWasSet: false, serverSettings, ...overrides };
}

function start(
  ...[overrides, identity]: [Parameters<typeof optionsFor>[0]?, typeof NOBODY?]
): AttachedProcess {
  const process = new AttachedProcess(optionsFor(overrides), identity);
  processes.push(process);
  return process;
}

const runs = (dataDir: string) => existsSync(join(dataDir, 'postmaster.pid'));

describe('a start', () => {
  it('makes the server ready for change capture, stops it at the end and finds its data again', async () => {
    const first = start();
    const { port: at, dataDir, startedHere } = await first.attached;
    expect(startedHere).toBe(true);
    expect(await ask(at, 'SHOW wal_level')).toBe('logical');
    expect(await ask(at, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await ask(at, `SELECT lower('ÁRVORE') || ('b' > 'A')`)).toBe('árvoretrue');
    await ask(at, 'CREATE TABLE kept AS SELECT 42 AS x');
    await first.leave();
    expect(runs(dataDir)).toBe(false);
    const second = start();
    const again = await second.attached;
    expect(again.startedHere).toBe(true);
    expect(again.dataDir).toBe(dataDir);
    expect(await ask(again.port, 'SELECT x FROM kept')).toBe(42);
  });

  it('beside another from nothing makes one server, which the last one to leave stops', async () => {
    const both = [start(), start()];
    const said = (await Promise.all(both.map((process) => process.attached))) as [Attached, Attached];
    expect(said.map((one) => one.startedHere).sort()).toEqual([false, true]);
    expect(said[0].port).toBe(said[1].port);
    const starter = said[0].startedHere ? 0 : 1;
    await both[starter]?.leave();
    expect(await ask(said[0].port, 'SELECT 1')).toBe(1);
    await both[1 - starter]?.leave();
    expect(runs(said[0].dataDir)).toBe(false);
  });

  it('counts a process that attaches twice as two users', async () => {
    const first = await attachEmbedded(optionsFor(), silentLogger());
    const second = await attachEmbedded(optionsFor(), silentLogger());
    await first.detach();
    await first.detach();
    expect(await ask(second.settings.port, 'SELECT 1')).toBe(1);
    await second.detach();
    expect(runs(second.dataDir)).toBe(false);
  });
});

describe('after kill -9', () => {
  it('of the daemon, the server that outlived it is adopted, and stopped by the one who adopted it', async () => {
    const first = start();
    const { port: at, dataDir } = await first.attached;
    const pid = postmasterPid(dataDir);
    await first.kill();
    expect(await ask(at, 'SELECT 1')).toBe(1);
    const second = start();
    expect(await second.attached).toEqual({ port: at, dataDir, startedHere: false });
    expect(postmasterPid(dataDir)).toBe(pid);
    await second.leave();
    expect(runs(dataDir)).toBe(false);
  });

  it('in the midst of the first start, the next one starts clean and leaves no debris', async () => {
    const first = start();
    const unfinished = () => readdirSync(folder).some((name) => name.includes('.init-'));
    await until('initdb works', () => unfinished() || existsSync(join(folder, 'postgres')));
    await first.kill();
    const second = start();
    const { port: at } = await second.attached;
    expect(await ask(at, 'SELECT count(*)::int FROM pg_database')).toBe(4);
    await second.leave();
    const third = start();
    await third.attached;
    expect(unfinished()).toBe(false);
  });

  it('of the server, it is revived on the same port with what was committed; after an orderly stop not at once', async () => {
    const embedded = await attachEmbedded(optionsFor(), silentLogger());
    const at = embedded.settings.port;
    await ask(at, 'CREATE TABLE kept AS SELECT 42 AS x');
    process.kill(postmasterPid(embedded.dataDir), 'SIGKILL');
    await until('the server is gone', () =>
      ask(at, 'SELECT 1').then(
        () => false,
        () => true,
      ),
    );
    await embedded.revive();
    expect(await ask(at, 'SELECT x FROM kept')).toBe(42);
    process.kill(postmasterPid(embedded.dataDir), 'SIGINT');
    await until('the server has stopped', () => !runs(embedded.dataDir));
    await embedded.revive();
    expect(runs(embedded.dataDir)).toBe(false);
    await embedded.detach();
  });

  it.skipIf(process.platform !== 'linux')(
    'a pid file whose number went to another program does not stand in the way, nor is that program harmed',
    async () => {
      const first = start();
      const { dataDir } = await first.attached;
      await first.leave();
      const { uid, gid } = statSync(dataDir);
      const other = spawn('sleep', ['600'], { stdio: 'ignore', ...(isRoot ? { uid, gid } : {}) });
      try {
        writeFileSync(
          join(dataDir, 'postmaster.pid'),
          `${other.pid}\n${dataDir}\n1700000000\n${port}\n\n127.0.0.1\n`,
        );
        if (isRoot) chownSync(join(dataDir, 'postmaster.pid'), uid, gid);
        const second = start();
        expect((await second.attached).startedHere).toBe(true);
        expect(postmasterPid(dataDir)).not.toBe(other.pid);
        await second.leave();
        expect(other.exitCode ?? other.signalCode).toBeNull();
      } finally {
        other.kill('SIGKILL');
      }
    },
  );
});

describe('what stands in the way', () => {
  it('a taken port: a default moves on, one that was set is an error that names it', async () => {
    const occupant = createServer().listen(port, '127.0.0.1');
    try {
      await until('the port is taken', () => occupant.listening);
      const refused = await start({ portWasSet: true }).attached;
      expect(refused.error).toContain(`EMBEDDED_PORT=${port}`);
      expect(refused.fix).toContain('EMBEDDED_PORT');
      const moved = await start().attached;
      expect(moved.port).toBeGreaterThan(port);
      expect(await ask(moved.port, 'SELECT 1')).toBe(1);
    } finally {
      occupant.close();
    }
  });

  it('a folder that is something else is refused and stays as it is', async () => {
    const dataDir = join(folder, 'postgres');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'thesis.txt'), 'years of work');
    const refused = await start().attached;
    expect(refused.error).toContain('is not empty');
    expect(refused.fix).toContain('EMBEDDED_DATA_DIR');
    expect(readdirSync(dataDir)).toEqual(['thesis.txt']);
  });

  it('a data directory of another major version is refused with both versions', async () => {
    const dataDir = join(folder, 'postgres');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'PG_VERSION'), '15\n');
    if (isRoot) chownSync(join(dataDir, 'PG_VERSION'), NOBODY.uid, NOBODY.gid);
    const refused = await start().attached;
    expect(refused.error).toMatch(/PostgreSQL 15.*PostgreSQL 17/);
    expect(readdirSync(dataDir)).toEqual(['PG_VERSION']);
  });

  it('a server that does not start says why', async () => {
    const first = start();
    const { dataDir } = await first.attached;
    await first.leave();
    writeFileSync(join(dataDir, 'postgresql.auto.conf'), "shared_preload_libraries = 'no_such_library'\n");
    const refused = await start().attached;
    expect(refused.error).toContain('no_such_library');
    writeFileSync(join(dataDir, 'postgresql.auto.conf'), '');
    expect((await start().attached).startedHere).toBe(true);
  });
});

describe.runIf(isRoot)('as root', () => {
  it('under a folder that others cannot enter, the data lies elsewhere behind a link that is found again', async () => {
    chmodSync(folder, 0o700);
    const first = start();
    const { dataDir, port: at } = await first.attached;
    elsewhere.push(dataDir, `${dataDir}.users.db`);
    expect(dataDir.startsWith(folder)).toBe(false);
    expect(lstatSync(join(folder, 'postgres')).isSymbolicLink()).toBe(true);
    expect(realpathSync(join(folder, 'postgres'))).toBe(realpathSync(dataDir));
    await ask(at, 'CREATE TABLE kept AS SELECT 42 AS x');
    await first.leave();
    const again = await start().attached;
    expect(again.dataDir).toBe(dataDir);
    expect(await ask(again.port, 'SELECT x FROM kept')).toBe(42);
  });

  it.runIf(canEnter(import.meta.dirname, NOBODY) && canEnter(process.execPath, NOBODY))(
    'the server of a plain user is joined, and runs on as that user',
    async () => {
      chownSync(folder, NOBODY.uid, NOBODY.gid);
      const plain = start({}, NOBODY);
      const { dataDir, error } = await plain.attached;
      expect(error).toBeUndefined();
      expect(statSync(dataDir).uid).toBe(NOBODY.uid);
      await plain.leave();
      const root = start();
      expect((await root.attached).startedHere).toBe(true);
      expect(statSync(`/proc/${postmasterPid(dataDir)}`).uid).toBe(NOBODY.uid);
    },
  );
});
