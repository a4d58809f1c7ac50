import { parseArgs } from 'node:util';
import { describeFault, type FaultKind, faultKinds } from './plan.ts';
import { type FaultReport, runFaults } from './run.ts';

/**
 * `npm run test:faults -- --minutes 30 --seed 7 [--faults 200] [--only kill,cut] [--within 10]`: exit code 1 when anything
 * was lost, or when traffic was back at its rate later than so many seconds after a fault (0 does not judge that: a
 * busy machine takes its time).
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    faults: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now()) },
    only: { type: 'string' },
    within: { type: 'string', default: '10' },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);
const kinds = values.only?.split(',').filter((kind): kind is FaultKind => faultKinds.some((k) => k === kind));
const untilMs = Number(values.minutes) * 60_000;
let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
  say('interrupted: ending after this fault');
});
const run = await runFaults({
  seed: values.seed,
  ...(kinds === undefined ? {} : { kinds }),
  goOn: (done, elapsedMs) => !interrupted && elapsedMs < untilMs && done < Number(values.faults),
  say,
});

const done = run.reports.filter((report) => report.skipped === undefined);
const broken = done.filter((report) => report.broken.length > 0);
say('');
for (const kind of faultKinds) {
  const own = done.filter((report) => report.fault.kind === kind);
  if (own.length > 0) say(`${kind.padEnd(18)} ${String(own.length).padStart(4)}  back after ${spread(own)}`);
}
const withinMs = Number(values.within) * 1_000;
const late = done.filter(({ recoveredAfterMs }) => withinMs > 0 && (recoveredAfterMs ?? 0) > withinMs);
for (const { fault, recoveredAfterMs } of late)
  say(`late: ${describeFault(fault)} took ${((recoveredAfterMs ?? 0) / 1000).toFixed(1)} s`);
say(`${done.length} faults, ${run.ordersPlaced} orders placed (seed ${values.seed})`);
say(
  `broken: ${broken.length}; late: ${late.length}; lines at level error: ${run.errors.length}; subscriber: ${run.differences.length === 0 ? 'equal row by row' : run.differences.join('; ')}`,
);
for (const error of new Set(run.errors)) say(`  error: ${error}`);
if (broken.length > 0 || late.length > 0 || run.differences.length > 0) process.exitCode = 1;

function spread(reports: readonly FaultReport[]): string {
  const seconds = reports
    .map((report) => (report.recoveredAfterMs ?? Number.NaN) / 1000)
    .filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  const at = (share: number) => seconds[Math.floor(share * (seconds.length - 1))]?.toFixed(1) ?? '–';
  return `${at(0.5)} s (median), ${at(1)} s (most)`;
}
