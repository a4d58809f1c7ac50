import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once, type Service } from '../lib/service.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const PREFIX = 'sim │ ';

export interface SimulatorOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True: a person reads along. */
  readonly isTerminal: boolean;
  readonly print: (text: string) => void;
  readonly onExit: (code: number | null) => void;
}

/**
 * The simulator's daemon as a child. It leads a process group of its own, so that Ctrl-C reaches the parent alone,
 * which then ends both in order: a daemon that got the signal twice would give up what is in flight.
 */
export class SimulatorChild implements Service {
  readonly name = 'simulator';
  readonly #options: SimulatorOptions;
  readonly #gone = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #isStopping = false;

  constructor(options: SimulatorOptions) {
    this.#options = options;
  }

  readonly start = once(async () => {
    const { env, isTerminal, print, onExit } = this.#options;
    const child = spawn(process.execPath, [MAIN, 'run'], {
      env: { ...env, ...(isTerminal && env['LOG_FORMAT'] === undefined ? { LOG_FORMAT: 'pretty' } : {}) },
      // the channel carries nothing: it breaks when we are killed, and so the child knows
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      windowsHide: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr].filter((pipe) => pipe !== null)) {
      createInterface({ input: stream }).on('line', (line) => print(`${isTerminal ? PREFIX : ''}${line}\n`));
    }
    const endWithUs = () => void child.kill('SIGTERM');
    process.once('exit', endWithUs);
    child.once('error', () => this.#gone.resolve());
    child.once('exit', (code) => {
      process.off('exit', endWithUs);
      this.#gone.resolve();
      if (!this.#isStopping) onExit(code);
    });
  });

  readonly stop = once(async () => {
    if (this.#child === undefined) return;
    this.#isStopping = true;
    this.#child.kill('SIGTERM');
    await this.#gone.promise;
  });
}
