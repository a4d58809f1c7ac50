import { spawn } from 'node:child_process';
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, OperatorError } from '../../lib/errors.ts';
import type { Placement } from './placement.ts';

export interface ProgramResult {
  readonly code: number | null;
  /** What it said; empty for pg_ctl. */
  readonly output: string;
}

/**
 * Runs one of PostgreSQL's programs as the server's user, out of reach of the terminal's Ctrl-C. Resolves when it
 * ends, whatever its exit code.
 */
export async function runProgram(
  placement: Placement,
  program: 'initdb' | 'pg_ctl',
  args: readonly string[],
  cwd: string,
): Promise<ProgramResult> {
  const { binDir, user } = placement;
  const windows = process.platform === 'win32';
  const path = join(binDir, windows ? `${program}.exe` : program);
  if (!windows) for (const name of [program, 'postgres']) makeExecutable(join(binDir, name));
  // the server that pg_ctl starts would keep our pipe open for ever (seen on Windows): only initdb gets one
  const output = program === 'initdb' ? 'pipe' : 'ignore';
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const child = spawn(path, args, {
      cwd,
      stdio: ['ignore', output, output],
      windowsHide: true,
      detached: !windows,
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    });
    child.stdout?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    child.once('error', (error) =>
      reject(
        new OperatorError(`cannot run ${path}: ${messageOf(error)}`, {
          fix: 'rm -rf node_modules && npm ci, or set DATABASE_URL to a database of yours',
          cause: error,
        }),
      ),
    );
    child.once(output === 'pipe' ? 'close' : 'exit', (code) => resolve({ code, output: said.join('') }));
  });
}

/** Hands a file to the server's user. */
export function handOver(placement: Placement, path: string): void {
  const { user } = placement;
  if (user !== null) chownSync(path, user.uid, user.gid);
}

function makeExecutable(path: string): void {
  try {
    chmodSync(path, 0o755);
  } catch {
    // a read-only installation has them executable already, or says so when it runs them
  }
}
