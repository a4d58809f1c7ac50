import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { delay } from '../../lib/backoff.ts';
import { OperatorError } from '../../lib/errors.ts';
import { isAlive, ownProcess, type ProcessId } from './processes.ts';

const WAIT_MS = 120_000;
const LOOK_EVERY_MS = 50;
/** A lock file without readable content is being written just now, or its writer died at it. */
const UNREADABLE_GRACE_MS = 2_000;

/** Runs `work` while this process alone holds the lock file; a lock whose holder died is taken over. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  await acquire(path);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

async function acquire(path: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    try {
      writeFileSync(path, JSON.stringify(ownProcess()), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    removeWhenAbandoned(path);
    if (performance.now() > deadline) {
      throw new OperatorError(`another process holds ${path} for more than ${WAIT_MS / 1000} s`, {
        fix: `see which one it is (cat ${path}), end it, or remove the file when it is gone`,
      });
    }
    await delay(LOOK_EVERY_MS);
  }
}

function removeWhenAbandoned(path: string): void {
  const holder = readProcess(path);
  if (holder === 'gone' || (holder !== 'unreadable' && isAlive(holder))) return;
  if (holder === 'unreadable' && ageMs(path) < UNREADABLE_GRACE_MS) return;
  // of several who see the same dead holder, one wins the rename
  const grave = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, grave);
    rmSync(grave, { force: true });
  } catch {
    // somebody else was faster
  }
}

function readProcess(path: string): ProcessId | 'gone' | 'unreadable' {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<ProcessId>;
    return typeof value.pid === 'number'
      ? { pid: value.pid, startedAt: value.startedAt ?? '' }
      : 'unreadable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : 'unreadable';
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** Who uses the server: one small file a process, beside the data directory. Change it under the lock only. */
export class UserRegistry {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(): void {
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(join(this.#folder, String(process.pid)), JSON.stringify(ownProcess()));
  }

  /** Removes this process, and those that died without a word; returns how many others live. */
  remove(): number {
    rmSync(join(this.#folder, String(process.pid)), { force: true });
    return this.others();
  }

  others(): number {
    let living = 0;
    for (const name of this.#names()) {
      if (name === String(process.pid)) continue;
      const user = readProcess(join(this.#folder, name));
      if (user !== 'gone' && user !== 'unreadable' && isAlive(user)) living += 1;
      else rmSync(join(this.#folder, name), { force: true });
    }
    return living;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch {
      return [];
    }
  }
}
