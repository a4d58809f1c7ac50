import { type Options, Presets, SingleBar } from 'cli-progress';
import type { Progress } from './verify.ts';

export const noProgress: Progress = { table: () => undefined, settling: () => undefined };

/** A bar on stderr: tables compared, then rows that are looked at again. */
export function progressBar(tables: number): { progress: Progress; stop(): void } {
  const options: Options = {
    format: '{bar} {percentage}% {what}',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  const shares = new Map<string, number>();
  bar.start(tables, 0, { what: '' });
  return {
    progress: {
      table: (name, share) => {
        shares.set(name, share);
        const done = [...shares.values()].reduce((sum, value) => sum + value, 0);
        bar.update(Math.round(done * 100) / 100, { what: name });
      },
      settling: (pending) => {
        bar.update(tables, { what: `${pending} rows still to arrive` });
      },
    },
    stop: () => bar.stop(),
  };
}
