// Starts the simulator as a user does, waits for orders in its log, stops it, and expects a clean exit.
import { spawn } from 'node:child_process';

const WANTED = ['order.placed', 'order.delivered'];
const LIMIT_MS = 180_000;

const child = spawn(process.execPath, ['src/main.ts', 'run'], {
  env: {
    ...process.env,
    LOG_FORMAT: 'json',
    ORDERS_PER_MINUTE: '120',
    SEED_CUSTOMERS: '200',
    HISTORY_ORDERS: '1000',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const seen = new Set();
let stopping = false;
let rest = '';
const timer = setTimeout(() => {
  console.error(
    `not seen within ${LIMIT_MS / 1000} s: ${WANTED.filter((event) => !seen.has(event)).join(', ')}`,
  );
  child.kill('SIGKILL');
  process.exitCode = 1;
}, LIMIT_MS);

child.stdout.setEncoding('utf8').on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const event = /"event":"([^"]+)"/.exec(line)?.[1];
    if (event) seen.add(event);
    if (!stopping && WANTED.every((wanted) => seen.has(wanted))) {
      stopping = true;
      console.log(`seen: ${[...seen].join(', ')}; stopping`);
      child.kill('SIGTERM');
    }
  }
});
child.on('exit', (code, signal) => {
  clearTimeout(timer);
  // Windows knows no SIGTERM: the process just ends
  const clean = code === 0 || (process.platform === 'win32' && signal === 'SIGTERM');
  console.log(clean && stopping ? 'stopped cleanly' : `ended with ${code ?? signal}`);
  if (!clean || !stopping) process.exitCode = 1;
});
