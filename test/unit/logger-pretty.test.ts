import { execFileSync } from 'node:child_process';
import { expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 });

const logger = new URL('../../src/lib/logger.ts', import.meta.url).href;

function prettyLog(level: string): string {
  const script = `import { createLogger } from ${JSON.stringify(logger)};
    const log = createLogger({ level: '${level}', format: 'pretty' });
    log.info({ event: 'one', orderId: 7 }, 'first');
    log.info({ event: 'two' }, 'second');`;
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
}

it.each(['info', 'debug'])('a pretty log at level %s has one line for each event', (level) => {
  const lines = prettyLog(level).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/first/);
  expect(lines[1]).toMatch(/second$/);
  expect(lines[2]).toBe('');
});
