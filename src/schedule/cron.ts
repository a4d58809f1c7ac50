import { createTask, type ScheduledTask } from 'node-cron';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { once, type Service } from '../lib/service.ts';

export interface CronOptions {
  readonly name: string;
  /** Five or six fields; six start with seconds. */
  readonly expression: string;
  readonly logger: Logger;
  /** Runs once at the start too, not only when the schedule says. */
  readonly atStart?: boolean;
  /** One run; never overlaps itself. `msToNext`: until the next run is due. */
  readonly tick: (msToNext: number) => Promise<void>;
  /** Told of what `tick` threw; default: a line in the log each time. */
  readonly onError?: (error: unknown) => void;
}

/** Runs `tick` on a cron schedule: one at a time, errors logged, and `stop` waits for the run in flight. */
export class CronService implements Service {
  readonly name: string;
  readonly #options: CronOptions;
  #task: ScheduledTask | undefined;
  #running: Promise<void> | undefined;
  readonly stop: () => Promise<void>;

  constructor(options: CronOptions) {
    this.name = options.name;
    this.#options = options;
    this.stop = once(() => this.#stop());
  }

  async start(): Promise<void> {
    // node-cron warns by itself of runs that a stalled process missed; the traffic summary says it with figures
    this.#task = createTask(this.#options.expression, () => this.#run(), {
      name: this.name,
      suppressMissedWarning: true,
    });
    await this.#task.start();
    // nobody waits for the first full five seconds, or the first full hour
    if (this.#options.atStart === true) void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running !== undefined) return;
    this.#running = this.#tick();
    await this.#running;
    this.#running = undefined;
  }

  async #tick(): Promise<void> {
    try {
      await this.#options.tick(Math.max(this.#task?.msToNext() ?? 0, 0));
    } catch (error) {
      if (this.#options.onError !== undefined) return this.#options.onError(error);
      this.#options.logger.error(
        { job: this.name, reason: messageOf(error), err: error },
        `${this.name} failed: ${messageOf(error)}`,
      );
    }
  }

  async #stop(): Promise<void> {
    await this.#task?.destroy();
    await this.#running;
  }
}
