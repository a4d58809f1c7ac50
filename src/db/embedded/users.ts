import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { delay } from '../../lib/backoff.ts';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import { isAlive, ownProcess } from './processes.ts';

const WAIT_MS = 180_000;
const LOOK_EVERY_MS = 50;
const SQLITE_BUSY = 5;

/** Who uses the server, as seen by the one process that holds the lock. */
export interface Users {
  /** Enters this process; the returned number is its entry. One process may enter several times. */
  add(): number;
  remove(entry: number): void;
  /** Forgets those that died without a word and returns how many live. */
  living(): number;
}

/**
 * Runs `work` while no other process (and no other caller in this one) is in here, with the list of users at `path`.
 * The lock is SQLite's, which is the operating system's: it goes with the process that holds it, also by kill -9.
 * What `work` changed in the list is undone when it throws.
 */
export async function withUsers<T>(path: string, work: (users: Users) => Promise<T>): Promise<T> {
  const list = await openLocked(path);
  try {
    const result = await work(usersOf(list));
    list.exec('COMMIT');
    return result;
  } finally {
    // what was not committed is rolled back
    list.close();
  }
}

async function openLocked(path: string): Promise<DatabaseSync> {
  const deadline = performance.now() + WAIT_MS;
  let list: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    list = new DatabaseSync(path);
    while (!tryLock(list)) {
      if (performance.now() > deadline) {
        throw new OperatorError(`another process holds ${path} for more than ${WAIT_MS / 1000} s`, {
          fix: 'end the other cdc-sim that starts or stops the embedded PostgreSQL there, then try again',
        });
      }
      await delay(LOOK_EVERY_MS);
    }
    list.exec(
      'CREATE TABLE IF NOT EXISTS users (entry INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER, started_at TEXT)',
    );
    return list;
  } catch (error) {
    list?.close();
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `cannot use ${path}, the list of who uses the embedded server: ${messageOf(error)}`,
      {
        fix: 'see that this user may write there and the disk has space; when the file is damaged and no cdc-sim runs, remove it',
        cause: error,
      },
    );
  }
}

function tryLock(list: DatabaseSync): boolean {
  try {
    list.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

function usersOf(list: DatabaseSync): Users {
  const remove = (entry: number) => void list.prepare('DELETE FROM users WHERE entry = ?').run(entry);
  return {
    add: () => {
      const { pid, startedAt } = ownProcess();
      return Number(
        list.prepare('INSERT INTO users (pid, started_at) VALUES (?, ?)').run(pid, startedAt).lastInsertRowid,
      );
    },
    remove,
    living: () => {
      let living = 0;
      for (const row of list.prepare('SELECT entry, pid, started_at FROM users').all()) {
        if (isAlive({ pid: Number(row['pid']), startedAt: String(row['started_at']) })) living += 1;
        else remove(Number(row['entry']));
      }
      return living;
    },
  };
}
