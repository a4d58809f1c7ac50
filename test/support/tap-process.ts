import { connect } from '../../src/db/pool.ts';
import { openStore } from '../../src/lakehouse/store.ts';
import { Tap } from '../../src/lakehouse/tap/tap.ts';
import { silentLogger } from '../../src/lib/logger.ts';

// a tap in a process of its own, made to be killed; argument: settings, file, slot, limits as JSON
const { settings, file, slot, limits } = JSON.parse(process.argv[2] ?? '{}');
// nor may it outlive the test that was to kill it
process.stdin.on('end', () => process.exit(1)).resume();
const logger = silentLogger();
const tap = new Tap({
  settings,
  connections: connect(settings, { poolSize: 2, logger }),
  store: await openStore(file),
  logger,
  slot,
  publication: 'cdc_sim',
  limits,
  onApplied: ({ changes }) => process.stdout.write(`applied ${changes}\n`),
});
await tap.start();
process.stdout.write('started\n');
await tap.done();
