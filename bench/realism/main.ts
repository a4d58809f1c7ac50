import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { ExitCode } from '../../src/lib/errors.ts';
import { measure } from './measure.ts';
import { measureLive } from './measure-live.ts';
import { measureOlistMix } from './measure-money.ts';
import { plots } from './plots.ts';
import { markdownTable, terminalTable, withMeasurements } from './report.ts';
import { drawSample } from './sample.ts';

const MIN_ORDERS = 20_000;
const MAX_ORDERS = 1_000_000;

function ordersOption(text: string): number {
  const orders = Number(text);
  if (!Number.isInteger(orders) || orders < MIN_ORDERS || orders > MAX_ORDERS) {
    throw new InvalidArgumentError(`a whole number from ${MIN_ORDERS} to ${MAX_ORDERS} is needed`);
  }
  return orders;
}

const program = new Command('realism')
  .description(
    'Draws orders by the model, measures them against their targets, and writes docs/realism.md with its pictures.',
  )
  .option('--orders <n>', 'orders to draw; the tolerances are made for 50000', ordersOption, 50_000)
  .option('--seed <text>', 'seed of the sample', 'realism')
  .option('--no-write', 'print the table and leave the documents as they are')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? ExitCode.done : ExitCode.usage);
  });
program.parse();
const { orders, seed, write } = program.opts<{ orders: number; seed: string; write: boolean }>();

const startedMs = performance.now();
const sample = drawSample({ orders, seed });
const rows = [
  ...measure(sample),
  ...measureOlistMix(drawSample({ orders: MIN_ORDERS, seed, paymentMix: 'olist' })),
  ...measureLive(seed),
];
const failed = rows.filter((row) => !row.pass);
console.log(terminalTable(rows));

if (write) {
  const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
  mkdirSync(`${docs}realism`, { recursive: true });
  const pictures = plots(sample);
  for (const { name, svg } of pictures) writeFileSync(`${docs}realism/${name}.svg`, svg);
  const measurements = [
    `${orders.toLocaleString('en')} orders, seed \`${seed}\`: ${rows.length - failed.length} of ${rows.length} figures in range.`,
    markdownTable(rows),
    ...pictures.map(({ name, caption }) => `![${caption}](realism/${name}.svg)`),
  ].join('\n\n');
  const path = `${docs}realism.md`;
  writeFileSync(path, withMeasurements(readFileSync(path, 'utf8'), measurements));
}
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
console.log(
  `${rows.length - failed.length} of ${rows.length} in range, ${orders} orders, seed ${seed}, ${seconds} s`,
);
process.exitCode = failed.length === 0 ? ExitCode.done : ExitCode.problemFound;
