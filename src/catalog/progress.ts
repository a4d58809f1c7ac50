import { SingleBar } from 'cli-progress';
import type { SeedProgress } from './seed.ts';

/** A progress bar on stderr for the terminal; a new line of work starts a new bar. */
export function createSeedProgress(): SeedProgress {
  let bar: SingleBar | undefined;
  let current = '';
  return (what, done, total) => {
    if (what !== current || bar === undefined) {
      bar?.stop();
      current = what;
      bar = new SingleBar({
        format: `  ${what.padEnd(9)} {bar} {value}/{total}`,
        stream: process.stderr,
        hideCursor: true,
        clearOnComplete: true,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 32,
      });
      bar.start(total, 0);
    }
    bar.update(done);
    if (done >= total) {
      bar.stop();
      bar = undefined;
    }
  };
}
