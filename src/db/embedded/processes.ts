import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, statSync } from 'node:fs';

/** A process that can be told from a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, in the system's own terms; '' where that cannot be known. */
  readonly startedAt: string;
}

export function ownProcess(): ProcessId {
  return { pid: process.pid, startedAt: startOf(process.pid) };
}

/** True when some process has this number. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is somebody else's
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** True while that very process lives, not merely one with its number. */
export function isAlive({ pid, startedAt }: ProcessId): boolean {
  if (!pidExists(pid)) return false;
  if (startedAt === '') return true;
  const now = startOf(pid);
  return now === '' || now === startedAt;
}

/**
 * False when the process is known not to be the PostgreSQL server of `dataDir`: numbers are given out again after a
 * crash or a reboot. True when it is that server, or when the system does not say.
 */
export function mayServe(pid: number, dataDir: string): boolean {
  if (!pidExists(pid)) return false;
  if (process.platform === 'win32') return /postgres|^$/i.test(windowsImage(pid));
  if (process.platform !== 'linux') {
    const command = ask('command=', pid);
    return command === '' || (command.includes('postgres') && command.includes(dataDir));
  }
  try {
    if (!readFileSync(`/proc/${pid}/comm`, 'utf8').trim().startsWith('postgres')) return false;
    if (statSync(`/proc/${pid}`).uid !== statSync(dataDir).uid) return false;
  } catch {
    return pidExists(pid);
  }
  try {
    // a server's working directory is its data directory
    return realpathSync(`/proc/${pid}/cwd`) === realpathSync(dataDir);
  } catch {
    return pidExists(pid);
  }
}

/** When a process started: boot and ticks since then (Linux), the date (other Unix), '' when not known. */
function startOf(pid: number): string {
  if (process.platform === 'win32') return '';
  if (process.platform !== 'linux') return ask('lstart=', pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name may contain spaces and brackets: count the fields behind the last bracket (22nd of all)
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return '';
  }
}

/** The program of a process on Windows, '' when it is not told. */
function windowsImage(pid: number): string {
  try {
    const args = ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH'];
    return execFileSync('tasklist', args, { encoding: 'utf8', timeout: 10_000, windowsHide: true }).trim();
  } catch {
    return '';
  }
}

function ask(column: string, pid: number): string {
  try {
    return execFileSync('ps', ['-ww', '-o', column, '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 5_000,
    }).trim();
  } catch {
    return '';
  }
}
