import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, OperatorError, UsageError } from '../../lib/errors.ts';
import { shown } from '../../lib/shown.ts';
import type { Placement } from './placement.ts';
import { handOver, runProgram } from './programs.ts';
import { EMBEDDED_PASSWORD, INITDB_ARGUMENTS } from './settings.ts';

const MAJOR_VERSION = '17';
export const OWN_CONFIGURATION = 'cdc-sim.conf';

/** Makes the data directory when there is none. Throws an OperatorError when what is there is not ours to use. */
export async function prepareDataDirectory(
  placement: Placement,
  options: { readonly durable: boolean },
): Promise<void> {
  refuseWhatAShellReads(placement.dataDir);
  try {
    await prepare(placement, options.durable);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`cannot use the data directory ${placement.dataDir}: ${messageOf(error)}`, {
      fix: 'when it was made by another user (root, say), start as that one; or set EMBEDDED_DATA_DIR to another folder',
      cause: error,
    });
  }
}

/** pg_ctl writes the folder into a command line for the shell, between double quotes, as it is. */
function refuseWhatAShellReads(dataDir: string): void {
  const found = (process.platform === 'win32' ? /["%]/ : /["$`\\]/).exec(dataDir)?.[0];
  if (found === undefined) return;
  throw new UsageError(
    `the data directory ${shown(dataDir)} has ${found} in its path, and pg_ctl cannot start a server there`,
    'set EMBEDDED_DATA_DIR to a folder without it; spaces and letters of any alphabet are fine',
  );
}

async function prepare(placement: Placement, durable: boolean): Promise<void> {
  const { dataDir } = placement;
  removeUnfinished(dataDir);
  const entries = listFolder(dataDir);
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
      { fix: 'set EMBEDDED_DATA_DIR to a new folder' },
    );
  }
  refuseMountPoint(dataDir);
  // a data directory that is there is whole: initdb works beside it, and the name comes last. A name of its own,
  // since an initdb whose daemon was killed may still be writing
  const unfinished = `${dataDir}.init-${process.pid}-${Date.now()}`;
  try {
    mkdirSync(unfinished, { recursive: true, mode: 0o700 });
    handOver(placement, unfinished);
    await initialise(placement, unfinished, durable);
    rmSync(dataDir, { recursive: true, force: true });
    renameSync(unfinished, dataDir);
  } finally {
    removeUnfinished(dataDir);
  }
}

/** The data directory comes by renaming, which a mount point does not allow; PostgreSQL advises against them too. */
function refuseMountPoint(dataDir: string): void {
  const device = statSync(dataDir, { throwIfNoEntry: false })?.dev;
  if (device === undefined || device === statSync(dirname(dataDir)).dev) return;
  throw new OperatorError(`${dataDir} is a mount point; the data directory must be a folder in it`, {
    fix: `set EMBEDDED_DATA_DIR=${join(dataDir, 'postgres')}`,
  });
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Callers hold the lock: nobody alive is making a data directory here, so that whatever is unfinished is left over. */
function removeUnfinished(dataDir: string): void {
  const parent = dirname(dataDir);
  for (const name of listFolder(parent)) {
    if (!name.startsWith(`${basename(dataDir)}.init-`)) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // somebody still writes there; the next start removes it
    }
  }
}

async function initialise(placement: Placement, folder: string, durable: boolean): Promise<void> {
  const passwordFile = `${folder}.password`;
  writeFileSync(passwordFile, `${EMBEDDED_PASSWORD}\n`, { mode: 0o600 });
  handOver(placement, passwordFile);
  const args = ['-D', folder, `--pwfile=${passwordFile}`, ...INITDB_ARGUMENTS];
  if (!durable) args.push('--no-sync');
  const { code, output } = await runProgram(placement, 'initdb', args, folder);
  if (code !== 0) {
    throw new OperatorError(
      `the embedded PostgreSQL could not make its data directory: ${complaintsIn(output)}`,
      {
        fix: 'see that the disk has 200 MB free and the folder can be written; or set DATABASE_URL to a database of yours',
      },
    );
  }
  const conf = join(folder, 'postgresql.conf');
  writeFileSync(conf, `include_if_exists = '${OWN_CONFIGURATION}'\n\n${readFileSync(conf, 'utf8')}`);
}

/** What a program or the server complained of, in one line; its last words when it did not complain. */
export function complaintsIn(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const complaints = lines.filter((line) =>
    /(FATAL|PANIC|ERROR|error:|could not|cannot|No space left|Permission denied)/.test(line),
  );
  return (complaints.length > 0 ? complaints : lines).slice(-3).join(' | ') || 'it said nothing';
}
