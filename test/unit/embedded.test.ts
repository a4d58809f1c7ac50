import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completeLinks } from '../../src/db/embedded/binaries.ts';
import { prepareDataDirectory } from '../../src/db/embedded/data-directory.ts';
import { canEnter } from '../../src/db/embedded/placement.ts';
import { isAlive, mayServe, ownProcess } from '../../src/db/embedded/processes.ts';
import { configuration } from '../../src/db/embedded/settings.ts';
import { withUsers } from '../../src/db/embedded/users.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cdc-sim-unit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function signalThatEnds(script: string): Promise<string | null> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
}

describe('the list of users', () => {
  it('is in the hands of one at a time', async () => {
    const list = join(folder, 'users.db');
    let inside = 0;
    let most = 0;
    const visit = () =>
      withUsers(list, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside -= 1;
      });
    await Promise.all([visit(), visit(), visit()]);
    expect(most).toBe(1);
  });

  it.skipIf(process.platform === 'win32')(
    'counts entries that live, and forgets a process that died',
    async () => {
      const list = join(folder, 'users.db');
      const first = await withUsers(list, async (users) => users.add());
      const second = await withUsers(list, async (users) => users.add());
      expect(second).not.toBe(first);
      const script = `
      const { withUsers } = await import(${JSON.stringify(new URL('../../src/db/embedded/users.ts', import.meta.url))});
      await withUsers(${JSON.stringify(list)}, async (users) => users.add());
      process.kill(process.pid, 'SIGKILL');`;
      expect(await signalThatEnds(script)).toBe('SIGKILL');
      await withUsers(list, async (users) => {
        expect(users.living()).toBe(2);
        users.remove(first);
        expect(users.living()).toBe(1);
      });
    },
  );

  it.skipIf(process.platform === 'win32')(
    'is unlocked and unchanged when the work on it fails, or its process is killed in the midst',
    async () => {
      const list = join(folder, 'users.db');
      const failing = withUsers(list, async (users) => {
        users.add();
        throw new Error('no disk');
      });
      await expect(failing).rejects.toThrow('no disk');
      const script = `
      const { withUsers } = await import(${JSON.stringify(new URL('../../src/db/embedded/users.ts', import.meta.url))});
      await withUsers(${JSON.stringify(list)}, async (users) => { users.add(); process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); });`;
      expect(await signalThatEnds(script)).toBe('SIGKILL');
      expect(await withUsers(list, async (users) => users.living())).toBe(0);
    },
  );

  it('that cannot be read is an error with the fix', async () => {
    const list = join(folder, 'users.db');
    writeFileSync(list, 'this is no database, and longer than the header of one '.repeat(20));
    await expect(withUsers(list, async () => 1)).rejects.toMatchObject({ name: 'OperatorError' });
  });
});

describe('a process', () => {
  it('is told from a later one with its number', () => {
    expect(isAlive(ownProcess())).toBe(true);
    expect(isAlive({ pid: process.pid, startedAt: '' })).toBe(true);
    expect(isAlive({ pid: 2 ** 22 + 1, startedAt: '' })).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('with another start is another process', () => {
    expect(isAlive({ ...ownProcess(), startedAt: 'long ago' })).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('that is no PostgreSQL serves no data directory', () => {
    expect(mayServe(process.pid, folder)).toBe(false);
  });
});

describe('files', () => {
  it.skipIf(process.platform === 'win32')('can be reached only when every folder above lets one in', () => {
    const inner = join(folder, 'closed', 'inner');
    mkdirSync(inner, { recursive: true });
    const stranger = { uid: 54_321, gid: 54_321 };
    for (const path of [folder, inner, join(folder, 'closed')]) chmodSync(path, 0o755);
    expect(canEnter(join(inner, 'not-yet-there'), stranger)).toBe(true);
    chmodSync(join(folder, 'closed'), 0o700);
    expect(canEnter(inner, stranger)).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('links that an installation without scripts lacks are made', () => {
    const native = join(folder, 'native');
    mkdirSync(join(native, 'lib'), { recursive: true });
    writeFileSync(join(native, 'lib', 'libx.so.1.2'), '');
    const links = ['libx.so', 'libx.so.1'].map((name) => ({
      source: 'native/lib/libx.so.1.2',
      target: `native/lib/${name}`,
    }));
    writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
    symlinkSync('libx.so.1.2', join(native, 'lib', 'libx.so'));
    completeLinks(native);
    writeFileSync(join(native, 'lib', 'libx.so.1'), 'through the link');
    expect(() => completeLinks(native)).not.toThrow();
    expect(readFileSync(join(native, 'lib', 'libx.so'), 'utf8')).toBe('through the link');
  });
});

it('further settings win over ours', () => {
  expect(configuration(5555, { fsync: 'off', max_connections: '200' })).toMatch(/^max_connections = 200$/m);
  expect(configuration(5555, {})).toMatch(/^port = 5555$/m);
});

describe('a data directory', () => {
  it.skipIf(process.platform === 'win32').each(['"', '$', '`', '\\'])(
    'with %s in its path is refused before anything is made: pg_ctl hands it to a shell',
    async (character) => {
      const dataDir = join(folder, `loja ${character}HOME`);
      const placement = { dataDir, binDir: '/nowhere', user: null };
      await expect(prepareDataDirectory(placement, { durable: false })).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringContaining(` has ${character} in its path`) as string,
      });
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});
