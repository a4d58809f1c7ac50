import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { run as advance } from './advance.ts';
import { run as bloat } from './bloat.ts';
import { run as footprint } from './footprint.ts';
import { run as history } from './history.ts';
import { run as place } from './place.ts';
import { run as rate } from './rate.ts';
import type { Figure, Suite } from './suite.ts';
import { startBenchServer } from './support.ts';
import { run as workers } from './workers.ts';

/** `npm run bench -- [suite…] [--quick] [--real-time] [--rounds N] [--seconds S]`: the table, and JSON in bench/results. */
const SUITES: Readonly<Record<string, Suite>> = { place, advance, history, rate, workers, footprint, bloat };
/** These need no server, and tell their figures in a shape of their own. */
const STANDALONE: Readonly<Record<string, () => Promise<unknown>>> = {
  model: async () => (await import('./model.ts')).run(),
  lakehouse: async () => (await import('./lakehouse.ts')).run(),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    'real-time': { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const known = [...Object.keys(SUITES), ...Object.keys(STANDALONE)];
const wanted = positionals.length > 0 ? positionals : known;
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(', ')}; there are: ${known.join(', ')}`);
  process.exit(2);
}
const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${process.platform}`;
console.log(`machine: ${machine}`);

const figures: Figure[] = [];
const others: Record<string, unknown> = {};
const server = wanted.some((name) => SUITES[name] !== undefined) ? await startBenchServer() : undefined;
try {
  for (const name of wanted) {
    console.log(`— ${name}`);
    const suite = SUITES[name];
    if (suite !== undefined && server !== undefined) {
      const seen = await suite({
        server,
        quick: values.quick,
        realTime: values['real-time'],
        rounds: Number(values.rounds ?? (values.quick ? 3 : 7)),
        seconds: Number(values.seconds ?? (values.quick ? 2 : 5)),
        say: (line) => console.log(line),
      });
      figures.push(...seen);
      console.log(tableOf(seen));
    } else {
      others[name] = await STANDALONE[name]?.();
      console.log(others[name]);
    }
  }
} finally {
  await server?.close();
}
const folder = join(import.meta.dirname, 'results');
mkdirSync(folder, { recursive: true });
const at = new Date().toISOString();
const file = join(folder, `${at.replaceAll(':', '-')}.json`);
writeFileSync(file, `${JSON.stringify({ at, machine, quick: values.quick, figures, others }, null, 2)}\n`);
if (figures.length > 0) console.log(tableOf(figures));
console.log(`written to ${file}`);

function tableOf(rows: readonly Figure[]): string {
  const table = new Table({
    head: ['what', 'seen', 'against', 'ratio', 'goal', ''],
    style: { head: [], border: [] },
  });
  for (const { what, seen, against, ratio, goal, met } of rows) {
    table.push([
      what,
      seen,
      against,
      ratio === null ? '' : ratio.toFixed(2),
      goal,
      met === null ? '' : met ? 'met' : 'MISSED',
    ]);
  }
  return table.toString();
}
