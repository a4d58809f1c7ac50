import { readFileSync } from 'node:fs';

/** A process that can be told from a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Ticks since boot at which it started (Linux); '' where that is not known. */
  readonly startedAt: string;
}

export function ownProcess(): ProcessId {
  return { pid: process.pid, startedAt: startOf(process.pid) };
}

/** True while that very process lives. */
export function isAlive({ pid, startedAt }: ProcessId): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and is somebody else's
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = startOf(pid);
  return startedAt === '' || now === '' || now === startedAt;
}

/** False when the process is known to be another program than PostgreSQL. */
export function mayBePostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim().startsWith('postgres');
  } catch {
    return true;
  }
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name may contain spaces and brackets: count the fields behind the last bracket (22nd of all)
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
