import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { EmbeddedOptions } from '../../src/db/embedded/attach.ts';

const SCRIPT = fileURLToPath(new URL('attach-embedded.ts', import.meta.url));
const DEADLINE_MS = 60_000;

export interface Attached {
  readonly port: number;
  readonly startedHere: boolean;
  readonly dataDir: string;
  /** Set when it could not attach; the process has ended then. */
  readonly error?: string;
  readonly fix?: string;
}

/** A process of its own that uses an embedded server. */
export class AttachedProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** What it said once it was attached, or had failed. */
  readonly attached: Promise<Attached>;

  constructor(options: EmbeddedOptions, identity: { readonly uid?: number; readonly gid?: number } = {}) {
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      ...identity,
    });
    let complaints = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaints += chunk.toString();
    });
    this.#child = child;
    this.#ended = once(child, 'exit');
    const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    this.attached = Promise.race([
      line.then(([text]) => JSON.parse(text) as Attached),
      this.#ended.then(async () => {
        // the line may still be on its way
        const last = await Promise.race([
          line,
          new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 500)),
        ]);
        if (last !== undefined) return JSON.parse(last[0]) as Attached;
        throw new Error(`it ended without a word; stderr: ${complaints}`);
      }),
    ]);
    // whoever kills it before it is attached does not ask
    this.attached.catch(() => undefined);
  }

  /** Lets it leave in good order. */
  async leave(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }

  /** Ends it as the out-of-memory killer would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** The server's process, as its data directory names it. */
export function postmasterPid(dataDir: string): number {
  return Number(readFileSync(`${dataDir}/postmaster.pid`, 'utf8').split('\n')[0]);
}

/** Asks the embedded server on `port` something; the first column of the first row. */
export async function ask(port: number, sql: string): Promise<unknown> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password: 'postgres',
    database: 'loja',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(sql);
    return Object.values(result.rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

/** Polls until `check` holds; fails after a minute. */
export async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
