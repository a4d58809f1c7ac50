import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

/**
 * Something long-running. `start` resolves when it works; `stop` resolves when nothing of it is left in flight.
 * Both may be called again: concurrent callers share one promise.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs `work` once however often it is called; all callers share its promise. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work();
    return running;
  };
}

/** Every acquisition registers its release here; releases run last-in-first-out, once, and one that fails does not stop the rest. */
export class Releasers {
  readonly #stack: { name: string; release: () => Promise<void> | void }[] = [];
  readonly #logger: Logger;
  readonly releaseAll: () => Promise<void>;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.releaseAll = once(() => this.#run());
  }

  add(name: string, release: () => Promise<void> | void): void {
    this.#stack.push({ name, release });
  }

  /** Starts a service and registers its stop. */
  async start(service: Service): Promise<void> {
    this.add(service.name, () => service.stop());
    await service.start();
  }

  async #run(): Promise<void> {
    for (let entry = this.#stack.pop(); entry; entry = this.#stack.pop()) {
      try {
        await entry.release();
      } catch (error) {
        this.#logger.warn(
          { resource: entry.name, reason: messageOf(error) },
          `could not release ${entry.name} cleanly`,
        );
      }
    }
  }
}
