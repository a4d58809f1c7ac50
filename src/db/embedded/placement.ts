import { randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  type Stats,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { completeLinks, copyBinaries, installedBinaries } from './binaries.ts';

/** Who the server runs as. PostgreSQL refuses to run as root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

export interface Placement {
  /** Absolute, links resolved: two ways to write the same folder are one server. */
  readonly dataDir: string;
  readonly binDir: string;
  /** null: as whoever runs this process. */
  readonly user: ServerUser | null;
}

/** Where binaries and data live when root's own folders are closed to the user that must run the server. */
function sharedFolders(): readonly string[] {
  return ['/var/lib/cdc-sim', join(tmpdir(), 'cdc-sim')];
}

/** Decides where the server's files are. As root, both must be where an unprivileged user can reach them. */
export function place(configuredDataDir: string, logger: Logger): Placement {
  const configured = resolve(configuredDataDir);
  const native = installedBinaries();
  completeLinks(native);
  try {
    if (process.getuid?.() !== 0)
      return { dataDir: writable(configured), binDir: join(native, 'bin'), user: null };
    const user = ownerOf(configured) ?? unprivilegedUser();
    const dataDir = reachableData(configured, user, logger);
    const reachable = canEnter(join(native, 'bin'), user) ? native : copyBinaries(native, sharedFolder(user));
    return { dataDir, binDir: join(reachable, 'bin'), user };
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`cannot use ${configured} for the embedded PostgreSQL: ${messageOf(error)}`, {
      fix: 'set EMBEDDED_DATA_DIR to a folder that you can write in, on a disk with space',
      cause: error,
    });
  }
}

function accounts(): readonly ServerUser[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name: name ?? '', uid: Number(uid), gid: Number(gid) }));
}

function unprivilegedUser(): ServerUser {
  for (const name of ['postgres', 'nobody']) {
    const found = accounts().find((account) => account.name === name);
    if (found !== undefined) return found;
  }
  throw new OperatorError(
    'PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody',
    { fix: 'useradd --system postgres, or start as a plain user, or set DATABASE_URL' },
  );
}

/** A data directory that is there belongs to somebody, and PostgreSQL insists on running as that user. */
function ownerOf(dataDir: string): ServerUser | undefined {
  const stats = statSync(join(dataDir, 'PG_VERSION'), { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.uid === 0) {
    throw new OperatorError(`${dataDir} belongs to root, and PostgreSQL does not run as root`, {
      fix: `chown -R ${unprivilegedUser().name} ${realpathSync(dataDir)}`,
    });
  }
  const name = accounts().find((account) => account.uid === stats.uid)?.name ?? String(stats.uid);
  return { uid: stats.uid, gid: stats.gid, name };
}

/** True when `user` can enter every folder on the way, and the last one too. Folders that are not there yet can be. */
export function canEnter(path: string, user: Pick<ServerUser, 'uid' | 'gid'>): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats !== undefined && !mayEnter(stats, user)) return false;
    if (folder === dirname(folder)) return true;
  }
}

function mayEnter(folder: Stats, user: Pick<ServerUser, 'uid' | 'gid'>): boolean {
  if (folder.uid === user.uid) return (folder.mode & 0o100) !== 0;
  return (folder.mode & (folder.gid === user.gid ? 0o010 : 0o001)) !== 0;
}

function sharedFolder(user: ServerUser): string {
  for (const folder of sharedFolders()) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      // in a folder for everybody, somebody else may have been there first
      if (lstatSync(folder).uid === 0 && canEnter(folder, user)) return folder;
    } catch {
      // the next one
    }
  }
  throw new OperatorError(`no folder that user ${user.name} can reach: ${sharedFolders().join(', ')}`, {
    fix: 'start as a plain user, or set EMBEDDED_DATA_DIR to a folder that everybody can enter',
  });
}

/**
 * The data directory itself where `user` can reach it; else a new folder elsewhere, with a link to it at the
 * configured place.
 */
function reachableData(configured: string, user: ServerUser, logger: Logger): string {
  const linked = linkTarget(configured);
  if (linked !== undefined) return linked;
  const dataDir = writable(configured);
  if (canEnter(dirname(dataDir), user)) return dataDir;
  if (existsSync(dataDir)) {
    if (readdirSync(dataDir).length > 0) {
      throw new OperatorError(
        `PostgreSQL must run as user ${user.name}, who cannot enter ${dirname(dataDir)}; ${dataDir} is there already and was not touched`,
        {
          fix: `set EMBEDDED_DATA_DIR to another folder, or let that user in: chmod o+x on the folders above ${dataDir}`,
        },
      );
    }
    rmdirSync(dataDir);
  }
  const actual = join(realpathSync(sharedFolder(user)), `data-${randomBytes(6).toString('hex')}`);
  try {
    symlinkSync(actual, dataDir);
  } catch (error) {
    // of two that start at once, one makes the link
    const made = linkTarget(dataDir);
    if (made === undefined) throw error;
    return made;
  }
  logger.info(
    { dataDir: actual },
    `PostgreSQL runs as user ${user.name}, who cannot enter ${dirname(dataDir)}: the data is in ${actual}, and ${dataDir} points there`,
  );
  return actual;
}

function linkTarget(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return undefined;
  }
}

/** Makes the parent of the data directory and checks that it can be written; returns the path without links. */
function writable(dataDir: string): string {
  const linked = linkTarget(dataDir);
  if (linked !== undefined) return writable(linked);
  const parent = dirname(dataDir);
  try {
    mkdirSync(parent, { recursive: true });
    accessSync(parent, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new OperatorError(`cannot write in ${parent}, where EMBEDDED_DATA_DIR is: ${messageOf(error)}`, {
      fix: 'set EMBEDDED_DATA_DIR to a folder that you can write in',
    });
  }
  return existsSync(dataDir)
    ? realpathSync(dataDir)
    : join(realpathSync(parent), dataDir.slice(parent.length));
}
