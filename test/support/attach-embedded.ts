import { attachEmbedded, type EmbeddedOptions } from '../../src/db/embedded/attach.ts';
import { OperatorError } from '../../src/lib/errors.ts';
import { silentLogger } from '../../src/lib/logger.ts';

/**
 * Spawned by tests: attaches as a daemon does, says how on stdout in one line of JSON, and stays until its stdin
 * closes.
 */
function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

try {
  const options = JSON.parse(process.argv[2] ?? '') as EmbeddedOptions;
  const embedded = await attachEmbedded(options, silentLogger());
  say({ port: embedded.settings.port, startedHere: embedded.startedHere, dataDir: embedded.dataDir });
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
  await embedded.detach();
} catch (error) {
  say(error instanceof OperatorError ? { error: error.message, fix: error.fix } : { error: String(error) });
  process.exitCode = 1;
}
